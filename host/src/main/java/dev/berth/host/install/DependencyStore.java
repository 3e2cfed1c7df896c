package dev.berth.host.install;

import dev.berth.api.DiskFull;
import dev.berth.api.ErrorCode;
import dev.berth.api.InstallProgress;
import dev.berth.api.PluginException;
import dev.berth.sandbox.PythonInterpreter;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Python dependencies, in {@code <data>/site/<lock>}: one read-only folder per locked set of wheels
 * and interpreter, shared by all plugins with that lock.
 *
 * <p>Wheels only: nothing of what is installed runs. The index is whatever the operator's pip or uv
 * is set to.
 */
public final class DependencyStore {
  private static final Pattern LOCK = Pattern.compile("[0-9a-f]{64}");
  private static final String LOCK_FILE = "berth-lock.txt";
  private static final String WORK = ".work-";
  private static final String NEW = ".new-";
  private static final Duration LIMIT = Duration.ofMinutes(10);

  private final Path site;
  private final PythonInterpreter python;
  private final DependencyEnvironment environment;
  private final Duration limit;

  /** One for each lock that is being installed or removed. */
  private final Map<String, ReentrantLock> busy = new ConcurrentHashMap<>();

  /** Asked once, for pip takes half a second to answer; null as long as nobody has. */
  private volatile @Nullable Boolean pipConfigured;

  /**
   * @param environment the operator's, as far as it sets up pip and uv
   */
  public DependencyStore(Path dataDir, PythonInterpreter python, Map<String, String> environment) {
    this(dataDir, python, environment, LIMIT);
  }

  /**
   * @param environment the operator's
   * @param limit the longest that preparing may take
   */
  DependencyStore(
      Path dataDir, PythonInterpreter python, Map<String, String> environment, Duration limit) {
    this.site = dataDir.resolve("site").toAbsolutePath();
    this.python = python;
    this.environment = new DependencyEnvironment(environment);
    this.limit = limit;
  }

  /**
   * Resolves {@code requirements} and sees that their folder is there. Blocks; may take minutes.
   * Who removes folders must not do so between this and the moment the registry names the lock.
   *
   * @param requirements PEP 508 requirements by name, one each; comments and empty ones are skipped
   * @return the lock, 64 hexadecimal digits; null when nothing is required. It is there too when
   *     every requirement has a marker that is not for this interpreter: for another it may be
   * @throws PluginException {@code dependency_invalid}, {@code dependency_unresolvable}, {@code
   *     dependency_no_wheel}, {@code dependency_index_unreachable}, {@code
   *     dependency_tool_missing}, {@code disk_full}, {@code cancelled} when this thread is
   *     interrupted; nothing is left behind
   */
  public @Nullable String prepare(List<String> requirements, InstallProgress progress) {
    return prepare(requirements, python, progress);
  }

  /**
   * The same for an interpreter that need not be this machine's: the one that will import them.
   *
   * @param target whose path is not used
   */
  public @Nullable String prepare(
      List<String> requirements, PythonInterpreter target, InstallProgress progress) {
    List<DependencyRequirement> wanted = DependencyRequirement.parseAll(requirements);
    if (wanted.isEmpty()) {
      return null;
    }
    try {
      Files.createDirectories(site);
      Path folder = Files.createTempDirectory(site, WORK);
      try {
        var work = new DependencyWork(folder, python, target, progress, limit);
        return prepare(wanted, work);
      } finally {
        TreeRemover.remove(folder);
      }
    } catch (IOException e) {
      throw failure(e);
    }
  }

  private String prepare(List<DependencyRequirement> wanted, DependencyWork work)
      throws IOException {
    DependencyTool tool = tool(work);
    work.tell("resolving with " + tool.name());
    DependencyLock lock = tool.resolve(wanted, work);
    String hash = lock.hash();
    ReentrantLock mine = busy.computeIfAbsent(hash, _ -> new ReentrantLock());
    mine.lock();
    try {
      if (!Files.isDirectory(directory(hash))) {
        install(lock, hash, tool, work);
      }
    } finally {
      mine.unlock();
    }
    return hash;
  }

  /**
   * uv where it is found. But an operator who told pip where packages are, and uv nothing, means
   * that place and not the public index: then it is pip.
   */
  private DependencyTool tool(DependencyWork work) throws IOException {
    var pip = new PipTool(python, work.target(), environment);
    Path found = environment.find("uv", python.executable());
    if (found != null) {
      var uv = new UvTool(found, python, work.target(), environment);
      boolean works = uv.works(work);
      boolean meansPip =
          works
              && !environment.setsUvSource()
              && pip.works(work)
              && (environment.setsPipSource() || pipIsConfigured(pip, work));
      if (works && !meansPip) {
        return uv;
      }
    }
    if (pip.works(work)) {
      return pip;
    }
    throw new PluginException(
        ErrorCode.DEPENDENCY_TOOL_MISSING,
        "The plugin has dependencies, but there is no uv on the PATH and "
            + python.executable()
            + " has no pip of 20.3 or newer. Install uv (https://docs.astral.sh/uv) or pip (on"
            + " Debian: apt install python3-pip), then try again.");
  }

