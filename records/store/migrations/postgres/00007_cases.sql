-- +goose Up

-- Derived: the fold of the entries of each Case, and what lists are filtered and sorted
-- by. No deadline is '~', which comes after every time.
CREATE TABLE cases (
    organization TEXT COLLATE "C" NOT NULL,
    case_id      TEXT COLLATE "C" NOT NULL,
    version      BIGINT NOT NULL CHECK (version > 0),
    status       TEXT COLLATE "C" NOT NULL,
    open         BIGINT NOT NULL,
    type         TEXT COLLATE "C" NOT NULL,
    label        TEXT COLLATE "C" NOT NULL,
    priority     TEXT COLLATE "C" NOT NULL,
    severity     TEXT COLLATE "C" NOT NULL,
    cause_kind   TEXT COLLATE "C" NOT NULL,
    cause_id     TEXT COLLATE "C" NOT NULL,
    ordinal      BIGINT NOT NULL,
    created_at   TEXT COLLATE "C" NOT NULL,
    due_at       TEXT COLLATE "C" NOT NULL,
    view         TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (case_id, organization)
);

-- With everything that a list is filtered by, so that what is passed over is not read.
CREATE INDEX cases_newest ON cases (organization, created_at, case_id, open, status, priority, severity, type, label, due_at);
CREATE INDEX cases_due ON cases (organization, due_at, case_id, open, status, priority, severity, type, label);
CREATE INDEX cases_cause ON cases (cause_id, cause_kind, organization, ordinal);

CREATE TABLE case_owners (
    organization TEXT COLLATE "C" NOT NULL,
    case_id      TEXT COLLATE "C" NOT NULL,
    owner_kind   TEXT COLLATE "C" NOT NULL,
    owner_id     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (case_id, organization, owner_kind, owner_id)
);

CREATE INDEX case_owners_owner ON case_owners (owner_id, owner_kind, organization, case_id);

CREATE TABLE tasks (
    organization TEXT COLLATE "C" NOT NULL,
    task_id      TEXT COLLATE "C" NOT NULL,
    case_id      TEXT COLLATE "C" NOT NULL,
    version      BIGINT NOT NULL CHECK (version > 0),
    status       TEXT COLLATE "C" NOT NULL,
    open         BIGINT NOT NULL,
    label        TEXT COLLATE "C" NOT NULL,
    priority     TEXT COLLATE "C" NOT NULL,
    owner_kind   TEXT COLLATE "C" NOT NULL,
    owner_id     TEXT COLLATE "C" NOT NULL,
    created_at   TEXT COLLATE "C" NOT NULL,
    due_at       TEXT COLLATE "C" NOT NULL,
    task         TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (task_id, organization)
);

CREATE INDEX tasks_newest ON tasks (organization, created_at, task_id, open, status, priority, label, due_at);
CREATE INDEX tasks_due ON tasks (organization, due_at, task_id, open, status, priority, label);
CREATE INDEX tasks_owner ON tasks (owner_id, owner_kind, organization, open, due_at, task_id);
CREATE INDEX tasks_case ON tasks (case_id, organization);
