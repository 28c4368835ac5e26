CREATE TABLE keys (
  name TEXT PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  role INTEGER NOT NULL,
  per_minute INTEGER NOT NULL,
  per_day INTEGER NOT NULL,
  created TEXT NOT NULL,
  revoked TEXT,
  last_used TEXT,                    -- a day
  used INTEGER NOT NULL DEFAULT 0    -- requests on that day
) STRICT;

CREATE TABLE sessions (
  hash TEXT PRIMARY KEY,
  key TEXT NOT NULL REFERENCES keys (name),
  expires INTEGER NOT NULL           -- seconds since 1970
) STRICT;

CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at TEXT NOT NULL,
  who TEXT NOT NULL,
  via TEXT NOT NULL,
  what TEXT NOT NULL,
  subject TEXT NOT NULL,
  outcome TEXT NOT NULL
) STRICT;

CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;

CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit
WHEN OLD.at > strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-30 days')
BEGIN SELECT RAISE(ABORT, 'the audit log is kept for 30 days at least'); END;