  private boolean pipIsConfigured(PipTool pip, DependencyWork work) throws IOException {
    Boolean known = pipConfigured;
    if (known == null) {
      known = pip.configured(work);
      pipConfigured = known;
    }
    return known;
  }

  private void install(DependencyLock lock, String hash, DependencyTool tool, DependencyWork work)
      throws IOException {
    // Beside the final place: a folder that its owner may not write can be renamed only within its
    // parent.
    Path target = Files.createTempDirectory(site, NEW);
    try {
      work.tell("installing " + lock.pins().size() + " packages");
      if (!lock.pins().isEmpty()) {
        tool.install(lock, work, target);
      }
      var tree = new DependencyTree(target);
      tree.check();
      for (String hook : tree.removeStartupHooks()) {
        work.tell("left out the start-up hook " + hook);
      }
      DependencyCompiler.compile(target, work);
      Files.writeString(
          target.resolve(LOCK_FILE),
          "# " + lock.platform() + "\n" + lock.text(),
          StandardCharsets.UTF_8);
      tree.seal();
      // One call for all files; a power cut after the rename finds them whole.
      work.run(
          List.of("sync", "-f", target.toString()),
          Map.of("PATH", "/usr/local/bin:/usr/bin:/bin"),
          false);
      Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("r-xr-xr-x"));
      Files.move(target, directory(hash), StandardCopyOption.ATOMIC_MOVE);
      try (FileChannel parent = FileChannel.open(site)) {
        parent.force(true);
      }
    } finally {
      TreeRemover.remove(target);
    }
  }

  /** The folder of {@code lock}; whether or not it is there. */
  public Path directory(String lock) {
    if (!LOCK.matcher(lock).matches()) {
      throw new IllegalArgumentException("not a lock: " + lock);
    }
    return site.resolve(lock);
  }

  /**
   * Whether the folder of {@code lock} is there and was made for this interpreter: after Python was
   * upgraded, it may not be, and its plugins' requirements have to be prepared again.
   */
  public boolean isUsable(String lock) {
    return isUsable(lock, python);
  }

  /** The same for another interpreter. */
  public boolean isUsable(String lock, PythonInterpreter target) {
    return platform(lock).equals(Optional.of(target.platform()));
  }

  /**
   * What the folder of {@code lock} was made for, see {@link PythonInterpreter#platform}; empty
   * when it isn't there.
   */
  public Optional<String> platform(String lock) {
    Path file = directory(lock).resolve(LOCK_FILE);
    try (Stream<String> lines = Files.lines(file, StandardCharsets.UTF_8)) {
      return lines.findFirst().map(line -> line.replaceFirst("^# ", ""));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw failure(e);
    }
  }

  /** The locks whose folders are there. */
  public Set<String> locks() {
    return names(name -> LOCK.matcher(name).matches());
  }

  /** Removes the folder of {@code lock}, which no plugin may need any more. */
  public void remove(String lock) {
    Path folder = directory(lock);
    ReentrantLock mine = busy.computeIfAbsent(lock, _ -> new ReentrantLock());
    mine.lock();
    try {
      if (Files.isDirectory(folder)) {
        // Out of the way first, so that it is never there in part.
        Path gone = site.resolve(NEW + lock);
        Files.move(folder, gone, StandardCopyOption.ATOMIC_MOVE);
        TreeRemover.remove(gone);
      }
    } catch (IOException e) {
      throw failure(e);
    } finally {
      mine.unlock();
    }
  }

  /** Removes what an earlier host left half done. Call it at start, before anything else. */
  public void sweep() {
    try {
      for (String name : names(name -> name.startsWith(WORK) || name.startsWith(NEW))) {
        TreeRemover.remove(site.resolve(name));
      }
    } catch (IOException e) {
      throw failure(e);
    }
  }

  private Set<String> names(java.util.function.Predicate<String> chosen) {
    if (Files.notExists(site)) {
      return Set.of();
    }
    try (Stream<Path> all = Files.list(site)) {
      return all.map(path -> path.getFileName().toString())
          .filter(chosen)
          .collect(Collectors.toUnmodifiableSet());
    } catch (IOException e) {
      throw failure(e);
    }
  }

  private PluginException failure(IOException e) {
    boolean full = DiskFull.is(e);
    return full
        ? new PluginException(
            ErrorCode.DISK_FULL, "The disk of " + site + " is full. Free some space.", e)
        : new PluginException(
            ErrorCode.INTERNAL, "The dependencies in " + site + " can't be written: " + e, e);
  }
}
