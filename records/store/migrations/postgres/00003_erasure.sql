-- +goose Up

-- The commitment of the leaf of an entry whose personal data was erased.
ALTER TABLE entries ADD COLUMN erased TEXT COLLATE "C" NOT NULL DEFAULT '';

DROP TRIGGER entries_append_only ON entries;
CREATE TRIGGER entries_append_only BEFORE DELETE OR TRUNCATE ON entries
    FOR EACH STATEMENT EXECUTE FUNCTION orgo_append_only();

-- The one change there is: an erasure that is recorded, once, of what is personal.
-- +goose StatementBegin
CREATE FUNCTION orgo_erasure_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.erased = '' AND NEW.erased <> '' AND NEW.salt = ''
        AND (NEW.actor IN ('', '[erased]') OR NEW.actor = 'orgo' AND OLD.actor = 'orgo') AND NEW.on_behalf_of IN ('', '[erased]') AND NEW.reason IN ('', '[erased]')
        AND (NEW.organization, NEW.entry_id, NEW.kind, NEW.type, NEW.subject_kind, NEW.subject_id, NEW.sequence,
             NEW.at, NEW.codes, NEW.correlation, NEW.alg)
          = (OLD.organization, OLD.entry_id, OLD.kind, OLD.type, OLD.subject_kind, OLD.subject_id, OLD.sequence,
             OLD.at, OLD.codes, OLD.correlation, OLD.alg)
        AND EXISTS (SELECT FROM entries x WHERE x.organization = OLD.organization AND x.subject_kind = 'erasure'
            AND x.subject_id = OLD.entry_id AND x.type = 'orgo.entry.erased')
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'entries is append-only: UPDATE refused' USING ERRCODE = 'restrict_violation';
END
$$;
-- +goose StatementEnd

CREATE TRIGGER entries_erasure_only BEFORE UPDATE ON entries FOR EACH ROW EXECUTE FUNCTION orgo_erasure_only();

-- ALWAYS: also in a session whose session_replication_role is replica.
ALTER TABLE entries ENABLE ALWAYS TRIGGER entries_append_only;
ALTER TABLE entries ENABLE ALWAYS TRIGGER entries_erasure_only;
