-- The number of the last group of writes of each process. A process whose connection breaks while it waits
-- for the answer to a commit finds here whether the commit was kept. (The status of the transaction's id
-- doesn't tell: after a crash of the database an id that was never written down is given out again.)
-- It belongs to the database, not to a tenant.

CREATE TABLE last_groups (
    writer     BYTEA  NOT NULL PRIMARY KEY,
    last_group BIGINT NOT NULL,
    at         BIGINT NOT NULL
);

UPDATE schema_info SET version = 9;
