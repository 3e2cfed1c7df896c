package dev.berth.cli;

import dev.berth.api.AccessKeys;
import dev.berth.api.ErrorCode;
import dev.berth.api.HostReport;
import dev.berth.api.PluginException;
import dev.berth.api.TenantId;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.function.Function;

/** What the distribution supplies, in memory. */
final class FakeLocal implements LocalOperations {
  final List<ServeOptions> served = new ArrayList<>();
  final List<Path> keyFolders = new ArrayList<>();
  final CountDownLatch stopped = new CountDownLatch(1);
  private final List<AccessKeys.Key> keys = new ArrayList<>();
  String url = "http://127.0.0.1:1";
  List<Path> examples = List.of();
  final List<Path> examined = new ArrayList<>();
  HostReport report = new HostReport(Map.of(), List.of(), List.of(), "process");
  boolean portInUse;
  boolean badOption;
  boolean closed;

  @Override
  public Served serve(ServeOptions options) {
    served.add(options);
    if (portInUse) {
      throw new PluginException(ErrorCode.LISTEN_FAILED, "The port is in use.");
    }
    if (badOption) {
      throw new PluginException(ErrorCode.BAD_REQUEST, "--egress-only: '' is not a place.");
    }
    return new Served() {
      @Override
      public String url() {
        return url;
      }

      @Override
      public void await() throws InterruptedException {
        stopped.await();
      }

      @Override
      public void close() {
        closed = true;
      }
    };
  }

  @Override
  public <T> T withKeys(Path data, Function<AccessKeys, T> work) {
    keyFolders.add(data);
    return work.apply(
        new AccessKeys() {
          @Override
          public Created create(TenantId tenant, String name) {
            var key = new Key("key_" + keys.size(), name, tenant, Instant.EPOCH);
            keys.add(key);
            return new Created(key, "berth_secret_" + keys.size());
          }

          @Override
          public List<Key> list() {
            return keys;
          }

          @Override
          public boolean revoke(String id) {
            return keys.removeIf(key -> key.id().equals(id));
          }

          @Override
          public Optional<Key> verify(String secret) {
            return Optional.empty();
          }
        });
  }

  @Override
  public HostReport examine(Path data, Map<String, String> environment) {
    examined.add(data);
    return report;
  }

  @Override
  public List<Path> examples() {
    return examples;
  }
}
