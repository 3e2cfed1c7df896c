package dev.berth.sandbox;

import dev.berth.sandbox.Attacher.Mount;
import dev.berth.sandbox.Containers.Owner;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A plugin's folders, where the engine finds them while it makes the plugin's container; to be
 * closed once that is done or has failed.
 */
final class PlacedFolders implements AutoCloseable {
  /** Of a container that gets its folders later. */
  static final PlacedFolders NONE = new PlacedFolders(null, List.of(), null, null);

  private final @Nullable Owner owner;
  private final List<Path> images;
  private final @Nullable MountHelper helper;
  private final @Nullable Path place;
  private boolean given;

  /**
   * @param images what the helper has mounted for it
   * @param place where they are mounted for the engine to see; null when none is
   */
  PlacedFolders(
      @Nullable Owner owner,
      List<Path> images,
      @Nullable MountHelper helper,
      @Nullable Path place) {
    this.owner = owner;
    this.images = List.copyOf(images);
    this.helper = helper;
    this.place = place;
  }

  /** The images among some mounts. */
  static List<Path> images(List<Mount> mounts) {
    return mounts.stream().filter(mount -> mount.bytes() > 0).map(Mount::source).toList();
  }

  /** Whose the container is from its beginning; null where it becomes that later. */
  @Nullable Owner owner() {
    return owner;
  }

  /** The container has them now, until it ends. */
  void giveTo(DockerWorker worker) {
    given = true;
    MountHelper by = helper;
    if (by != null) {
      images.forEach(image -> worker.holds(image, by));
    }
  }

  @Override
  public void close() {
    MountHelper by = helper;
    if (by == null) {
      return;
    }
    if (place != null) {
      by.unplace(place); // a container has mounts of its own
    }
    if (!given) {
      images.forEach(by::release);
    }
  }
}
