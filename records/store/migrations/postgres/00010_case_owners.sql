-- +goose Up

-- What lists are filtered and sorted by, of every owner: the Cases of one, who may have
-- most, are listed without a look at those of others.
ALTER TABLE case_owners ADD COLUMN status     TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE case_owners ADD COLUMN open       BIGINT NOT NULL DEFAULT 0;
ALTER TABLE case_owners ADD COLUMN type       TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE case_owners ADD COLUMN label      TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE case_owners ADD COLUMN priority   TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE case_owners ADD COLUMN severity   TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE case_owners ADD COLUMN created_at TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE case_owners ADD COLUMN due_at     TEXT COLLATE "C" NOT NULL DEFAULT '';

UPDATE case_owners SET (status, open, type, label, priority, severity, created_at, due_at) =
    (SELECT c.status, c.open, c.type, c.label, c.priority, c.severity, c.created_at, c.due_at
     FROM cases c WHERE c.case_id = case_owners.case_id AND c.organization = case_owners.organization);

DROP INDEX case_owners_owner;
CREATE INDEX case_owners_newest ON case_owners (owner_id, owner_kind, organization, created_at, case_id, open, status, priority, severity, type, label, due_at);
CREATE INDEX case_owners_due ON case_owners (owner_id, owner_kind, organization, due_at, case_id, open, status, priority, severity, type, label);
