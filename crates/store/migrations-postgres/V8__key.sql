-- A known text sealed with the key of the secrets: a node that has another key than the others is told so
-- at its start. It belongs to the database, not to a tenant.

CREATE TABLE key_check (
    one    BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    nonce  BYTEA  NOT NULL,
    sealed BYTEA  NOT NULL
);

UPDATE schema_info SET version = 8;
