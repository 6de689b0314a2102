-- What people decide and send: approvals, the durable inbox, and runs that were given up.

CREATE TABLE approvals (
    tenant_id    BYTEA  NOT NULL,
    approval_id  BYTEA  NOT NULL,
    run_id       BYTEA  NOT NULL,
    recipe_name  TEXT   NOT NULL,
    step         TEXT   NOT NULL,
    action       TEXT   NOT NULL,
    args         TEXT   NOT NULL,
    digest       TEXT   NOT NULL,
    mode         TEXT   NOT NULL,
    approvers    TEXT   NOT NULL,
    quorum       BIGINT NOT NULL,
    requester    TEXT   NOT NULL,
    reason       TEXT   NOT NULL,
    policy       TEXT   NOT NULL,
    status       TEXT   NOT NULL,
    votes        TEXT   NOT NULL,
    requested_at BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    undo         TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, approval_id)
);

CREATE INDEX approvals_status ON approvals (tenant_id, status, approval_id);
CREATE INDEX approvals_run ON approvals (tenant_id, run_id);

CREATE TABLE inbox (
    tenant_id BYTEA  NOT NULL,
    run_id    BYTEA  NOT NULL,
    inbox_id  BYTEA  NOT NULL,
    at        BIGINT NOT NULL,
    message   TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, run_id, inbox_id)
);

-- Ids of consumed messages, so that posting one again after that is still no second message.
CREATE TABLE inbox_done (
    tenant_id BYTEA NOT NULL,
    run_id    BYTEA NOT NULL,
    inbox_id  BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, run_id, inbox_id)
);

CREATE TABLE dead_letters (
    tenant_id BYTEA  NOT NULL,
    run_id    BYTEA  NOT NULL,
    failure   TEXT   NOT NULL,
    at        BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, run_id)
);

CREATE INDEX dead_letters_newest ON dead_letters (tenant_id, at, run_id);

UPDATE schema_info SET version = 3;
