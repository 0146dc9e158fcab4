package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/api/apitest"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/schemas"
)

// opened opens a Case whose Tasks are done.
func (b *bench) opened(t *testing.T, args ...string) cases.Case {
	t.Helper()
	var c cases.Case
	b.must(t, &c, append([]string{"case", "create", "--type", "question", "--summary", "Which prices hold?", "--owner", "user:alice"}, args...)...)
	for _, task := range c.Tasks {
		var done client.Task
		b.must(t, &done, "task", "transition", task.TaskID, "--to", "completed", "--resolution", "looked")
	}
	b.must(t, &c, "case", "get", c.CaseID)
	return c
}

func TestCaseCreate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.opened(t, "--category", "Incident", "--severity", "sev3", "--priority", "high", "--code", "INPUT_EMPTY", "--ref", "build:"+aBuild, "--tag", "prices",
		"--label", "1000.7.1.Content", "--respond", "1h", "--due", "48h", "--reason", "a customer asked", "--idempotency-key", "k")
	require.Equal(t, cases.Incident, c.Category)
	require.Equal(t, "SEV3", c.Route.Severity)
	require.Equal(t, cases.High, c.Route.Priority)
	require.Equal(t, []cases.Ref{{Type: "build", Ref: aBuild}}, c.Refs)
	require.Equal(t, []cases.Owner{{Kind: cases.User, ID: "alice"}}, c.Owners)
	require.NotNil(t, c.Resolve.Due)
	r := b.orgo(t, "case", "create", "--type", "question", "--summary", "Another", "--idempotency-key", "k")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "IDEMPOTENCY_KEY_REUSED")
	r = b.orgo(t, "case", "create", "--type", "question", "--summary", "Another")
	require.Zero(t, r.code)
	require.Contains(t, r.out, "to begin: orgo case transition ")
}

func TestTheLifeOfACaseByCommand(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.opened(t)
	r := b.orgo(t, "case", "transition", c.CaseID, "--to", "in_progress")
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.out, "it is IN_PROGRESS, at version ")
	require.Contains(t, r.out, "it can become BLOCKED, WAITING_REVIEW, COMPLETED")
	var task client.Task
	b.must(t, &task, "task", "create", "--case", c.CaseID, "--title", "Ask the vendor", "--owner", "user:alice", "--due", "1h")
	r = b.orgo(t, "task", "list", "--mine", "--due")
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.out, "Ask the vendor")
	r = b.orgo(t, "task", "list", "--mine", "--due-by", "24h")
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.out, "Ask the vendor")
	r = b.orgo(t, "task", "list", "--mine", "--due-by", "1s")
	require.NotContains(t, r.out, "Ask the vendor")
	r = b.orgo(t, "case", "transition", c.CaseID, "--to", "COMPLETED", "--resolution", "asked")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "TASKS_OPEN")
	for _, args := range [][]string{
		{"task", "assign", task.TaskID, "--owner", "user:carol"}, {"task", "comment", task.TaskID, "--text", "on the phone"},
		{"task", "transition", task.TaskID, "--to", "COMPLETED", "--resolution", "asked"}, {"task", "get", task.TaskID}, {"case", "tasks", c.CaseID},
		{"case", "link", c.CaseID, "--ref", "url:https://example.org/7", "--note", "the list"}, {"case", "comment", c.CaseID, "--text", "nearly"},
		{"case", "assign", c.CaseID, "--owner", "team:operators,user:alice"}, {"case", "transition", c.CaseID, "--to", "COMPLETED", "--resolution", "asked"},
		{"case", "reopen", c.CaseID, "--reason", "again"}, {"case", "get", c.CaseID}, {"case", "list", "--mine", "--open"},
	} {
		r := b.orgo(t, args...)
		require.Zero(t, r.code, "%v: %s", args, r.err)
	}
	r = b.orgo(t, "case", "history", c.CaseID)
	require.Zero(t, r.code, r.err)
	for _, line := range []string{"case.opened", "task.assigned", "case.moved", "COMPLETED", "case.reopened", "again"} {
		require.Contains(t, r.out, line)
	}
}

