-- What people set up: agents, recipes with immutable versions, tools, settings, secrets.
-- The columns *_key hold a name in lower case: names are unique without regard to case. Names sort by
-- their bytes, as everywhere else.

CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING MESSAGE = TG_ARGV[0], ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TABLE agents (
    tenant_id    BYTEA  NOT NULL,
    agent_id     BYTEA  NOT NULL,
    name         TEXT   NOT NULL,
    name_key     TEXT   COLLATE "C" NOT NULL,
    domain       TEXT   NOT NULL,
    instructions TEXT   NOT NULL,
    tools        TEXT   NOT NULL,
    config       TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    archived_at  BIGINT,
    PRIMARY KEY (tenant_id, agent_id)
);

CREATE UNIQUE INDEX agents_name ON agents (tenant_id, name_key) WHERE archived_at IS NULL;

CREATE TABLE recipes (
    tenant_id   BYTEA  NOT NULL,
    recipe_id   BYTEA  NOT NULL,
    slug        TEXT   COLLATE "C" NOT NULL,
    name        TEXT   NOT NULL,
    name_key    TEXT   COLLATE "C" NOT NULL,
    description TEXT   NOT NULL,
    latest      BIGINT NOT NULL,
    active      BIGINT,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    archived_at BIGINT,
    PRIMARY KEY (tenant_id, recipe_id)
);

CREATE UNIQUE INDEX recipes_slug ON recipes (tenant_id, slug);
CREATE INDEX recipes_name ON recipes (tenant_id, name_key);

CREATE TABLE recipe_versions (
    tenant_id  BYTEA  NOT NULL,
    recipe_id  BYTEA  NOT NULL,
    version    BIGINT NOT NULL,
    name       TEXT   NOT NULL,
    text       TEXT   NOT NULL,
    tree       TEXT,
    digest     TEXT   NOT NULL,
    status     TEXT   NOT NULL,
    author     TEXT   NOT NULL,
    labels     TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, recipe_id, version)
);

CREATE TRIGGER recipe_versions_keep
BEFORE UPDATE OF tenant_id, recipe_id, version, name, text, tree, digest, author, labels, created_at
ON recipe_versions FOR EACH ROW EXECUTE FUNCTION refuse('a recipe version never changes');

CREATE TRIGGER recipe_versions_stay
BEFORE DELETE ON recipe_versions FOR EACH ROW
EXECUTE FUNCTION refuse('a recipe version is never deleted');

CREATE TRIGGER recipe_versions_whole
BEFORE TRUNCATE ON recipe_versions FOR EACH STATEMENT
EXECUTE FUNCTION refuse('a recipe version is never deleted');

CREATE TABLE tools (
    tenant_id  BYTEA  NOT NULL,
    name       TEXT   COLLATE "C" NOT NULL,
    kind       TEXT   NOT NULL,
    config     TEXT   NOT NULL,
    enabled    BIGINT NOT NULL,
    paused     BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, name)
);

CREATE TABLE settings (
    tenant_id BYTEA NOT NULL,
    key       TEXT  COLLATE "C" NOT NULL,
    value     TEXT  NOT NULL,
    PRIMARY KEY (tenant_id, key)
);

CREATE TABLE secrets (
    tenant_id  BYTEA  NOT NULL,
    name       TEXT   COLLATE "C" NOT NULL,
    origin     TEXT   NOT NULL,
    hint       TEXT   NOT NULL,
    nonce      BYTEA  NOT NULL,
    sealed     BYTEA  NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, name)
);

UPDATE schema_info SET version = 4;
