-- Runs, their journals and snapshots, and the rows that lists show.

CREATE TABLE runs (
    tenant_id       BLOB    NOT NULL,
    run_id          BLOB    NOT NULL,
    recipe_id       BLOB    NOT NULL,
    recipe_name     TEXT    NOT NULL,
    recipe_version  INTEGER NOT NULL,
    agent           TEXT,
    mode            TEXT    NOT NULL,
    requester       TEXT    NOT NULL,
    parent_run      BLOB,
    parent_step     TEXT,
    created_at      INTEGER NOT NULL,
    start_key       TEXT,
    status          TEXT    NOT NULL,
    phase           TEXT,
    needs_attention INTEGER NOT NULL,
    finished_at     INTEGER,
    waiting_for     TEXT    NOT NULL,
    wake_at         INTEGER NOT NULL,
    head            INTEGER NOT NULL,
    lease_epoch     INTEGER NOT NULL,
    lease_boot      INTEGER,
    lease_until     INTEGER,
    claims          INTEGER NOT NULL,
    failure         TEXT,
    outputs         TEXT    NOT NULL,
    PRIMARY KEY (tenant_id, run_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX runs_start_key ON runs (tenant_id, start_key) WHERE start_key IS NOT NULL;
-- Claiming looks across tenants. 9223372036854775807 is "never".
CREATE INDEX runs_wake ON runs (wake_at, run_id) WHERE wake_at < 9223372036854775807;
CREATE INDEX runs_held ON runs (lease_boot) WHERE lease_boot IS NOT NULL;
CREATE INDEX runs_status ON runs (tenant_id, status, run_id);
CREATE INDEX runs_recipe ON runs (tenant_id, recipe_id, run_id);
CREATE INDEX runs_parent ON runs (tenant_id, parent_run, run_id) WHERE parent_run IS NOT NULL;
CREATE INDEX runs_attention ON runs (tenant_id, run_id) WHERE needs_attention = 1;

CREATE TABLE journal (
    tenant_id BLOB    NOT NULL,
    run_id    BLOB    NOT NULL,
    seq       INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    v         INTEGER NOT NULL,
    event     TEXT    NOT NULL,
    PRIMARY KEY (tenant_id, run_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE snapshots (
    tenant_id BLOB    NOT NULL,
    run_id    BLOB    NOT NULL,
    seq       INTEGER NOT NULL,
    state     TEXT    NOT NULL,
    PRIMARY KEY (tenant_id, run_id)
) STRICT;

CREATE TABLE steps (
    tenant_id    BLOB    NOT NULL,
    run_id       BLOB    NOT NULL,
    step         TEXT    NOT NULL,
    position     INTEGER NOT NULL,
    title        TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    action       TEXT,
    status       TEXT    NOT NULL,
    attempts     INTEGER NOT NULL,
    scheduled_at INTEGER NOT NULL,
    finished_at  INTEGER,
    failure      TEXT,
    waiting_for  TEXT    NOT NULL,
    PRIMARY KEY (tenant_id, run_id, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE artifacts (
    tenant_id   BLOB    NOT NULL,
    run_id      BLOB    NOT NULL,
    artifact_id BLOB    NOT NULL,
    step        TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    external_id TEXT    NOT NULL,
    url         TEXT,
    data        TEXT    NOT NULL,
    labels      TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, run_id, artifact_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX artifacts_newest ON artifacts (tenant_id, created_at, artifact_id);

UPDATE schema_info SET version = 2;
