-- +goose Up

-- Samples of telemetry: bulk data, which has no leaves in the ledger. What is decided
-- on a window of them becomes an entry, with the window's digest.

-- The code is empty for a sample that counts.
CREATE TABLE telemetry_samples (
    organization TEXT COLLATE "C" NOT NULL,
    release_id   TEXT COLLATE "C" NOT NULL,
    position     BIGINT           NOT NULL CHECK (position > 0),
    sample_id    TEXT COLLATE "C" NOT NULL,
    code         TEXT COLLATE "C" NOT NULL,
    digest       TEXT COLLATE "C" NOT NULL,
    received_at  TEXT COLLATE "C" NOT NULL,
    body         TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (release_id, organization, position),
    UNIQUE (sample_id, organization, code)
);

-- Derived: the last position of each release. The row is also the lock under which
-- its samples are appended, so that positions become visible in their order.
CREATE TABLE telemetry_heads (
    organization TEXT COLLATE "C" NOT NULL,
    release_id   TEXT COLLATE "C" NOT NULL,
    position     BIGINT           NOT NULL CHECK (position >= 0),
    PRIMARY KEY (release_id, organization)
);

CREATE TRIGGER telemetry_samples_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON telemetry_samples
    FOR EACH STATEMENT EXECUTE FUNCTION orgo_append_only();

-- ALWAYS: also in a session whose session_replication_role is replica.
ALTER TABLE telemetry_samples ENABLE ALWAYS TRIGGER telemetry_samples_append_only;
