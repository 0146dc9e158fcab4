-- +goose Up

-- Keys begin with what tells rows apart best, never with the organization: a
-- planner without statistics (a new database has none) would otherwise take any
-- of them for a lookup and read the whole organization.

-- Clustered by subject: what is read together lies together, and an append
-- touches few pages. Without a rowid there is no hidden key through which
-- INSERT OR REPLACE could replace a row.
CREATE TABLE entries (
    organization TEXT    NOT NULL,
    entry_id     TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    type         TEXT    NOT NULL,
    subject_kind TEXT    NOT NULL,
    subject_id   TEXT    NOT NULL,
    sequence     INTEGER NOT NULL CHECK (sequence > 0),
    at           TEXT    NOT NULL,
    actor        TEXT    NOT NULL,
    on_behalf_of TEXT    NOT NULL,
    reason       TEXT    NOT NULL,
    codes        TEXT    NOT NULL,
    correlation  TEXT    NOT NULL,
    body         TEXT    NOT NULL,
    alg          TEXT    NOT NULL,
    digest       TEXT    NOT NULL,
    PRIMARY KEY (subject_id, subject_kind, organization, sequence),
    UNIQUE (entry_id, organization)
) STRICT, WITHOUT ROWID;

CREATE TABLE stage_outputs (
    organization   TEXT NOT NULL,
    stage_key      TEXT NOT NULL,
    entry_id       TEXT NOT NULL,
    alg            TEXT NOT NULL,
    outputs_digest TEXT NOT NULL,
    PRIMARY KEY (stage_key, organization),
    UNIQUE (entry_id, organization),
    FOREIGN KEY (entry_id, organization) REFERENCES entries (entry_id, organization)
) STRICT, WITHOUT ROWID;

CREATE TABLE subjects (
    organization TEXT    NOT NULL,
    subject_kind TEXT    NOT NULL,
    subject_id   TEXT    NOT NULL,
    sequence     INTEGER NOT NULL CHECK (sequence >= 0),
    PRIMARY KEY (subject_id, subject_kind, organization)
) STRICT, WITHOUT ROWID;

CREATE TABLE builds (
    organization TEXT    NOT NULL,
    build_id     TEXT    NOT NULL,
    version      INTEGER NOT NULL CHECK (version > 0),
    state        TEXT    NOT NULL,
    pipeline_id  TEXT    NOT NULL,
    created_at   TEXT    NOT NULL,
    updated_at   TEXT    NOT NULL,
    view         TEXT    NOT NULL,
    PRIMARY KEY (build_id, organization)
) STRICT;

CREATE INDEX builds_newest ON builds (organization, created_at, build_id);

-- INSERT OR REPLACE deletes without firing delete triggers (unless
-- recursive_triggers is on), so the insert itself must be refused.

-- +goose StatementBegin
CREATE TRIGGER entries_no_replace BEFORE INSERT ON entries
WHEN EXISTS (SELECT 1 FROM entries
             WHERE organization = NEW.organization AND entry_id = NEW.entry_id)
  OR EXISTS (SELECT 1 FROM entries
             WHERE organization = NEW.organization AND subject_kind = NEW.subject_kind
               AND subject_id = NEW.subject_id AND sequence = NEW.sequence)
BEGIN SELECT RAISE(ABORT, 'entries is append-only: the entry exists'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER entries_no_update BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'entries is append-only: UPDATE refused'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER entries_no_delete BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'entries is append-only: DELETE refused'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER stage_outputs_no_replace BEFORE INSERT ON stage_outputs
WHEN EXISTS (SELECT 1 FROM stage_outputs
             WHERE organization = NEW.organization AND stage_key = NEW.stage_key)
  OR EXISTS (SELECT 1 FROM stage_outputs
             WHERE organization = NEW.organization AND entry_id = NEW.entry_id)
BEGIN SELECT RAISE(ABORT, 'stage_outputs is append-only: the output exists'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER stage_outputs_no_update BEFORE UPDATE ON stage_outputs
BEGIN SELECT RAISE(ABORT, 'stage_outputs is append-only: UPDATE refused'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER stage_outputs_no_delete BEFORE DELETE ON stage_outputs
BEGIN SELECT RAISE(ABORT, 'stage_outputs is append-only: DELETE refused'); END;
-- +goose StatementEnd
