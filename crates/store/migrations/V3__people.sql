-- What people decide and send: approvals, the durable inbox, and runs that were given up.

CREATE TABLE approvals (
    tenant_id    BLOB    NOT NULL,
    approval_id  BLOB    NOT NULL,
    run_id       BLOB    NOT NULL,
    recipe_name  TEXT    NOT NULL,
    step         TEXT    NOT NULL,
    action       TEXT    NOT NULL,
    args         TEXT    NOT NULL,
    digest       TEXT    NOT NULL,
    mode         TEXT    NOT NULL,
    approvers    TEXT    NOT NULL,
    quorum       INTEGER NOT NULL,
    requester    TEXT    NOT NULL,
    reason       TEXT    NOT NULL,
    policy       TEXT    NOT NULL,
    status       TEXT    NOT NULL,
    votes        TEXT    NOT NULL,
    requested_at INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    undo         TEXT    NOT NULL,
    PRIMARY KEY (tenant_id, approval_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX approvals_status ON approvals (tenant_id, status, approval_id);
CREATE INDEX approvals_run ON approvals (tenant_id, run_id);

CREATE TABLE inbox (
    tenant_id BLOB    NOT NULL,
    run_id    BLOB    NOT NULL,
    inbox_id  BLOB    NOT NULL,
    at        INTEGER NOT NULL,
    message   TEXT    NOT NULL,
    PRIMARY KEY (tenant_id, run_id, inbox_id)
) STRICT, WITHOUT ROWID;

-- Ids of consumed messages, so that posting one again after that is still no second message.
CREATE TABLE inbox_done (
    tenant_id BLOB NOT NULL,
    run_id    BLOB NOT NULL,
    inbox_id  BLOB NOT NULL,
    PRIMARY KEY (tenant_id, run_id, inbox_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE dead_letters (
    tenant_id BLOB    NOT NULL,
    run_id    BLOB    NOT NULL,
    failure   TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, run_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX dead_letters_newest ON dead_letters (tenant_id, at, run_id);

UPDATE schema_info SET version = 3;
