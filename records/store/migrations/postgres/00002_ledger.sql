-- +goose Up

-- What a payload is hashed with in its leaf, so that the leaf betrays nothing of
-- it. Entries older than the ledger have none.
ALTER TABLE entries ADD COLUMN salt TEXT COLLATE "C" NOT NULL DEFAULT '';

-- Entries that are committed and have no leaf yet. Positions are given in another
-- order than transactions commit in: they order the entries of one subject, whose
-- row is locked meanwhile, and are no cursor.
CREATE TABLE ledger_inbox (
    position     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization TEXT COLLATE "C" NOT NULL,
    entry_id     TEXT COLLATE "C" NOT NULL,
    leaf_hash    BYTEA                      -- NULL: to be computed from the entry
);

-- hashes are those that the tree gains with the leaf: its own, then upwards.
CREATE TABLE ledger_leaves (
    leaf         BIGINT           NOT NULL PRIMARY KEY CHECK (leaf >= 0),
    organization TEXT COLLATE "C" NOT NULL,
    entry_id     TEXT COLLATE "C" NOT NULL,
    hashes       BYTEA            NOT NULL,
    UNIQUE (entry_id, organization),
    FOREIGN KEY (entry_id, organization) REFERENCES entries (entry_id, organization)
);

CREATE TABLE ledger_checkpoints (
    size BIGINT           NOT NULL PRIMARY KEY CHECK (size > 0),
    at   TEXT COLLATE "C" NOT NULL,
    note TEXT COLLATE "C" NOT NULL
);

INSERT INTO ledger_inbox (organization, entry_id)
SELECT organization, entry_id FROM entries ORDER BY at, subject_id, subject_kind, organization, sequence;

CREATE TRIGGER ledger_leaves_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_leaves
    FOR EACH STATEMENT EXECUTE FUNCTION orgo_append_only();
CREATE TRIGGER ledger_checkpoints_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION orgo_append_only();

-- ALWAYS: also in a session whose session_replication_role is replica.
ALTER TABLE ledger_leaves ENABLE ALWAYS TRIGGER ledger_leaves_append_only;
ALTER TABLE ledger_checkpoints ENABLE ALWAYS TRIGGER ledger_checkpoints_append_only;
