-- +goose Up

-- A cause has one open Case at most. The store refuses another with a code; this holds
-- for two that come at the same time, too.
DROP INDEX cases_cause;
CREATE INDEX cases_cause ON cases (cause_id, cause_kind, organization, ordinal, open, case_id);
CREATE UNIQUE INDEX cases_open_cause ON cases (cause_id, cause_kind, organization) WHERE open = 1;
