-- +goose Up

-- The commitment of the leaf of an entry whose personal data was erased.
ALTER TABLE entries ADD COLUMN erased TEXT NOT NULL DEFAULT '';

DROP TRIGGER entries_no_update;

-- The one change there is: an erasure that is recorded, once, of what is personal.
-- +goose StatementBegin
CREATE TRIGGER entries_no_update BEFORE UPDATE ON entries
WHEN NOT (OLD.erased = '' AND NEW.erased <> '' AND NEW.salt = ''
    AND (NEW.actor IN ('', '[erased]') OR NEW.actor = 'orgo' AND OLD.actor = 'orgo') AND NEW.on_behalf_of IN ('', '[erased]') AND NEW.reason IN ('', '[erased]')
    AND NEW.organization = OLD.organization AND NEW.entry_id = OLD.entry_id AND NEW.kind = OLD.kind AND NEW.type = OLD.type
    AND NEW.subject_kind = OLD.subject_kind AND NEW.subject_id = OLD.subject_id AND NEW.sequence = OLD.sequence
    AND NEW.at = OLD.at AND NEW.codes = OLD.codes AND NEW.correlation = OLD.correlation AND NEW.alg = OLD.alg
    AND EXISTS (SELECT 1 FROM entries x WHERE x.organization = OLD.organization AND x.subject_kind = 'erasure'
        AND x.subject_id = OLD.entry_id AND x.type = 'orgo.entry.erased'))
BEGIN SELECT RAISE(ABORT, 'entries is append-only: UPDATE refused'); END;
-- +goose StatementEnd
