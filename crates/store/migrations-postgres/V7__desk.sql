-- The desk: built-in calendars and tickets. Mock and real never meet, so the mode is in every key
-- that is searched. The columns *_key hold a name in lower case.

CREATE TABLE calendar_events (
    tenant_id    BYTEA   NOT NULL,
    event_id     BYTEA   NOT NULL,
    mode         TEXT    NOT NULL,
    calendar     TEXT    NOT NULL,
    calendar_key TEXT COLLATE "C" NOT NULL,
    title        TEXT    NOT NULL,
    description  TEXT    NOT NULL,
    organizer    TEXT    NOT NULL,
    attendees    TEXT    NOT NULL,
    starts_at    BIGINT NOT NULL,
    ends_at      BIGINT NOT NULL CHECK (ends_at > starts_at),
    zone         TEXT    NOT NULL,
    status       TEXT    NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, event_id)
);

-- Events that stand don't overlap, so by their ends they are in the order of their starts too.
CREATE INDEX calendar_events_taken ON calendar_events (tenant_id, mode, calendar_key, ends_at)
    WHERE status = 'confirmed';
CREATE INDEX calendar_events_when ON calendar_events (tenant_id, mode, starts_at, event_id);

CREATE TABLE tickets (
    tenant_id   BYTEA   NOT NULL,
    mode        TEXT    NOT NULL,
    number      BIGINT NOT NULL,
    ticket_id   BYTEA   NOT NULL,
    title       TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C" NOT NULL,
    urgency     TEXT    NOT NULL,
    category    TEXT    NOT NULL,
    assignee    TEXT    NOT NULL,
    status      TEXT    NOT NULL,
    resolution  TEXT    NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    resolved_at BIGINT,
    PRIMARY KEY (tenant_id, mode, number)
);

CREATE TABLE ticket_comments (
    tenant_id BYTEA   NOT NULL,
    mode      TEXT    NOT NULL,
    number    BIGINT NOT NULL,
    position  BIGINT NOT NULL,
    author    TEXT    NOT NULL,
    text      TEXT    NOT NULL,
    at        BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, mode, number, position)
);

-- What the call with a key has done: the event or ticket that it changed, or the tool it went through.
CREATE TABLE desk_calls (
    tenant_id BYTEA NOT NULL,
    mode      TEXT NOT NULL,
    call_key  TEXT COLLATE "C" NOT NULL,
    kind      TEXT NOT NULL,
    subject   TEXT NOT NULL,
    PRIMARY KEY (tenant_id, mode, call_key, kind)
);

UPDATE schema_info SET version = 7;
