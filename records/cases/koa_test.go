package cases_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/schemas"
)

// interop writes a form as it is exported.
func interop(t *testing.T, form any) []byte {
	t.Helper()
	document, err := json.Marshal(form)
	require.NoError(t, err)
	return document
}

func policy(r *cases.Route) {
	digest := records.DigestOf([]byte("policy"))
	r.Policy, r.Severity = &digest, "SEV2"
}

func TestEveryStateOfACaseFitsTheInteropForm(t *testing.T) {
	t.Parallel()
	bare := func(r *cases.Route) { r.RespondWithin, r.ResolveWithin, r.Escalation = 0, 0, nil }
	for _, status := range cases.Statuses() {
		for _, change := range []func(*cases.Route){nil, policy, bare} {
			h := caseIn(t, status, change)
			koa := h.KOA(h.audit)
			require.NoError(t, schemas.ValidateKOACase(interop(t, koa)), "%s", status)
			require.Equal(t, status, koa.Status)
			require.Len(t, koa.Audit, int(h.Version), "every transition is there")
		}
	}
	h := opened(t, policy)
	require.NoError(t, h.do(cases.TypeLinked, "ann", "see there", cases.Linked{Ref: cases.Ref{Type: "url", Ref: "https://example.org", Note: "the vendor"}}))
	h.escalate()
	koa := h.KOA(h.audit)
	require.NoError(t, schemas.ValidateKOACase(interop(t, koa)))
	require.Equal(t, []string{h.Tasks[0].TaskID}, koa.Tasks)
	require.Equal(t, "any", koa.PolicyContext.PolicyRefs[0])
	require.Equal(t, began.Add(8*time.Hour), *koa.DueAt)
	require.Equal(t, cases.KOATimes{ResponseDueAt: began.Add(time.Hour), ResolveDueAt: began.Add(8 * time.Hour)}, *koa.SLA)
	require.Equal(t, []cases.KOAActor{{Kind: "service", ID: "orgo"}, {Kind: "user", ID: "ann"}, {Kind: "service", ID: "orgo"}},
		[]cases.KOAActor{koa.Audit[0].Actor, koa.Audit[1].Actor, koa.Audit[2].Actor})
	require.Equal(t, "see there", koa.Audit[1].Reason)
}

func TestEveryStateOfATaskFitsTheInteropForm(t *testing.T) {
	t.Parallel()
	for _, status := range cases.TaskStatuses() {
		for _, owner := range []cases.Owner{ops, lead, {Kind: cases.Service, ID: "bot"}} {
			h := taskIn(t, status)
			h.Tasks[0].Owner = owner
			koa := h.KOATask(h.Tasks[0])
			require.NoError(t, schemas.ValidateKOATask(interop(t, koa)), "%s", status)
			require.Equal(t, status, koa.Status)
			require.Equal(t, status.Terminal(), koa.ClosedAt != nil)
			require.Equal(t, owner.ID, koa.OwnerRole+koa.OwnerUser)
			require.Equal(t, owner.Kind == cases.User, koa.OwnerUser != "")
			require.Equal(t, "PT1H", koa.ReactivityTime)
		}
	}
	h := opened(t, nil)
	require.NoError(t, h.move("ann", "the vendor", cases.Blocked, ""))
	h.after(time.Hour)
	require.NoError(t, h.move("ann", "", cases.InProgress, ""))
	h.escalate()
	koa := h.KOATask(h.Tasks[0])
	require.Equal(t, "PT1H", koa.ReactivityTime, "without pauses")
	require.Equal(t, began.Add(2*time.Hour), *koa.ReactivityDeadlineAt, "with them")
	require.Equal(t, 1, koa.EscalationLevel)
}

func TestSeveritiesAndVisibilitiesOfTasks(t *testing.T) {
	t.Parallel()
	for severity, want := range map[string]string{"": "MINOR", "SEV1": "CRITICAL", "SEV2": "MAJOR", "SEV3": "MODERATE", "SEV4": "MINOR"} {
		h := opened(t, func(r *cases.Route) { r.Severity = severity })
		require.Equal(t, want, h.KOATask(h.Tasks[0]).Severity)
	}
	for _, v := range cases.Visibilities() {
		h := opened(t, func(r *cases.Route) { r.Visibility = v })
		koa := h.KOATask(h.Tasks[0])
		require.Equal(t, map[cases.Visibility]string{"INTERNAL": "INTERNAL", "PRIVATE": "RESTRICTED", "PUBLIC": "PUBLIC"}[v], koa.Visibility)
		require.NoError(t, schemas.ValidateKOATask(interop(t, koa)))
		require.NoError(t, schemas.ValidateKOACase(interop(t, h.KOA(nil))))
	}
}

