package dev.berth.host.install;

import dev.berth.api.DiskFull;
import dev.berth.api.ErrorCode;
import dev.berth.api.InstallSource;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import dev.berth.api.PluginManifest;
import dev.berth.api.Text;
import dev.berth.host.manifest.ConfigYamlReader;
import dev.berth.host.manifest.ManifestReader;
import dev.berth.host.manifest.RequirementsFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The packages of a host: {@code packages/sha256-...} below its data folder, each an unpacked
 * archive, read-only and named by what is in it.
 *
 * <p>An archive is unpacked into {@code packages/.staging-...}, checked there, brought to disk and
 * only then renamed, so that a package is there whole or not at all. Of what an archive holds,
 * {@code __pycache__}, {@code .git}, {@code .hg}, {@code .svn}, {@code .DS_Store}, {@code __MACOSX}
 * and {@code ._*} are left out, and so are folders without files. Files become mode 0444, folders
 * 0555, whatever the archive says.
 *
 * <p>One store to a data folder. It doesn't know which packages are in use; its caller does.
 */
public final class PackageStore {
  private static final Logger LOG = LoggerFactory.getLogger(PackageStore.class);

  private static final String STAGING = ".staging-";
  private static final String REMOVED = ".removed-";

  private final Path packages;
  private final ArchiveLimits limits;
  private final ManifestReader manifests;

  /** Held while a package appears or disappears. */
  private final ReentrantLock publishing = new ReentrantLock();

  /**
   * @param dataDir the host's data folder; {@code packages} is made in it
   * @throws PluginException {@code internal}, {@code disk_full}
   */
  public PackageStore(Path dataDir, ArchiveLimits limits, ManifestReader manifests) {
    this.packages = dataDir.resolve("packages");
    this.limits = limits;
    this.manifests = manifests;
    try {
      Files.createDirectories(packages);
      // A plugin's uid must get through to its package, but needn't see whose neighbour it is.
      Files.setPosixFilePermissions(packages, PosixFilePermissions.fromString("rwx--x--x"));
    } catch (IOException e) {
      throw failed("make " + packages, e);
    }
  }

  /**
   * Checks an archive and unpacks it. One that is there already is given again. A refused archive
   * leaves nothing behind.
   *
   * @throws PluginException {@code archive_*}, {@code manifest_*}, {@code config_invalid}, {@code
   *     dependency_invalid} (requirements.txt), {@code host_version_unsupported}, {@code not_found}
   *     when there is no such file, {@code disk_full}
   */
  public StoredPackage add(InstallSource.Archive source) {
    Path staging = packages.resolve(STAGING + UUID.randomUUID());
    try {
      try {
        Path tree = staging.resolve("tree");
        Files.createDirectories(
            tree,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        var unpacking = new Unpacking(source.fileName(), limits, tree);
        unpack(source, unpacking);
        return publish(PackageTree.find(tree, unpacking));
      } finally {
        clear(staging);
      }
    } catch (IOException e) {
      throw failed("unpack " + Text.printable(source.fileName(), 120), e);
    }
  }

  /** Never throws: why an archive was refused matters more, and the next sweep tries again. */
  private static void clear(Path staging) {
    try {
      TreeRemover.remove(staging);
    } catch (IOException e) {
      LOG.warn("Could not remove {}; the next start will.", staging, e);
    }
  }

  private void unpack(InstallSource.Archive source, Unpacking unpacking) throws IOException {
    if (!Files.exists(source.path())) {
      throw unpacking.refuse(ErrorCode.NOT_FOUND, "there is no such file");
    }
    if (!Files.isRegularFile(source.path())) {
      throw unpacking.refuse(
          ErrorCode.ARCHIVE_UNSUPPORTED,
          Files.isDirectory(source.path())
              ? "it is a folder; pack it with `tar -czf NAME.tar.gz FOLDER/`"
              : "it is not a file");
    }
    try (FileChannel file = FileChannel.open(source.path(), StandardOpenOption.READ)) {
      if (file.size() > limits.archiveBytes()) {
        throw unpacking.refuse(
            ErrorCode.ARCHIVE_TOO_LARGE,
            "it is larger than "
                + Unpacking.size(limits.archiveBytes())
                + ", which is the most it may");
      }
      ByteBuffer head = ByteBuffer.allocate((int) Math.min(ArchiveFormat.HEAD, file.size()));
      while (head.hasRemaining() && file.read(head, head.position()) >= 0) {
        // Until it is full, or the file turned out shorter.
      }
      switch (ArchiveFormat.of(source.fileName(), head.array(), unpacking)) {
        case ZIP -> ZipUnpacker.unpack(file, unpacking);
        case TAR_GZ -> {
          // Up to three headers and their padding for an entry.
          long headers = limits.entries() * 2048L;
          try (var tar = new GzipMember(Channels.newInputStream(file), unpacking, headers)) {
            TarUnpacker.unpack(tar, unpacking);
          }
        }
      }
    }
  }

  private StoredPackage publish(PackageTree tree) throws IOException {
    Path root = tree.root();
    PluginManifest manifest =
        manifests.read(head(root.resolve(ManifestReader.FILE_NAME)), tree.files().keySet());
    String digest = PackageDigest.of(tree.files());
    Path target = packages.resolve(digest);
    StoredPackage made = describe(digest, root, manifest);
    publishing.lock();
    try {
      if (Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
        if (PackageDigest.of(target).equals(digest)) {
          return at(target, made);
        }
        LOG.warn("Package {} was changed on disk; replaced by the archive's.", digest);
        discard(target);
      }
      tree.makeDurable();
      Files.move(root, target, StandardCopyOption.ATOMIC_MOVE);
      // Last, because a folder that its owner can't write can't be moved either.
      Files.setPosixFilePermissions(target, PackageTree.FOLDER_MODE);
      PackageTree.sync(packages);
      return at(target, made);
    } finally {
      publishing.unlock();
    }
  }

  /**
   * A package that was added before. Its files are not read through; {@link #verify} does that.
   *
   * @throws PluginException {@code store_corrupt} when it isn't there or can't be read
   */
  public StoredPackage get(String digest) {
    Path root = directory(digest);
    try {
      byte[] yaml = head(root.resolve(ManifestReader.FILE_NAME));
      return describe(digest, root, manifests.forStored().read(yaml));
    } catch (IOException e) {
      throw corrupt(digest, "can't be read (" + e.getMessage() + ")", e);
    } catch (PluginException e) {
      throw corrupt(digest, "is not what it was: " + e.getMessage(), e);
    }
  }

  /**
   * Reads every file of a package and compares with its name.
   *
   * @throws PluginException {@code store_corrupt} when a file was changed, added or removed
   */
  public void verify(String digest) {
    Path root = directory(digest);
    try {
      if (!PackageDigest.of(root).equals(digest)) {
        throw corrupt(digest, "was changed on disk", null);
      }
    } catch (IOException e) {
      throw corrupt(digest, "can't be read (" + e.getMessage() + ")", e);
    }
  }

  /** Deletes a package; nothing happens when it isn't there. */
  public void remove(String digest) {
    Path root = directory(digest);
    publishing.lock();
    try {
      if (Files.exists(root, LinkOption.NOFOLLOW_LINKS)) {
        discard(root);
      }
    } catch (IOException e) {
      throw failed("remove package " + digest, e);
    } finally {
      publishing.unlock();
    }
  }

  /** The digests of all packages here. */
  public Set<String> digests() {
    Set<String> digests = new TreeSet<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(packages)) {
      for (Path entry : entries) {
        String name = String.valueOf(entry.getFileName());
        if (PackageDigest.FORM.matcher(name).matches()) {
          digests.add(name);
        }
      }
      return digests;
    } catch (IOException e) {
      throw failed("list " + packages, e);
    }
  }