// A command that says which version it has seen is refused if that is not the newest,
// and says what came after it; without, what it read first is what it has seen.
func TestAStaleCommandSaysWhatChanged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.opened(t)
	carol := b.As(t, apitest.TokenCarol)
	_, err := carol.ActOnCase(t.Context(), c.CaseID, client.MoveCase{To: cases.Blocked, Remark: client.Remark{Reason: "the vendor"}}, "")
	require.NoError(t, err)
	stale := []string{"case", "transition", c.CaseID, "--to", "CANCELLED", "--reason", "no", "--version", "1"}
	r := b.orgo(t, stale...)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "case.moved by carol: to BLOCKED (the vendor)")
	require.Contains(t, r.err, "to look at it: orgo case get "+c.CaseID)
	require.Contains(t, r.err, "VERSION_STALE")
	r = b.orgo(t, append(stale, "-o", "json")...)
	var problem client.Problem
	require.NoError(t, json.Unmarshal([]byte(r.err), &problem), r.err)
	require.Equal(t, "VERSION_STALE", problem.ReasonCode)
	require.NotEmpty(t, problem.Conflict.Changes)
	r = b.orgo(t, stale[:7]...)
	require.Zero(t, r.code, r.err)
	repeat := append(stale[:7:7], "--idempotency-key", "k")
	require.Equal(t, 1, b.orgo(t, repeat...).code, "it has ended")
}

func TestTheSameCommandIsTheSameAct(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.opened(t)
	command := []string{"case", "transition", c.CaseID, "--to", "CANCELLED", "--reason", "no", "--idempotency-key", "k"}
	for range 2 {
		r := b.orgo(t, command...)
		require.Zero(t, r.code, r.err)
	}
}

func TestCaseForms(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.opened(t)
	r := b.orgo(t, "case", "get", c.CaseID, "--format", "koa")
	require.Zero(t, r.code, r.err)
	require.NoError(t, schemas.ValidateKOACase([]byte(r.out)))
	r = b.orgo(t, "task", "get", c.Tasks[0].TaskID, "--format", "koa")
	require.Zero(t, r.code, r.err)
	require.NoError(t, schemas.ValidateKOATask([]byte(r.out)))
}

func TestCaseLines(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := t.TempDir()
	good := `{"source_reference":"T-1","type":"bug","summary":"It is wrong"}` + "\n"
	r := b.orgo(t, "case", "import", write(t, dir, "bad.jsonl", good+`{"type":"bug","summary":"s","colour":1}`), "--atomic")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.out, "bad.jsonl:2:")
	require.Contains(t, r.out, "0 cases opened, 0 were there, 0 had ended, 1 refused, 1 withheld")
	r = b.orgo(t, "case", "import", write(t, dir, "good.jsonl", good))
	require.Zero(t, r.code, r.err)
	out := filepath.Join(dir, "out.jsonl")
	r = b.orgo(t, "case", "export", "--open", "--out", out)
	require.Zero(t, r.code, r.err)
	lines, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(lines), "\n"))
	require.Equal(t, 2, b.orgo(t, "case", "export", "--out", out).code, "what is there is not written over")
	r = b.orgo(t, "case", "import", out)
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.out, "0 cases opened, 1 were there")
}

func TestCaseRouteAndBuild(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.orgo(t, "case", "route", "--cause", "build", "--code", "VALIDATION_FAILED", "--incident", "--explain")
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.out, "matches, and decides")
	build := b.start(t, apitest.Blocked)
	c := b.opened(t, "--ref", "build:"+build.BuildID)
	r = b.orgo(t, "case", "route", c.CaseID)
	require.Zero(t, r.code, r.err)
	require.NotContains(t, r.out, "matches, and decides")
	b.Builds.Next(apitest.Passed)
	var started client.CaseBuild
	b.must(t, &started, "case", "build", c.CaseID, "--reason", "the list is mended")
	require.Equal(t, "case/"+c.CaseID, started.Build.Trigger.SourceRef)
	b.must(t, &started, "case", "build", c.CaseID, "--input", "/data", "--reason", "others")
}