func TestDurationsOfTasks(t *testing.T) {
	t.Parallel()
	for span, want := range map[time.Duration]string{
		0: "", time.Nanosecond: "PT1S", 90 * time.Second: "PT1M30S", 36 * time.Hour: "PT36H", time.Hour + time.Second: "PT1H0M1S",
		time.Hour + 15*time.Minute: "PT1H15M", 1500 * time.Millisecond: "PT2S", 30 * time.Minute: "PT30M",
	} {
		h := opened(t, func(r *cases.Route) { r.Tasks[0].ReactWithin = records.Duration(span) })
		koa := h.KOATask(h.Tasks[0])
		require.Equal(t, want, koa.ReactivityTime)
		require.NoError(t, schemas.ValidateKOATask(interop(t, koa)))
	}
}

// full are a Case and a Task in which every member is there that Orgo writes.
func full(t *testing.T) (caseForm, taskForm map[string]any) {
	h := opened(t, policy)
	require.NoError(t, h.do(cases.TypeLinked, "ann", "see there", cases.Linked{Ref: cases.Ref{Type: "url", Ref: "u", Note: "n"}}))
	require.NoError(t, h.task("ann", "", cases.TaskCompleted, "done"))
	h.Tags, h.Description, h.Owners[0].Display = []string{"a"}, "d", "Operations"
	h.Tasks[0].Description, h.Tasks[0].CreatedBy = "d", "ann"
	require.NoError(t, json.Unmarshal(interop(t, h.KOA(h.audit)), &caseForm))
	require.NoError(t, json.Unmarshal(interop(t, h.KOATask(h.Tasks[0])), &taskForm))
	return caseForm, taskForm
}

// objects calls f with every object of a document that is not open, after which it is
// as before.
func objects(value any, at string, f func(object map[string]any, at string)) {
	switch v := value.(type) {
	case map[string]any:
		f(v, at)
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if key != "data" && key != "metadata" {
				objects(v[key], at+"/"+key, f)
			}
		}
	case []any:
		for _, element := range v {
			objects(element, at+"/*", f)
		}
	}
}

// Planted faults: a key more at any level, one of those that must be there less, and a
// value that is none.
func TestWhatTheInteropFormDoesNotHaveIsRefused(t *testing.T) {
	t.Parallel()
	caseForm, taskForm := full(t)
	for name, c := range map[string]struct {
		form     map[string]any
		validate func([]byte) error
		objects  int
		must     string
		wrong    map[string]any
	}{
		"case": {caseForm, schemas.ValidateKOACase, 12, "case_id organization_id source type category label status priority visibility owners created_at updated_at",
			map[string]any{"case_id": "1", "organization_id": "acme", "status": "ESCALATED", "visibility": "RESTRICTED", "label": "Ops", "owners": []any{},
				"created_at": "2026-11-28T09:00:00+01:00", "tasks": []any{"1"}, "due_at": "soon", "sla": map[string]any{"response_due_at": "2026-11-28T09:00:00Z"}}},
		"task": {taskForm, schemas.ValidateKOATask, 1, "task_id organization_id source type category label status priority severity visibility created_at updated_at",
			map[string]any{"task_id": "1", "organization_id": "acme", "source": "phone", "category": "other", "status": "OPEN", "priority": "P0", "severity": "SEV1",
				"visibility": "PRIVATE", "label": "1000.Ops", "title": strings.Repeat("t", 513), "reactivity_time": "1h", "escalation_level": -1, "case_id": "1", "closed_at": "2026-11-28"}},
	} {
		require.NoError(t, c.validate(interop(t, c.form)), name)
		seen := 0
		objects(c.form, "", func(object map[string]any, at string) {
			seen++
			object["stray"] = 1
			require.Error(t, c.validate(interop(t, c.form)), "%s: a key more at %s", name, at)
			delete(object, "stray")
		})
		require.GreaterOrEqual(t, seen, c.objects, "%s: every level was tried", name)
		for _, key := range strings.Fields(c.must) {
			had, there := c.form[key]
			require.True(t, there, key)
			delete(c.form, key)
			require.Error(t, c.validate(interop(t, c.form)), "%s without %s", name, key)
			c.form[key] = had
		}
		for key, value := range c.wrong {
			had, there := c.form[key]
			require.True(t, there, "%s has no %s", name, key)
			c.form[key] = value
			require.Error(t, c.validate(interop(t, c.form)), "%s: %s = %v", name, key, value)
			c.form[key] = had
		}
		require.NoError(t, c.validate(interop(t, c.form)), "it is as it was")
	}
	taskForm["case_id"] = nil
	require.NoError(t, schemas.ValidateKOATask(interop(t, taskForm)), "a Task elsewhere may have no Case")
	owner := caseForm["owners"].([]any)[0].(map[string]any)
	owner["kind"] = "robot"
	require.Error(t, schemas.ValidateKOACase(interop(t, caseForm)))
	owner["kind"] = "team"
	caseForm["audit"].([]any)[0].(map[string]any)["actor"].(map[string]any)["kind"] = "team"
	require.Error(t, schemas.ValidateKOACase(interop(t, caseForm)), "a team does nothing")
}
