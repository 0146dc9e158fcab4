-- +goose Up

-- What lists are narrowed to, in the order of each list. A planner without statistics
-- otherwise reads the whole organization in that order. With the Tasks of an owner, of
-- whom one may have most, is what they are filtered by.
DROP INDEX tasks_owner;
DROP INDEX tasks_case;
CREATE INDEX tasks_owner_newest ON tasks (owner_id, owner_kind, organization, created_at, task_id, open, status, priority, label, due_at);
CREATE INDEX tasks_owner_due ON tasks (owner_id, owner_kind, organization, due_at, task_id, open, status, priority, label);
CREATE INDEX tasks_case_newest ON tasks (case_id, organization, created_at, task_id);
CREATE INDEX tasks_case_due ON tasks (case_id, organization, due_at, task_id);

CREATE INDEX cases_cause_newest ON cases (cause_id, cause_kind, organization, created_at, case_id);
CREATE INDEX cases_cause_due ON cases (cause_id, cause_kind, organization, due_at, case_id);
