-- Which boot does a request with an idempotency key: if that process has ended, the key may be taken
-- again at once. Null for requests of guests, whose life nobody can see.

ALTER TABLE requests ADD COLUMN boot BIGINT;

UPDATE schema_info SET version = 10;
