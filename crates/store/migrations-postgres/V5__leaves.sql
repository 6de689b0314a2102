-- Audit leaves. Append-only: of a stored leaf only the salt may be erased. `stored` orders them as they
-- were written; the position, which counts from 1 without gaps, is given after the commit by one node at
-- a time, so that writers don't wait for one another.

CREATE TABLE leaves (
    tenant_id  BYTEA  NOT NULL,
    stored     BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY,
    leaf_id    BYTEA  NOT NULL,
    at         BIGINT NOT NULL,
    kind       TEXT   NOT NULL,
    actor      TEXT   NOT NULL,
    run_id     BYTEA,
    step       TEXT,
    body       TEXT   NOT NULL,
    salt       TEXT   NOT NULL,
    commitment TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, stored)
);

CREATE UNIQUE INDEX leaves_id ON leaves (tenant_id, leaf_id);

CREATE TABLE leaf_order (
    tenant_id BYTEA  NOT NULL,
    position  BIGINT NOT NULL,
    stored    BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, position)
);

CREATE UNIQUE INDEX leaf_order_stored ON leaf_order (tenant_id, stored);

-- Leaves that have no position yet.
CREATE TABLE leaf_tail (
    tenant_id BYTEA  NOT NULL,
    stored    BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, stored)
);

CREATE FUNCTION leaf_stored() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO leaf_tail (tenant_id, stored) SELECT tenant_id, stored FROM new_leaves;
    RETURN NULL;
END $$;

CREATE TRIGGER leaves_tail
AFTER INSERT ON leaves REFERENCING NEW TABLE AS new_leaves
FOR EACH STATEMENT EXECUTE FUNCTION leaf_stored();

CREATE TRIGGER leaves_keep
BEFORE UPDATE OF tenant_id, stored, leaf_id, at, kind, actor, run_id, step, body, commitment ON leaves
FOR EACH ROW EXECUTE FUNCTION refuse('an audit leaf never changes');

CREATE TRIGGER leaves_erase_only
BEFORE UPDATE OF salt ON leaves FOR EACH ROW WHEN (NEW.salt <> '')
EXECUTE FUNCTION refuse('the salt of an audit leaf can only be erased');

CREATE TRIGGER leaves_stay
BEFORE DELETE ON leaves FOR EACH ROW EXECUTE FUNCTION refuse('an audit leaf is never deleted');

CREATE TRIGGER leaves_whole
BEFORE TRUNCATE ON leaves FOR EACH STATEMENT EXECUTE FUNCTION refuse('an audit leaf is never deleted');

CREATE TRIGGER leaf_order_keep
BEFORE UPDATE OR DELETE ON leaf_order FOR EACH ROW
EXECUTE FUNCTION refuse('the position of an audit leaf never changes');

UPDATE schema_info SET version = 5;