  /**
   * Removes what an add or remove left half done when the host died. For the start, before any add.
   */
  public void sweep() {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(packages)) {
      for (Path entry : entries) {
        String name = String.valueOf(entry.getFileName());
        if (name.startsWith(STAGING) || name.startsWith(REMOVED)) {
          TreeRemover.remove(entry);
        } else if (PackageDigest.FORM.matcher(name).matches()) {
          Files.setPosixFilePermissions(entry, PackageTree.FOLDER_MODE);
        }
      }
    } catch (IOException e) {
      throw failed("sweep " + packages, e);
    }
  }

  /** Out of the way at once, then file by file: a package is never seen half deleted. */
  private void discard(Path root) throws IOException {
    Path away = packages.resolve(REMOVED + UUID.randomUUID());
    Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwx------"));
    Files.move(root, away, StandardCopyOption.ATOMIC_MOVE);
    TreeRemover.remove(away);
  }

  /**
   * Where a package is, or would be.
   *
   * @throws PluginException {@code store_corrupt} when this is no digest
   */
  public Path directory(String digest) {
    if (!PackageDigest.FORM.matcher(digest).matches()) {
      throw new PluginException(
          ErrorCode.STORE_CORRUPT, "Not a package digest: " + Text.printable(digest, 100) + ".");
    }
    return packages.resolve(digest);
  }

  private static StoredPackage describe(String digest, Path root, PluginManifest manifest)
      throws IOException {
    Path config = root.resolve(ConfigYamlReader.FILE_NAME);
    Json defaults =
        Files.exists(config)
            ? ConfigYamlReader.read(head(config), manifest.configSchema())
            : Json.EMPTY_OBJECT;
    List<String> requirements = new ArrayList<>(manifest.dependencies());
    Path file = root.resolve(RequirementsFile.FILE_NAME);
    if (Files.exists(file)) {
      addNew(requirements, RequirementsFile.read(head(file)));
    }
    return new StoredPackage(digest, root, manifest, defaults, requirements);
  }

  private static void addNew(Collection<String> requirements, List<String> more) {
    for (String requirement : more) {
      if (!requirements.contains(requirement)) {
        requirements.add(requirement);
      }
    }
  }

  private static StoredPackage at(Path target, StoredPackage made) {
    return new StoredPackage(
        made.digest(), target, made.manifest(), made.defaults(), made.requirements());
  }

  /** The file, or more of its beginning than any reader takes. */
  private static byte[] head(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file, LinkOption.NOFOLLOW_LINKS)) {
      return in.readNBytes((64 << 10) + 1);
    }
  }

  private static PluginException corrupt(String digest, String what, @Nullable Throwable cause) {
    return new PluginException(
        ErrorCode.STORE_CORRUPT,
        "Package " + digest + " " + what + ". Install the plugin's archive again.",
        cause);
  }

  private static PluginException failed(String what, IOException e) {
    String why = String.valueOf(e.getMessage());
    boolean full = DiskFull.is(e);
    return new PluginException(
        full ? ErrorCode.DISK_FULL : ErrorCode.INTERNAL,
        "Could not "
            + what
            + ": "
            + Text.printable(why, 300)
            + (full ? ". Make room where the host's data is and try again." : "."),
        e);
  }
}
