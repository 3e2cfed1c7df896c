package dev.berth.sandbox;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.sandbox.Attacher.Mount;
import dev.berth.sandbox.ContainerRequest.Bind;
import dev.berth.sandbox.Containers.Owner;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The folders that a plugin finds in its container: mounted into one that runs already where there
 * is a helper for that, shown to it from its beginning where there is none.
 */
final class ContainerFolders {
  private static final int FIRST_SLOT_USER = 200_000;

  private final @Nullable Attacher attacher;
  private final @Nullable VolumeImages volumes = VolumeImages.find();

  ContainerFolders(@Nullable Attacher attacher) {
    this.attacher = attacher;
  }

  /** Who the plugin in a slot is on this host: the slot's own user, without root ourselves. */
  static Owner user(int slot) {
    if (HostUser.isRoot()) {
      return new Owner(FIRST_SLOT_USER + slot, FIRST_SLOT_USER + slot, List.of());
    }
    try {
      String self = Files.readString(Path.of("/proc/self/status"));
      return new Owner(
          HostUser.effective(self, "Uid:"), HostUser.effective(self, "Gid:"), List.of());
    } catch (IOException e) {
      throw new PluginException(ErrorCode.INTERNAL, "/proc can't be read: " + e, e);
    }
  }

  /** Whose a container is from its beginning; null where it becomes that later. */
  @Nullable Owner owner(SandboxSpec spec) {
    if (attacher != null) {
      return null;
    }
    Owner user = user(spec.slot());
    try {
      Files.createDirectories(spec.dataDir());
      if (HostUser.isRoot()) {
        Files.setAttribute(spec.dataDir(), "unix:uid", user.user());
        Files.setAttribute(spec.dataDir(), "unix:gid", user.group());
      }
    } catch (IOException e) {
      throw StartFailure.of(
          "The folder of plugin " + spec.plugin() + " can't be made ready: " + e, false, e);
    }
    List<Bind> folders =
        mounts(spec).stream()
            .map(mount ->
                new Bind(
                    mount.source().toString(),
                    mount.target(),
                    mount.access().equals("write") || mount.access().equals("socket")))
            .toList();
    return new Owner(user.user(), user.group(), folders);
  }

  /** Gives a running container its folders; nothing where it has them already. */
  void attach(DockerWorker worker, SandboxSpec spec) {
    Attacher helper = attacher;
    if (helper == null) {
      return;
    }
    List<Mount> mounts = mounts(spec);
    MountHelper by = helper.attach(worker.pid(), worker.user(), mounts);
    mounts.stream()
        .filter(mount -> mount.bytes() > 0)
        .forEach(mount -> worker.holds(mount.source(), by));
  }

  private List<Mount> mounts(SandboxSpec spec) {
    List<Mount> mounts = new ArrayList<>();
    mounts.add(new Mount(spec.packageDir().toAbsolutePath(), "/workspace", "read"));
    if (spec.siteDir() != null) {
      mounts.add(new Mount(spec.siteDir().toAbsolutePath(), "/site", "read"));
    }
    mounts.add(data(spec));
    if (spec.egress() != null) {
      mounts.add(new Mount(spec.egress().toAbsolutePath(), "/run/egress.sock", "socket"));
    }
    for (SharedFolder folder : spec.folders()) {
      mounts.add(
          new Mount(
              folder.host(), "/folders/" + folder.name(), folder.writable() ? "write" : "view"));
    }
    return mounts;
  }

  private Mount data(SandboxSpec spec) {
    Path folder = spec.dataDir().toAbsolutePath();
    int owner = FIRST_SLOT_USER + spec.slot();
    Attacher helper = attacher;
    VolumeImages made = volumes;
    if (helper == null || made == null || !helper.noVolumes().isEmpty()) {
      return new Mount(folder, "/data", "write", owner, 0);
    }
    Path image = made.prepare(spec.plugin(), folder, spec.dataBytes(), owner);
    return new Mount(image, "/data", "write", owner, spec.dataBytes());
  }
}
