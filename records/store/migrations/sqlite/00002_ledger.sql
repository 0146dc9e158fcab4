-- +goose Up

-- What a payload is hashed with in its leaf, so that the leaf betrays nothing of
-- it. Entries older than the ledger have none.
ALTER TABLE entries ADD COLUMN salt TEXT NOT NULL DEFAULT '';

-- Entries that are committed and have no leaf yet. AUTOINCREMENT: a position is
-- never given twice.
CREATE TABLE ledger_inbox (
    position     INTEGER PRIMARY KEY AUTOINCREMENT,
    organization TEXT    NOT NULL,
    entry_id     TEXT    NOT NULL,
    leaf_hash    BLOB             -- NULL: to be computed from the entry
) STRICT;

-- hashes are those that the tree gains with the leaf: its own, then upwards.
CREATE TABLE ledger_leaves (
    leaf         INTEGER PRIMARY KEY CHECK (leaf >= 0),
    organization TEXT    NOT NULL,
    entry_id     TEXT    NOT NULL,
    hashes       BLOB    NOT NULL,
    UNIQUE (entry_id, organization),
    FOREIGN KEY (entry_id, organization) REFERENCES entries (entry_id, organization)
) STRICT;

CREATE TABLE ledger_checkpoints (
    size INTEGER PRIMARY KEY CHECK (size > 0),
    at   TEXT    NOT NULL,
    note TEXT    NOT NULL
) STRICT;

INSERT INTO ledger_inbox (organization, entry_id)
SELECT organization, entry_id FROM entries ORDER BY at, subject_id, subject_kind, organization, sequence;

-- +goose StatementBegin
CREATE TRIGGER ledger_leaves_no_replace BEFORE INSERT ON ledger_leaves
WHEN EXISTS (SELECT 1 FROM ledger_leaves WHERE leaf = NEW.leaf)
  OR EXISTS (SELECT 1 FROM ledger_leaves WHERE entry_id = NEW.entry_id AND organization = NEW.organization)
BEGIN SELECT RAISE(ABORT, 'ledger_leaves is append-only: the leaf exists'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER ledger_leaves_no_update BEFORE UPDATE ON ledger_leaves
BEGIN SELECT RAISE(ABORT, 'ledger_leaves is append-only: UPDATE refused'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER ledger_leaves_no_delete BEFORE DELETE ON ledger_leaves
BEGIN SELECT RAISE(ABORT, 'ledger_leaves is append-only: DELETE refused'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER ledger_checkpoints_no_replace BEFORE INSERT ON ledger_checkpoints
WHEN EXISTS (SELECT 1 FROM ledger_checkpoints WHERE size = NEW.size)
BEGIN SELECT RAISE(ABORT, 'ledger_checkpoints is append-only: the checkpoint exists'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER ledger_checkpoints_no_update BEFORE UPDATE ON ledger_checkpoints
BEGIN SELECT RAISE(ABORT, 'ledger_checkpoints is append-only: UPDATE refused'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER ledger_checkpoints_no_delete BEFORE DELETE ON ledger_checkpoints
BEGIN SELECT RAISE(ABORT, 'ledger_checkpoints is append-only: DELETE refused'); END;
-- +goose StatementEnd