func TestManyCasesByCommand(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, second := b.opened(t), b.opened(t)
	bulk := []string{"case", "bulk", "--to", "cancelled", "--reason", "a drill", "--owner", "user:alice"}
	r := b.orgo(t, append(bulk, "--dry-run")...)
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.out, "2 would be moved, 0 refused")
	r = b.orgo(t, "case", "bulk", first.CaseID, noID, "--to", "CANCELLED", "--reason", "a drill")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.out, "NOT_FOUND")
	require.Contains(t, r.out, "1 were moved, 1 refused")
	r = b.orgo(t, bulk...)
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.out, second.CaseID)
	require.Equal(t, 2, b.orgo(t, "case", "bulk", "--to", "CANCELLED").code, "saying nothing is not all")
}

func TestBadUsageOfCases(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"case", "create"}, {"case", "create", "--type", "t", "--summary", "s", "--owner", "ann"}, {"case", "create", "--type", "t", "--summary", "s", "--ref", "build"},
		{"case", "get"}, {"case", "get", noID, "--format", "pdf"}, {"case", "list", "--due-by", "soon"}, {"case", "list", "--cause", "build"},
		{"case", "transition", noID}, {"case", "transition", noID, "--to", "DONE"}, {"case", "assign", noID}, {"case", "reopen", noID}, {"case", "link", noID},
		{"case", "comment", noID}, {"case", "import"}, {"case", "import", "/none/there"}, {"case", "route", "a", "b"}, {"case", "build", noID},
		{"case", "build", noID, "--reason", "r", "--policy", "p.yaml"}, {"case", "close", noID},
		{"task", "create"}, {"task", "create", "--case", noID, "--title", "t", "--owner", "x"}, {"task", "get"}, {"task", "list", "--owner", "ann"},
		{"task", "transition", noID, "--to", "ESCALATED"}, {"task", "assign", noID}, {"task", "comment", noID},
	} {
		r := run(t.Context(), append(args, "--url", "http://127.0.0.1:1")...)
		require.Equal(t, 2, r.code, "%v: %s", args, r.err)
		require.NotEmpty(t, r.err)
	}
	b := setup(t)
	for _, args := range [][]string{
		{"case", "get", noID}, {"case", "transition", noID, "--to", "OPEN"}, {"task", "get", noID}, {"case", "list", "--status", "DONE"},
		{"case", "route", "--code", "NO_SUCH_CODE"}, {"task", "create", "--case", noID, "--title", "t"},
	} {
		r := b.orgo(t, args...)
		require.Equal(t, 1, r.code, "%v", args)
		require.Contains(t, r.err, "reason: ")
	}
}

func TestAReviewIsFoundAsATask(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.opened(t)
	for _, step := range [][]string{{"--to", "IN_PROGRESS"}, {"--to", "WAITING_REVIEW", "--resolution", "asked"}} {
		r := b.orgo(t, append([]string{"case", "transition", c.CaseID}, step...)...)
		require.Zero(t, r.code, r.err)
	}
	var list client.TaskList
	b.must(t, &list, "task", "list", "--owner", "team:leads", "--due")
	require.Len(t, list.Tasks, 1)
	review := list.Tasks[0]
	require.Equal(t, cases.DecideReview, review.Decides)
	r := b.orgo(t, "task", "get", review.TaskID)
	require.Contains(t, r.out, "orgo case transition "+c.CaseID+" --to COMPLETED, or --to IN_PROGRESS --reason WHY to send it back")
	r = b.orgo(t, "task", "transition", review.TaskID, "--to", "COMPLETED", "--resolution", "done")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "INVALID_TRANSITION")
	require.Contains(t, r.err, "it is done by what becomes of the Case, which is WAITING_REVIEW")
	r = b.orgo(t, "case", "transition", c.CaseID, "--to", "IN_PROGRESS", "--reason", "ask again")
	require.Zero(t, r.code, r.err)
	r = b.orgo(t, "task", "get", review.TaskID)
	require.Contains(t, r.out, "sent back: ask again")
	require.NotContains(t, r.out, "done by")
}
