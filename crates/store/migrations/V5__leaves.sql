-- Audit leaves. Append-only: of a stored leaf only the salt may be erased.

CREATE TABLE leaves (
    tenant_id  BLOB    NOT NULL,
    position   INTEGER NOT NULL,
    leaf_id    BLOB    NOT NULL,
    at         INTEGER NOT NULL,
    kind       TEXT    NOT NULL,
    actor      TEXT    NOT NULL,
    run_id     BLOB,
    step       TEXT,
    body       TEXT    NOT NULL,
    salt       TEXT    NOT NULL,
    commitment TEXT    NOT NULL,
    PRIMARY KEY (tenant_id, position)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX leaves_id ON leaves (tenant_id, leaf_id);

CREATE TRIGGER leaves_keep
BEFORE UPDATE OF tenant_id, position, leaf_id, at, kind, actor, run_id, step, body, commitment ON leaves
BEGIN SELECT RAISE(ABORT, 'an audit leaf never changes'); END;

CREATE TRIGGER leaves_erase_only
BEFORE UPDATE OF salt ON leaves WHEN NEW.salt <> ''
BEGIN SELECT RAISE(ABORT, 'the salt of an audit leaf can only be erased'); END;

CREATE TRIGGER leaves_stay
BEFORE DELETE ON leaves
BEGIN SELECT RAISE(ABORT, 'an audit leaf is never deleted'); END;

UPDATE schema_info SET version = 5;
