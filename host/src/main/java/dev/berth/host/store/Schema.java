package dev.berth.host.store;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.io.IOException;
import java.io.InputStream;
import java.io.Reader;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Collection;
import java.util.List;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.ResourceProvider;
import org.flywaydb.core.api.resource.LoadableResource;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteDataSource;

/** Checks a database before anything is done to it, then brings it up to date. */
final class Schema {
  /** In order. A file that was released never changes; what comes next is a new file. */
  private static final List<String> MIGRATIONS = List.of("V1__registry.sql");

  private static final int NEWEST = MIGRATIONS.size();
  private static final int APPLICATION_ID = 0x42657274;

  private Schema() {}

  /**
   * @throws PluginException {@code store_corrupt} when {@code file} is damaged, of a newer Berth or
   *     of another program; {@code store_unavailable} when it is locked
   */
  static void prepare(Path file, SQLiteDataSource source) {
    int version;
    try (Connection connection = source.getConnection();
        Statement statement = connection.createStatement()) {
      String check = text(statement, "PRAGMA integrity_check(1)");
      if (!check.equals("ok")) {
        throw StoreFailure.corrupt(file, check.strip().replace('\n', ' '), null);
      }
      version = version(file, statement);
    } catch (SQLException e) {
      throw StoreFailure.of(file, e);
    }
    if (version > NEWEST) {
      throw new PluginException(
          ErrorCode.STORE_CORRUPT,
          "The database "
              + file
              + " was made by a newer Berth (schema "
              + version
              + ", this one knows up to "
              + NEWEST
              + "). Nothing was changed. Run the newer Berth, or put back a backup from before.");
    }
    // Flyway takes as long as all else at start to find that there is nothing to do: it is asked
    // only when there is.
    if (version < NEWEST) {
      migrate(file, source);
    }
  }

  /** The newest migration this database has had; 0 when it is empty. */
  private static int version(Path file, Statement statement) throws SQLException {
    if (text(statement, "SELECT count(*) FROM sqlite_schema").equals("0")) {
      return 0;
    }
    boolean history =
        text(statement, "SELECT count(*) FROM sqlite_schema WHERE name = 'flyway_schema_history'")
            .equals("1");
    int owner = Integer.parseInt(text(statement, "PRAGMA application_id"));
    if (!history || (owner != APPLICATION_ID && owner != 0)) {
      throw new PluginException(
          ErrorCode.STORE_CORRUPT,
          "The file "
              + file
              + " is a database of another program, not of Berth. Nothing was changed. Move it"
              + " away or choose another data folder.");
    }
    return Integer.parseInt(
        text(
            statement,
            "SELECT coalesce(max(CAST(version AS INTEGER)), 0) FROM flyway_schema_history"
                + " WHERE success"));
  }

  private static String text(Statement statement, String sql) throws SQLException {
    try (ResultSet rows = statement.executeQuery(sql)) {
      return rows.next() ? rows.getString(1) : "";
    }
  }

  private static void migrate(Path file, SQLiteDataSource source) {
    try {
      // The thread's class loader is not ours when a program embeds us.
      Flyway.configure(Schema.class.getClassLoader())
          .dataSource(source)
          .resourceProvider(new Resources())
          .javaMigrationClassProvider(List::of)
          .load()
          .migrate();
    } catch (FlywayException e) {
      throw StoreFailure.of(file, e);
    }
  }

  /**
   * The migrations by name, so that nothing is scanned for: that works from folders, jars and
   * modules alike.
   */
  private static final class Resources implements ResourceProvider {
    @Override
    public @Nullable LoadableResource getResource(String name) {
      return MIGRATIONS.contains(name) ? new Migration(name) : null;
    }

    @Override
    public Collection<LoadableResource> getResources(String prefix, String[] suffixes) {
      return MIGRATIONS.stream()
          .filter(name -> name.startsWith(prefix) && List.of(suffixes).contains(".sql"))
          .<LoadableResource>map(Migration::new)
          .toList();
    }
  }

  private static final class Migration extends LoadableResource {
    private final String name;

    Migration(String name) {
      this.name = name;
    }

    @Override
    public Reader read() {
      try (InputStream in = Schema.class.getResourceAsStream(name)) {
        if (in == null) {
          throw new IllegalStateException("not packaged: " + name);
        }
        return new StringReader(new String(in.readAllBytes(), StandardCharsets.UTF_8));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public String getAbsolutePath() {
      return name;
    }

    @Override
    public String getAbsolutePathOnDisk() {
      return name;
    }

    @Override
    public String getFilename() {
      return name;
    }

    @Override
    public String getRelativePath() {
      return name;
    }
  }
}
