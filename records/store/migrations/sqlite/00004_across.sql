-- +goose Up

-- What is read of an organization across its subjects, newest first. Partial: an
-- append of anything else pays nothing, and the planner cannot take them for a way
-- to anything else.
CREATE INDEX entries_decisions ON entries (organization, at, entry_id) WHERE kind = 'decision';
CREATE INDEX entries_policies ON entries (organization, at, entry_id) WHERE subject_kind = 'policy';
