-- The roles under which Orgo's services use a Postgres database.
--
-- Run once, as the owner of the tables, in the database, after "orgo migrate":
--
--     psql -v ON_ERROR_STOP=1 -f postgres-roles.sql "$DSN"
--     psql -c 'GRANT orgo_writer TO the_login_of_the_service' "$DSN"
--
-- orgo_writer is what server and worker need. It can add entries and outputs and
-- can neither change nor remove one; it owns nothing, so it cannot drop a
-- table or disable a trigger. orgo_reader is for auditors and dashboards, orgo_eraser for
-- "orgo audit erase": it may erase what an erasure that is recorded may, and no more.
-- "orgo migrate" alone runs as the owner.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'orgo_writer') THEN
        CREATE ROLE orgo_writer NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'orgo_reader') THEN
        CREATE ROLE orgo_reader NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'orgo_eraser') THEN
        CREATE ROLE orgo_eraser NOLOGIN;
    END IF;
END
$$;

REVOKE ALL ON entries, stage_outputs, ledger_inbox, ledger_leaves, ledger_checkpoints, subjects, builds, telemetry_samples, telemetry_heads, positions, cases, case_owners, tasks, schema_versions FROM PUBLIC, orgo_writer, orgo_reader, orgo_eraser;

GRANT SELECT, INSERT ON entries, stage_outputs, ledger_leaves, ledger_checkpoints, telemetry_samples TO orgo_writer;
GRANT SELECT, INSERT, DELETE ON ledger_inbox TO orgo_writer; -- a queue: the sequencer takes from it
GRANT SELECT, INSERT, UPDATE ON subjects, builds, telemetry_heads, positions, cases, tasks TO orgo_writer;
GRANT SELECT, INSERT, DELETE ON case_owners TO orgo_writer;
GRANT SELECT ON schema_versions TO orgo_writer;

GRANT SELECT ON entries, stage_outputs, ledger_inbox, ledger_leaves, ledger_checkpoints, subjects, builds, telemetry_samples, telemetry_heads, positions, cases, case_owners, tasks, schema_versions TO orgo_reader;

GRANT orgo_writer TO orgo_eraser;
GRANT UPDATE (actor, on_behalf_of, reason, body, digest, salt, erased) ON entries TO orgo_eraser;
