-- What the HTTP API keeps: users and what they sign in with, requests that carry an idempotency key,
-- and the feed of what changed. Of what opens something only a SHA-256 is kept.

CREATE TABLE users (
    tenant_id  BLOB    NOT NULL,
    user_id    BLOB    NOT NULL,
    name       TEXT    NOT NULL,
    name_key   TEXT    NOT NULL,
    roles      TEXT    NOT NULL,
    password   TEXT,
    disabled   INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX users_name ON users (tenant_id, name_key);

-- One link for each user; the one without a user makes the first admin.
CREATE TABLE links (
    tenant_id  BLOB    NOT NULL,
    digest     TEXT    NOT NULL,
    user_id    BLOB,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    tenant_id  BLOB    NOT NULL,
    digest     TEXT    NOT NULL,
    user_id    BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, digest)
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_user ON sessions (tenant_id, user_id);

CREATE TABLE tokens (
    tenant_id    BLOB    NOT NULL,
    token_id     BLOB    NOT NULL,
    user_id      BLOB    NOT NULL,
    name         TEXT    NOT NULL,
    scopes       TEXT    NOT NULL,
    digest       TEXT    NOT NULL,
    hint         TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at   INTEGER,
    PRIMARY KEY (tenant_id, token_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX tokens_digest ON tokens (tenant_id, digest);

CREATE TABLE requests (
    tenant_id BLOB    NOT NULL,
    principal TEXT    NOT NULL,
    key       TEXT    NOT NULL,
    digest    TEXT    NOT NULL,
    begun_at  INTEGER NOT NULL,
    status    INTEGER,
    headers   TEXT,
    body      TEXT,
    PRIMARY KEY (tenant_id, principal, key)
) STRICT;

CREATE INDEX requests_oldest ON requests (tenant_id, begun_at);

CREATE TABLE feed (
    tenant_id BLOB    NOT NULL,
    position  INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    noun      TEXT    NOT NULL,
    id        TEXT    NOT NULL,
    what      TEXT    NOT NULL,
    PRIMARY KEY (tenant_id, position)
) STRICT, WITHOUT ROWID;

-- Artifacts are listed by id, which is by time.
DROP INDEX artifacts_newest;
CREATE INDEX artifacts_id ON artifacts (tenant_id, artifact_id);

-- For lists of runs by what never changes about them.
CREATE INDEX runs_agent ON runs (tenant_id, agent, run_id) WHERE agent IS NOT NULL;
CREATE INDEX runs_requester ON runs (tenant_id, requester, run_id);
CREATE INDEX runs_mode ON runs (tenant_id, mode, run_id);

UPDATE schema_info SET version = 6;
