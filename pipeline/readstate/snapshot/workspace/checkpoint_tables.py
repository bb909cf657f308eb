"""The tables of a checkpoint, and the statements that write many of their rows at once."""

VERSION = 5
"""Of the tables below and of the parts: another number says that another version of readstate made them. Raise it with
each change."""

TABLES = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS run (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS service (sid TEXT PRIMARY KEY, next_page TEXT, listed INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS part (id INTEGER PRIMARY KEY, name TEXT NOT NULL, rows INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS known_size (
    service TEXT NOT NULL, sid TEXT NOT NULL, rows INTEGER NOT NULL, PRIMARY KEY (service, sid)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS user (
    id INTEGER PRIMARY KEY, service TEXT NOT NULL, sid TEXT NOT NULL, identity TEXT, resource BLOB NOT NULL,
    expected INTEGER NOT NULL DEFAULT 0, listed INTEGER NOT NULL DEFAULT 1, state TEXT NOT NULL DEFAULT 'pending',
    rows INTEGER, part INTEGER, reason TEXT, status INTEGER, code INTEGER, request_id TEXT, at TEXT);
CREATE UNIQUE INDEX IF NOT EXISTS user_key ON user (service, sid);
CREATE INDEX IF NOT EXISTS user_waiting ON user (expected DESC, id) WHERE state = 'pending';
PRAGMA user_version = {VERSION};
COMMIT;
"""

# One statement for many users: executemany releases the GIL after each of them, and waits for it again.
UPDATE_PRELOADED = """
UPDATE user SET identity = page.identity, resource = page.resource, listed = 1 FROM page
WHERE user.service = ? AND user.sid = page.sid AND NOT listed
"""
INSERT_NEW = """
INSERT OR IGNORE INTO user (service, sid, identity, resource, expected)
SELECT ?, sid, identity, resource,
    coalesce((SELECT rows FROM known_size WHERE service = ? AND sid = page.sid), 0)
FROM page
"""
# Most users by far are read: of these only the rows are written, at half the cost of reading eight values out of JSON.
COMMIT_READ = """
UPDATE user SET state = 'read', rows = new.rows, part = iif(new.rows, ?1, NULL), reason = NULL, status = NULL,
    code = NULL, request_id = NULL, at = NULL
FROM (SELECT CAST(key AS INTEGER) AS id, value AS rows FROM json_each(?2)) AS new
WHERE user.id = new.id
"""
COMMIT_UNREAD = """
UPDATE user SET state = new.state, rows = new.rows, part = NULL, reason = new.reason,
    status = new.status, code = new.code, request_id = new.request_id, at = new.at
FROM (
    SELECT json_extract(value, '$.id') AS id, json_extract(value, '$.state') AS state,
        json_extract(value, '$.rows') AS rows, json_extract(value, '$.reason') AS reason,
        json_extract(value, '$.status') AS status, json_extract(value, '$.code') AS code,
        json_extract(value, '$.request_id') AS request_id, json_extract(value, '$.at') AS at
    FROM json_each(?1)
) AS new
WHERE user.id = new.id
"""
