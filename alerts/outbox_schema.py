"""What the outbox's SQLite file looks like, version by version."""

APPLICATION_ID = 0x46574F42  # 'FWOB' in the file's header: an outbox, and no other program's database

# One entry for each schema version; PRAGMA user_version counts those applied. Never change one: add one.
MIGRATIONS = (
    """
    CREATE TABLE messages (
        position INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order of delivery; never used twice
        id TEXT NOT NULL, stream TEXT NOT NULL, kind TEXT NOT NULL, sequence INTEGER NOT NULL,
        body TEXT NOT NULL);
    CREATE TABLE sequences (stream TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE channels (name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE open_alerts (alert_id TEXT PRIMARY KEY, stream TEXT NOT NULL, verdict TEXT NOT NULL);
    """,
    """
    ALTER TABLE messages ADD COLUMN alert_id TEXT NOT NULL DEFAULT '';
    ALTER TABLE messages ADD COLUMN severity INTEGER NOT NULL DEFAULT 0;  -- 0 info, 1 warning, 2 critical
    ALTER TABLE messages ADD COLUMN size INTEGER NOT NULL DEFAULT 0;  -- of the body, bytes
    ALTER TABLE messages ADD COLUMN stored_at REAL NOT NULL DEFAULT 0;  -- seconds since 1970
    UPDATE messages SET alert_id = id, size = length(CAST(body AS BLOB)), stored_at = strftime('%s', 'now');
    CREATE INDEX messages_by_alert ON messages (alert_id, position, severity, size);
    -- what lies beyond `position`, counted: how many messages, and their bytes; and how many of them were
    -- dropped since the channel last had everything
    ALTER TABLE channels ADD COLUMN waiting INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE channels ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE channels ADD COLUMN dropped INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE dead_letters (  -- what a channel refused for good
        channel TEXT NOT NULL, position INTEGER NOT NULL,
        id TEXT NOT NULL, stream TEXT NOT NULL, kind TEXT NOT NULL, sequence INTEGER NOT NULL,
        body TEXT NOT NULL, reason TEXT NOT NULL, died_at REAL NOT NULL,
        again INTEGER NOT NULL DEFAULT 0,  -- 1: an operator wants it to be tried again
        PRIMARY KEY (channel, position)) WITHOUT ROWID;
    """,
    """
    CREATE TABLE clock (  -- at the last transaction: tells whether the clock was set since then
        id INTEGER PRIMARY KEY CHECK (id = 1),
        now REAL NOT NULL,  -- seconds since 1970
        since_boot REAL NOT NULL,  -- seconds
        boot TEXT NOT NULL);  -- which one, empty where that is not known
    """,
)
