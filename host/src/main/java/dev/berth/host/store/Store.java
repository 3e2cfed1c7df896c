package dev.berth.host.store;

import dev.berth.api.AccessKeys;
import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.nio.file.Path;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What the host remembers, in {@code <data>/berth.db}. One host per data folder: opening takes
 * {@code <data>/berth.lock}.
 *
 * <p>Every method of what hangs here either has its effect on disk when it returns, or none. It
 * throws {@link PluginException}: {@code store_unavailable} when the database stays locked past the
 * deadline, {@code store_corrupt}, {@code disk_full}.
 */
@SuppressWarnings({"DoNotCallSuggester", "UnusedVariable"})
public final class Store implements AutoCloseable {
  private Store() {}

  /**
   * Opens the store of {@code dataDir}, making both where there are none, and brings an older
   * database up to date.
   *
   * @throws PluginException {@code store_unavailable} when another host has it open, {@code
   *     store_corrupt} when the database is damaged or of a newer Berth; nothing is changed then
   */
  public static Store open(Path dataDir) {
    return open(dataDir, JournalObserver.NONE);
  }

  /** The same, with {@code observer} told of each point the journal passes. */
  public static Store open(Path dataDir, JournalObserver observer) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }

  public Registry registry() {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }

  public Journal journal() {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }

  public SettingsStore settings() {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }

  public AccessKeys keys() {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }

  /** The readable copy of the registry; write it after each change and after recovery. */
  public PluginsManifest manifest() {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }

  /**
   * Runs {@code work} in one transaction: all that it does to registry, journal and settings on
   * this thread is there when this returns, or, when it throws, nothing is. There is one writer:
   * keep it short, and nothing else in it. Inside another transaction it is part of that one.
   */
  public void transaction(Runnable work) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }

  /** The same, with a result. */
  public <T extends @Nullable Object> T transaction(Supplier<T> work) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }

  @Override
  public void close() {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }
}
