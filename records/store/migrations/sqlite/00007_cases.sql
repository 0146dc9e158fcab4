-- +goose Up

-- Derived: the fold of the entries of each Case, and what lists are filtered and sorted
-- by. No deadline is '~', which comes after every time.
CREATE TABLE cases (
    organization TEXT    NOT NULL,
    case_id      TEXT    NOT NULL,
    version      INTEGER NOT NULL CHECK (version > 0),
    status       TEXT    NOT NULL,
    open         INTEGER NOT NULL,
    type         TEXT    NOT NULL,
    label        TEXT    NOT NULL,
    priority     TEXT    NOT NULL,
    severity     TEXT    NOT NULL,
    cause_kind   TEXT    NOT NULL,
    cause_id     TEXT    NOT NULL,
    ordinal      INTEGER NOT NULL,
    created_at   TEXT    NOT NULL,
    due_at       TEXT    NOT NULL,
    view         TEXT    NOT NULL,
    PRIMARY KEY (case_id, organization)
) STRICT;

-- With everything that a list is filtered by, so that what is passed over is not read.
CREATE INDEX cases_newest ON cases (organization, created_at, case_id, open, status, priority, severity, type, label, due_at);
CREATE INDEX cases_due ON cases (organization, due_at, case_id, open, status, priority, severity, type, label);
CREATE INDEX cases_cause ON cases (cause_id, cause_kind, organization, ordinal);

CREATE TABLE case_owners (
    organization TEXT NOT NULL,
    case_id      TEXT NOT NULL,
    owner_kind   TEXT NOT NULL,
    owner_id     TEXT NOT NULL,
    PRIMARY KEY (case_id, organization, owner_kind, owner_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX case_owners_owner ON case_owners (owner_id, owner_kind, organization, case_id);

CREATE TABLE tasks (
    organization TEXT    NOT NULL,
    task_id      TEXT    NOT NULL,
    case_id      TEXT    NOT NULL,
    version      INTEGER NOT NULL CHECK (version > 0),
    status       TEXT    NOT NULL,
    open         INTEGER NOT NULL,
    label        TEXT    NOT NULL,
    priority     TEXT    NOT NULL,
    owner_kind   TEXT    NOT NULL,
    owner_id     TEXT    NOT NULL,
    created_at   TEXT    NOT NULL,
    due_at       TEXT    NOT NULL,
    task         TEXT    NOT NULL,
    PRIMARY KEY (task_id, organization)
) STRICT;

CREATE INDEX tasks_newest ON tasks (organization, created_at, task_id, open, status, priority, label, due_at);
CREATE INDEX tasks_due ON tasks (organization, due_at, task_id, open, status, priority, label);
CREATE INDEX tasks_owner ON tasks (owner_id, owner_kind, organization, open, due_at, task_id);
CREATE INDEX tasks_case ON tasks (case_id, organization);
