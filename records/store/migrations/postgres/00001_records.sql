-- +goose Up

-- Keys begin with what tells rows apart best, never with the organization: a
-- planner without statistics (a new database has none) would otherwise take any
-- of them for a lookup and read the whole organization.

-- Text is compared by its bytes (collation "C"), as in SQLite and in Go, so that
-- order and cursors do not depend on the database's locale.
CREATE TABLE entries (
    organization TEXT COLLATE "C" NOT NULL,
    entry_id     TEXT COLLATE "C" NOT NULL,
    kind         TEXT COLLATE "C" NOT NULL,
    type         TEXT COLLATE "C" NOT NULL,
    subject_kind TEXT COLLATE "C" NOT NULL,
    subject_id   TEXT COLLATE "C" NOT NULL,
    sequence     BIGINT           NOT NULL CHECK (sequence > 0),
    at           TEXT COLLATE "C" NOT NULL,
    actor        TEXT COLLATE "C" NOT NULL,
    on_behalf_of TEXT COLLATE "C" NOT NULL,
    reason       TEXT COLLATE "C" NOT NULL,
    codes        TEXT COLLATE "C" NOT NULL,
    correlation  TEXT COLLATE "C" NOT NULL,
    body         TEXT COLLATE "C" NOT NULL,
    alg          TEXT COLLATE "C" NOT NULL,
    digest       TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (entry_id, organization),
    UNIQUE (subject_id, subject_kind, organization, sequence)
);

CREATE TABLE stage_outputs (
    organization   TEXT COLLATE "C" NOT NULL,
    stage_key      TEXT COLLATE "C" NOT NULL,
    entry_id       TEXT COLLATE "C" NOT NULL,
    alg            TEXT COLLATE "C" NOT NULL,
    outputs_digest TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (stage_key, organization),
    UNIQUE (entry_id, organization),
    FOREIGN KEY (entry_id, organization) REFERENCES entries (entry_id, organization)
);

-- The row of a subject is also the lock under which its entries are appended.
CREATE TABLE subjects (
    organization TEXT COLLATE "C" NOT NULL,
    subject_kind TEXT COLLATE "C" NOT NULL,
    subject_id   TEXT COLLATE "C" NOT NULL,
    sequence     BIGINT           NOT NULL CHECK (sequence >= 0),
    PRIMARY KEY (subject_id, subject_kind, organization)
);

CREATE TABLE builds (
    organization TEXT COLLATE "C" NOT NULL,
    build_id     TEXT COLLATE "C" NOT NULL,
    version      BIGINT           NOT NULL CHECK (version > 0),
    state        TEXT COLLATE "C" NOT NULL,
    pipeline_id  TEXT COLLATE "C" NOT NULL,
    created_at   TEXT COLLATE "C" NOT NULL,
    updated_at   TEXT COLLATE "C" NOT NULL,
    view         TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (build_id, organization)
);

CREATE INDEX builds_newest ON builds (organization, created_at, build_id);

-- +goose StatementBegin
CREATE FUNCTION orgo_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END
$$;
-- +goose StatementEnd

CREATE TRIGGER entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entries
    FOR EACH STATEMENT EXECUTE FUNCTION orgo_append_only();
CREATE TRIGGER stage_outputs_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON stage_outputs
    FOR EACH STATEMENT EXECUTE FUNCTION orgo_append_only();

-- ALWAYS: also in a session whose session_replication_role is replica.
ALTER TABLE entries ENABLE ALWAYS TRIGGER entries_append_only;
ALTER TABLE stage_outputs ENABLE ALWAYS TRIGGER stage_outputs_append_only;
