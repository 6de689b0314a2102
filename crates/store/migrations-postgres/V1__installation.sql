-- The installation: which schema this is, how often it was booted, and the nodes that work on it.
-- These tables belong to the database, not to a tenant.

CREATE TABLE schema_info (
    one        BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    version    BIGINT NOT NULL,
    min_binary TEXT   NOT NULL
);

INSERT INTO schema_info (one, version, min_binary) VALUES (1, 1, '0.1.0');

CREATE TABLE boot (
    one   BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    epoch BIGINT NOT NULL
);

INSERT INTO boot (one, epoch) VALUES (1, 0);

-- The newest boot of each node. A node's name outlives its processes.
CREATE TABLE nodes (
    name  TEXT   NOT NULL PRIMARY KEY,
    epoch BIGINT NOT NULL,
    node  BYTEA  NOT NULL,
    at    BIGINT NOT NULL
);
