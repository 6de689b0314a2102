-- The installation: which schema this is, and how often the data folder was taken.
-- These two tables belong to the file, not to a tenant.

CREATE TABLE schema_info (
    one        INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    version    INTEGER NOT NULL,
    min_binary TEXT    NOT NULL
) STRICT;

INSERT INTO schema_info (one, version, min_binary) VALUES (1, 1, '0.1.0');

CREATE TABLE boot (
    one   INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    epoch INTEGER NOT NULL,
    node  BLOB    NOT NULL,
    at    INTEGER NOT NULL
) STRICT;
