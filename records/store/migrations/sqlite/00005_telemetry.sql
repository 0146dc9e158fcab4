-- +goose Up

-- Samples of telemetry: bulk data, which has no leaves in the ledger. What is decided
-- on a window of them becomes an entry, with the window's digest.

-- Clustered by release, as they are read. The code is empty for a sample that counts.
CREATE TABLE telemetry_samples (
    organization TEXT    NOT NULL,
    release_id   TEXT    NOT NULL,
    position     INTEGER NOT NULL CHECK (position > 0),
    sample_id    TEXT    NOT NULL,
    code         TEXT    NOT NULL,
    digest       TEXT    NOT NULL,
    received_at  TEXT    NOT NULL,
    body         TEXT    NOT NULL,
    PRIMARY KEY (release_id, organization, position),
    UNIQUE (sample_id, organization, code)
) STRICT, WITHOUT ROWID;

-- Derived: the last position of each release.
CREATE TABLE telemetry_heads (
    organization TEXT    NOT NULL,
    release_id   TEXT    NOT NULL,
    position     INTEGER NOT NULL CHECK (position >= 0),
    PRIMARY KEY (release_id, organization)
) STRICT, WITHOUT ROWID;

-- +goose StatementBegin
CREATE TRIGGER telemetry_samples_no_replace BEFORE INSERT ON telemetry_samples
WHEN EXISTS (SELECT 1 FROM telemetry_samples
             WHERE sample_id = NEW.sample_id AND organization = NEW.organization AND code = NEW.code)
  OR EXISTS (SELECT 1 FROM telemetry_samples
             WHERE release_id = NEW.release_id AND organization = NEW.organization AND position = NEW.position)
BEGIN SELECT RAISE(ABORT, 'telemetry_samples is append-only: the sample exists'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER telemetry_samples_no_update BEFORE UPDATE ON telemetry_samples
BEGIN SELECT RAISE(ABORT, 'telemetry_samples is append-only: UPDATE refused'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER telemetry_samples_no_delete BEFORE DELETE ON telemetry_samples
BEGIN SELECT RAISE(ABORT, 'telemetry_samples is append-only: DELETE refused'); END;
-- +goose StatementEnd
