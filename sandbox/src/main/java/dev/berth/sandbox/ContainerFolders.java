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
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The folders that a plugin finds in its container: mounted into one that runs already where that
 * can be, else shown to it from its beginning.
 */
final class ContainerFolders {
  static final String RUNTIME = "/runtime";
  private static final int FIRST_SLOT_USER = 200_000;

  private final @Nullable Attacher attacher;
  private final boolean late;
  private final Path runtime;
  private final Path place;
  private final AtomicInteger places = new AtomicInteger();
  private final @Nullable VolumeImages volumes = VolumeImages.find();

  /**
   * @param attacher null where there can be none
   * @param late whether it can mount folders into containers that run
   * @param runtime the Python files that workers import
   * @param place below it folders are mounted for the engine to see, where it can't
   */
  ContainerFolders(@Nullable Attacher attacher, boolean late, Path runtime, Path place) {
    this.attacher = attacher;
    this.late = late;
    this.runtime = runtime;
    this.place = place;
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

  /** What a container is made with for a plugin; nothing where its folders come later. */
  PlacedFolders place(SandboxSpec spec) {
    if (late) {
      return PlacedFolders.NONE;
    }
    Owner user = user(spec.slot());
    Attacher helper = attacher;
    if (helper == null) {
      makeData(spec, user);
      return new PlacedFolders(owner(user, mounts(spec)), List.of(), null, null);
    }
    Path here = place.resolve(Integer.toString(places.incrementAndGet()));
    List<Mount> shown = new ArrayList<>();
    List<Mount> placed = new ArrayList<>();
    for (Mount mount : mounts(spec)) {
      if (mount.access().equals("socket")) {
        shown.add(mount); // as it lies there
      } else {
        Path at = here.resolve(Integer.toString(placed.size()));
        placed.add(mount.to(at.toString()));
        shown.add(new Mount(at, mount.target(), mount.access()));
      }
    }
    MountHelper by = helper.place(here, user.user(), placed);
    return new PlacedFolders(owner(user, shown), PlacedFolders.images(placed), by, here);
  }

  private static void makeData(SandboxSpec spec, Owner user) {
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
  }

  private static Owner owner(Owner user, List<Mount> mounts) {
    List<Bind> folders =
        mounts.stream()
            .map(mount ->
                new Bind(
                    mount.source().toString(),
                    mount.target(),
                    mount.access().equals("write") || mount.access().equals("socket")))
            .toList();
    return new Owner(user.user(), user.group(), folders);
  }

  /**
   * Gives a running container its folders; where it has them already, only sees to it that it ends
   * with this host.
   *
   * @return who has done it; null where nobody can
   */
  @Nullable MountHelper attach(DockerWorker worker, SandboxSpec spec) {
    Attacher helper = attacher;
    if (helper == null) {
      return null;
    }
    List<Mount> mounts = late ? mounts(spec) : List.of();
    MountHelper by = helper.attach(worker.pid(), worker.user(), mounts);
    PlacedFolders.images(mounts).forEach(image -> worker.holds(image, by));
    return by;
  }

  private List<Mount> mounts(SandboxSpec spec) {
    List<Mount> mounts = new ArrayList<>();
    mounts.add(new Mount(spec.packageDir().toAbsolutePath(), "/workspace", "read"));
    if (spec.siteDir() != null) {
      mounts.add(new Mount(spec.siteDir().toAbsolutePath(), "/site", "read"));
    }
    if (attacher != null) { // over what the container has there, which was shown as it is
      mounts.add(new Mount(runtime, RUNTIME, "read"));
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
