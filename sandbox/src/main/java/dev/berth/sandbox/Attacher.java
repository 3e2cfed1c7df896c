package dev.berth.sandbox;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/**
 * Puts a plugin's folders into a container that is running already, by a helper process that is
 * started again when it died. Needs root.
 */
final class Attacher implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Attacher.class);
  private static final String START =
      "import sys; sys.path.insert(1, sys.argv[1]); from berth_runtime import attach;"
          + " attach.main()";

  /**
   * One mount.
   *
   * @param access a key of mounts.ACCESS in the runtime
   * @param owner the uid that the files have outside and that the container's user is to have them
   *     under; null for no such exchange. The folder is made when it is missing then
   * @param bytes what an image holds; 0 when the source is a folder or a socket
   */
  record Mount(Path source, String target, String access, @Nullable Integer owner, long bytes) {
    Mount(Path source, String target, String access) {
      this(source, target, access, null, 0);
    }

    Mount to(String other) {
      return new Mount(source, other, access, owner, bytes);
    }

    private Map<String, @Nullable Object> row() {
      Map<String, @Nullable Object> row = new LinkedHashMap<>();
      row.put("source", source.toString());
      row.put("target", target);
      row.put("access", access);
      row.put("owner", owner);
      row.put("bytes", bytes);
      return row;
    }
  }

  private final ProcessBuilder program;
  private final String noVolumes;
  private final String noRates;
  private final String noViews;
  private MountHelper helper; // guarded by this
  private boolean closed; // guarded by this

  private Attacher(ProcessBuilder program, MountHelper helper) {
    this.program = program;
    this.helper = helper;
    this.noVolumes = helper.noVolumes();
    this.noRates = helper.noRates();
    this.noViews = helper.noViews();
  }

  /**
   * Starts the helper.
   *
   * @param runtime the folder of the Python files
   * @param volumes an empty folder to mount images in
   * @param placed where folders are mounted for the engine to see; need not be there
   * @param probe an image to try mounting with; null for none
   * @return null when this host can't do it; then {@code why} has been told
   */
  static @Nullable Attacher start(
      Path python,
      Path runtime,
      Path volumes,
      Path placed,
      @Nullable Path probe,
      Consumer<String> why) {
    ProcessBuilder program =
        HostPython.program(
            python,
            "-c",
            START,
            runtime.toString(),
            volumes.toString(),
            probe == null ? "" : probe.toString(),
            placed.toString());
    try {
      return new Attacher(program, MountHelper.launch(program));
    } catch (IOException e) {
      why.accept(String.valueOf(e.getMessage()));
      return null;
    }
  }

  /**
   * Mounts folders in a container.
   *
   * @param pid a process of it
   * @param user the uid its processes have
   * @return who has mounted its images, and is to be told when it has ended
   * @throws PluginException as {@link StartFailure} says, with what the kernel said
   */
  MountHelper attach(long pid, int user, List<Mount> mounts) {
    return mount(Map.of("pid", pid), user, mounts);
  }

  /**
   * Mounts folders where the engine sees them, at their targets.
   *
   * @param place a folder that isn't there yet; the targets are in it
   * @param user the uid that the container's processes will have
   * @return who has done it, and is to be told when the engine has seen them
   * @throws PluginException as {@link StartFailure} says, with what the kernel said
   */
  MountHelper place(Path place, int user, List<Mount> mounts) {
    return mount(Map.of("place", place.toString()), user, mounts);
  }

  private MountHelper mount(Map<String, Object> where, int user, List<Mount> mounts) {
    Map<String, Object> order = new LinkedHashMap<>(where);
    order.put("user", user);
    order.put("mounts", mounts.stream().map(Mount::row).toList());
    MountHelper by = helper();
    JsonNode answer;
    try {
      answer = by.ask(order);
    } catch (IOException e) {
      throw failed(String.valueOf(e.getMessage()), false, e);
    }
    String problem = answer.path("problem").asString("");
    if (!problem.isEmpty()) {
      throw failed(problem, answer.path("own").asBoolean(false), null);
    }
    return by;
  }

  /** The running helper, started again if it died. */
  private synchronized MountHelper helper() {
    if (closed) {
      throw new PluginException(ErrorCode.SHUTTING_DOWN, "The sandbox is closed.");
    }
    if (helper.alive()) {
      return helper;
    }
    log.warn("docker: the helper that mounts plugins' folders ended, and is started again");
    try {
      MountHelper fresh = MountHelper.launch(program);
      if (!fresh.noVolumes().equals(noVolumes)) {
        // Folders are kept in images or they are not, for as long as this host runs.
        fresh.close();
        throw new IOException("it can't mount images any more: " + fresh.noVolumes());
      }
      helper = fresh;
      return fresh;
    } catch (IOException e) {
      throw failed("the helper does not start again: " + e.getMessage(), false, e);
    }
  }

  private static PluginException failed(String why, boolean own, @Nullable Throwable cause) {
    return StartFailure.of(
        "The plugin's folders could not be put into its container: " + why, own, cause);
  }

  /** Why folders have no size limit here; empty when they have. */
  String noVolumes() {
    return noVolumes;
  }

  /** Why nothing bounds how fast folders are written; empty when something does. */
  String noRates() {
    return noRates;
  }

  /** See {@link MountHelper#noViews}. */
  String noViews() {
    return noViews;
  }

  /** Process id of the helper; for tests that kill it. */
  synchronized long pid() {
    return helper.pid();
  }

  @Override
  public synchronized void close() {
    closed = true;
    helper.close();
  }
}
