-- "Bert" in ASCII: tells this file from other programs' databases.
PRAGMA application_id = 1113944692;

CREATE TABLE plugin (
  id             TEXT    NOT NULL PRIMARY KEY,
  tenant         TEXT    NOT NULL,
  name           TEXT    NOT NULL,
  version        TEXT    NOT NULL,
  package_digest TEXT    NOT NULL,
  site_lock      TEXT,
  status         TEXT    NOT NULL CHECK (status IN ('installed', 'enabled', 'disabled', 'failed')),
  failure        TEXT    CHECK ((failure IS NOT NULL) = (status = 'failed')),
  slot           INTEGER NOT NULL UNIQUE CHECK (slot >= 0),
  installed_at   INTEGER NOT NULL, -- milliseconds since 1970 UTC, like every time here
  updated_at     INTEGER NOT NULL,
  UNIQUE (tenant, name),
  UNIQUE (tenant, id)
) STRICT;

CREATE TABLE setting (
  tenant TEXT NOT NULL,
  plugin TEXT NOT NULL,
  key    TEXT NOT NULL,
  value  TEXT, -- JSON
  sealed TEXT, -- the same, encrypted, in base 64
  PRIMARY KEY (tenant, plugin, key),
  FOREIGN KEY (tenant, plugin) REFERENCES plugin (tenant, id) ON DELETE CASCADE,
  CHECK ((value IS NULL) <> (sealed IS NULL))
) STRICT, WITHOUT ROWID;

-- Not tied to plugin: an install begins before there is one, an uninstall ends after it is gone.
CREATE TABLE journal (
  id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  kind       TEXT    NOT NULL,
  tenant     TEXT    NOT NULL,
  plugin     TEXT    NOT NULL,
  slot       INTEGER NOT NULL CHECK (slot >= 0),
  intent     TEXT    NOT NULL,
  step       TEXT    NOT NULL,
  started_at INTEGER NOT NULL
) STRICT;

CREATE TABLE access_key (
  id         TEXT    NOT NULL PRIMARY KEY,
  tenant     TEXT    NOT NULL,
  name       TEXT    NOT NULL,
  hash       BLOB    NOT NULL CHECK (length(hash) = 32),
  created_at INTEGER NOT NULL
) STRICT;
