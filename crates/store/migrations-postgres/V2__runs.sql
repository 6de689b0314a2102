-- Runs, their journals and snapshots, and the rows that lists show. Ids are 16 bytes in time order,
-- instants are milliseconds, flags are 0 and 1, and JSON is kept as the text it came as, so that
-- numbers come back to the last digit.

CREATE TABLE runs (
    tenant_id       BYTEA  NOT NULL,
    run_id          BYTEA  NOT NULL,
    recipe_id       BYTEA  NOT NULL,
    recipe_name     TEXT   NOT NULL,
    recipe_version  BIGINT NOT NULL,
    agent           TEXT,
    mode            TEXT   NOT NULL,
    requester       TEXT   NOT NULL,
    parent_run      BYTEA,
    parent_step     TEXT,
    created_at      BIGINT NOT NULL,
    start_key       TEXT,
    status          TEXT   NOT NULL,
    phase           TEXT,
    needs_attention BIGINT NOT NULL,
    finished_at     BIGINT,
    waiting_for     TEXT   NOT NULL,
    wake_at         BIGINT NOT NULL,
    head            BIGINT NOT NULL,
    lease_epoch     BIGINT NOT NULL,
    lease_boot      BIGINT,
    lease_until     BIGINT,
    claims          BIGINT NOT NULL,
    failure         TEXT,
    outputs         TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, run_id)
) WITH (fillfactor = 70);

CREATE UNIQUE INDEX runs_start_key ON runs (tenant_id, start_key) WHERE start_key IS NOT NULL;
-- Claiming looks across tenants. 9223372036854775807 is "never".
CREATE INDEX runs_wake ON runs (wake_at, run_id) WHERE wake_at < 9223372036854775807;
CREATE INDEX runs_held ON runs (lease_boot) WHERE lease_boot IS NOT NULL;
CREATE INDEX runs_status ON runs (tenant_id, status, run_id);
CREATE INDEX runs_recipe ON runs (tenant_id, recipe_id, run_id);
CREATE INDEX runs_parent ON runs (tenant_id, parent_run, run_id) WHERE parent_run IS NOT NULL;
CREATE INDEX runs_attention ON runs (tenant_id, run_id) WHERE needs_attention = 1;

-- In ranges of the time-ordered run: the store makes the partitions of the coming weeks. What fits none
-- of them, such as a run of long ago, is in journal_rest.
CREATE TABLE journal (
    tenant_id BYTEA  NOT NULL,
    run_id    BYTEA  NOT NULL,
    seq       BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    v         BIGINT NOT NULL,
    event     TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, run_id, seq)
) PARTITION BY RANGE (run_id);

CREATE TABLE journal_rest PARTITION OF journal DEFAULT;

CREATE TABLE snapshots (
    tenant_id BYTEA  NOT NULL,
    run_id    BYTEA  NOT NULL,
    seq       BIGINT NOT NULL,
    state     TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, run_id)
);

CREATE TABLE steps (
    tenant_id    BYTEA  NOT NULL,
    run_id       BYTEA  NOT NULL,
    step         TEXT   COLLATE "C" NOT NULL,
    position     BIGINT NOT NULL,
    title        TEXT   NOT NULL,
    kind         TEXT   NOT NULL,
    action       TEXT,
    status       TEXT   NOT NULL,
    attempts     BIGINT NOT NULL,
    scheduled_at BIGINT NOT NULL,
    finished_at  BIGINT,
    failure      TEXT,
    waiting_for  TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, run_id, step)
) WITH (fillfactor = 70);

CREATE TABLE artifacts (
    tenant_id   BYTEA  NOT NULL,
    run_id      BYTEA  NOT NULL,
    artifact_id BYTEA  NOT NULL,
    step        TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    external_id TEXT   NOT NULL,
    url         TEXT,
    data        TEXT   NOT NULL,
    labels      TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, run_id, artifact_id)
);

CREATE INDEX artifacts_newest ON artifacts (tenant_id, created_at, artifact_id);

UPDATE schema_info SET version = 2;
