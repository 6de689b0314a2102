-- What people set up: agents, recipes with immutable versions, tools, settings, secrets.
-- The columns *_key hold a name in lower case: names are unique without regard to case.

CREATE TABLE agents (
    tenant_id    BLOB    NOT NULL,
    agent_id     BLOB    NOT NULL,
    name         TEXT    NOT NULL,
    name_key     TEXT    NOT NULL,
    domain       TEXT    NOT NULL,
    instructions TEXT    NOT NULL,
    tools        TEXT    NOT NULL,
    config       TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    archived_at  INTEGER,
    PRIMARY KEY (tenant_id, agent_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX agents_name ON agents (tenant_id, name_key) WHERE archived_at IS NULL;

CREATE TABLE recipes (
    tenant_id   BLOB    NOT NULL,
    recipe_id   BLOB    NOT NULL,
    slug        TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    name_key    TEXT    NOT NULL,
    description TEXT    NOT NULL,
    latest      INTEGER NOT NULL,
    active      INTEGER,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, recipe_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX recipes_slug ON recipes (tenant_id, slug);
CREATE INDEX recipes_name ON recipes (tenant_id, name_key);

CREATE TABLE recipe_versions (
    tenant_id  BLOB    NOT NULL,
    recipe_id  BLOB    NOT NULL,
    version    INTEGER NOT NULL,
    name       TEXT    NOT NULL,
    text       TEXT    NOT NULL,
    tree       TEXT,
    digest     TEXT    NOT NULL,
    status     TEXT    NOT NULL,
    author     TEXT    NOT NULL,
    labels     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, recipe_id, version)
) STRICT;

CREATE TRIGGER recipe_versions_keep
BEFORE UPDATE OF tenant_id, recipe_id, version, name, text, tree, digest, author, labels,
    created_at ON recipe_versions
BEGIN SELECT RAISE(ABORT, 'a recipe version never changes'); END;

CREATE TRIGGER recipe_versions_stay
BEFORE DELETE ON recipe_versions
BEGIN SELECT RAISE(ABORT, 'a recipe version is never deleted'); END;

CREATE TABLE tools (
    tenant_id  BLOB    NOT NULL,
    name       TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    config     TEXT    NOT NULL,
    enabled    INTEGER NOT NULL,
    paused     INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
    tenant_id BLOB NOT NULL,
    key       TEXT NOT NULL,
    value     TEXT NOT NULL,
    PRIMARY KEY (tenant_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE secrets (
    tenant_id  BLOB    NOT NULL,
    name       TEXT    NOT NULL,
    origin     TEXT    NOT NULL,
    hint       TEXT    NOT NULL,
    nonce      BLOB    NOT NULL,
    sealed     BLOB    NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, name)
) STRICT, WITHOUT ROWID;

UPDATE schema_info SET version = 4;
