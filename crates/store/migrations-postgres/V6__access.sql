-- What the HTTP API keeps: users and what they sign in with, requests that carry an idempotency key,
-- and the feed of what changed. Of what opens something only a SHA-256 is kept.

CREATE TABLE users (
    tenant_id  BYTEA   NOT NULL,
    user_id    BYTEA   NOT NULL,
    name       TEXT    NOT NULL,
    name_key   TEXT COLLATE "C" NOT NULL,
    roles      TEXT    NOT NULL,
    password   TEXT,
    disabled   BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
);

CREATE UNIQUE INDEX users_name ON users (tenant_id, name_key);

-- One link for each user; the one without a user makes the first admin.
CREATE TABLE links (
    tenant_id  BYTEA   NOT NULL,
    digest     TEXT    NOT NULL,
    user_id    BYTEA,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, digest)
);

CREATE TABLE sessions (
    tenant_id  BYTEA   NOT NULL,
    digest     TEXT    NOT NULL,
    user_id    BYTEA   NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, digest)
);

CREATE INDEX sessions_user ON sessions (tenant_id, user_id);

CREATE TABLE tokens (
    tenant_id    BYTEA   NOT NULL,
    token_id     BYTEA   NOT NULL,
    user_id      BYTEA   NOT NULL,
    name         TEXT    NOT NULL,
    scopes       TEXT    NOT NULL,
    digest       TEXT    NOT NULL,
    hint         TEXT    NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    last_used_at BIGINT,
    revoked_at   BIGINT,
    PRIMARY KEY (tenant_id, token_id)
);

CREATE UNIQUE INDEX tokens_digest ON tokens (tenant_id, digest);

CREATE TABLE requests (
    tenant_id BYTEA   NOT NULL,
    principal TEXT    NOT NULL,
    key       TEXT    NOT NULL,
    digest    TEXT    NOT NULL,
    begun_at  BIGINT NOT NULL,
    status    BIGINT,
    headers   TEXT,
    body      TEXT,
    PRIMARY KEY (tenant_id, principal, key)
);

CREATE INDEX requests_oldest ON requests (tenant_id, begun_at);

CREATE TABLE feed (
    tenant_id BYTEA   NOT NULL,
    position  BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    noun      TEXT    NOT NULL,
    id        TEXT    NOT NULL,
    what      TEXT    NOT NULL,
    PRIMARY KEY (tenant_id, position)
);

-- Changes that have no position yet: as for audit leaves, it is given after the commit.
CREATE TABLE feed_tail (
    tenant_id BYTEA  NOT NULL,
    stored    BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY,
    at        BIGINT NOT NULL,
    noun      TEXT   NOT NULL,
    id        TEXT   NOT NULL,
    what      TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, stored)
);

-- Artifacts are listed by id, which is by time.
DROP INDEX artifacts_newest;
CREATE INDEX artifacts_id ON artifacts (tenant_id, artifact_id);

-- For lists of runs by what never changes about them.
CREATE INDEX runs_agent ON runs (tenant_id, agent, run_id) WHERE agent IS NOT NULL;
CREATE INDEX runs_requester ON runs (tenant_id, requester, run_id);
CREATE INDEX runs_mode ON runs (tenant_id, mode, run_id);

UPDATE schema_info SET version = 6;
