package gates_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/sequential"
	"github.com/initkoa/orgo/records"
)

func reproducibilitySubject() subject[gates.Repetitions] {
	return subject[gates.Repetitions]{
		gate: gates.GateReproducibility, stages: []records.Stage{records.Compile}, decide: gates.Reproducibility,
		sound: func(t *rapid.T, _ gates.Context) gates.Repetitions {
			recorded := rapid.IntRange(2, 4).Draw(t, "repetitions")
			r := gates.Repetitions{Recorded: &recorded}
			for i := range recorded {
				r.Repetitions = append(r.Repetitions, repetition(fmt.Sprintf("build %d", i)))
			}
			return r
		},
		faults: []fault[gates.Repetitions]{
			on(func(r *gates.Repetitions) []gates.Repetition { return r.Repetitions }, func(_ *rapid.T, r *gates.Repetition) { r.Identical = false }),
			on(func(r *gates.Repetitions) []gates.Repetition { return r.Repetitions }, func(_ *rapid.T, r *gates.Repetition) { r.Record = records.Digest{} }),
			{apply: func(t *rapid.T, _ gates.Context, r *gates.Repetitions) { without(&r.Repetitions)(t) }},
			in(func(r *gates.Repetitions) { r.Repetitions, *r.Recorded = nil, 0 }),
		},
		rules: []string{
			`determinism {"reproduced":1}`, `determinism {"reproduced":2}`,
			`cel {"gate":"reproducibility","expression":"reproduced < 90","message":"not too often","refuses":{"reproduced":90}}`,
		},
		repair: func(_ *gates.Context, r *gates.Repetitions, u gates.Unmet) bool {
			switch u.Code {
			case gates.EvidenceMissing:
				*r.Recorded = len(r.Repetitions)
			case gates.OutputNotReproduced: // what did not reproduce never will: it goes
				before := len(r.Repetitions)
				r.Repetitions = slices.DeleteFunc(r.Repetitions, func(of gates.Repetition) bool { return of.BuildID == u.Target })
				*r.Recorded += len(r.Repetitions) - before
			case gates.NotReproducedEnough:
				for i := range 2 {
					r.Repetitions = append(r.Repetitions, repetition(fmt.Sprintf("later build %d", i)))
					*r.Recorded++
				}
			default:
				return false
			}
			return true
		},
	}
}

func repetition(build string) gates.Repetition {
	return gates.Repetition{BuildID: build, Record: digest("record of " + build), Identical: true}
}

func compatibilitySubject() subject[gates.Compatibility] {
	version := func(t *rapid.T, major int) string {
		return fmt.Sprintf("%d.%d.0", major, rapid.IntRange(0, 9).Draw(t, "minor"))
	}
	candidate := func(apply func(*gates.PackVersion)) fault[gates.Compatibility] {
		return in(func(e *gates.Compatibility) {
			if e.Candidate != nil {
				apply(e.Candidate)
			}
		})
	}
	sound := gates.PackVersion{PackID: "pack", Version: "9.0.0", Format: "1.0.0"}
	return subject[gates.Compatibility]{
		gate: gates.GateCompatibility, stages: []records.Stage{records.Activate}, decide: gates.Compatible,
		sound: func(t *rapid.T, _ gates.Context) gates.Compatibility {
			e := gates.Compatibility{Candidate: &gates.PackVersion{PackID: "pack", Version: version(t, 5), Format: "1.0.0"}}
			if e.First = rapid.Bool().Draw(t, "first"); !e.First {
				e.Active = &gates.PackVersion{PackID: "pack", Version: version(t, 4), Format: "1.0.0"}
			}
			return e
		},
		faults: []fault[gates.Compatibility]{
			in(func(e *gates.Compatibility) { e.Candidate = nil }),
			in(func(e *gates.Compatibility) { e.Active = nil }),
			// Evidence that contradicts itself: without either half it is honest.
			{honest: true, apply: func(_ *rapid.T, _ gates.Context, e *gates.Compatibility) { e.First = !e.First }},
			candidate(func(p *gates.PackVersion) { p.Version = "1.2.3" }),
			candidate(func(p *gates.PackVersion) { p.Version = "latest" }),
			candidate(func(p *gates.PackVersion) { p.Format = "3.0.0" }),
			candidate(func(p *gates.PackVersion) { p.Format = "" }),
			candidate(func(p *gates.PackVersion) { p.PackID = "" }),
			in(func(e *gates.Compatibility) {
				if e.Active != nil {
					e.Active.Version = ""
				}
			}),
		},
		rules: []string{
			`compatibility {"downgrade":"refuse","format":"same_major"}`, `compatibility {"format":"same"}`,
			`compatibility {"downgrade":"admit","format":"any","min_version":"2.0.0"}`,
			`cel {"gate":"compatibility","expression":"version != \"6.6.6\"","message":"not that one","refuses":{"version":"6.6.6"}}`,
		},
		repair: func(_ *gates.Context, e *gates.Compatibility, u gates.Unmet) bool {
			switch u.Target {
			case "candidate":
				whole := sound
				if e.Active != nil && e.Active.Format != "" {
					whole.Format = e.Active.Format
				}
				e.Candidate = &whole
			case "active":
				switch {
				case e.Active == nil:
					e.First = true
				case e.First:
					e.First = false
				}
				if e.Active != nil && (e.Active.Version == "" || e.Active.Format == "") {
					whole := sound
					whole.Version = "0.0.1"
					if e.Candidate != nil && e.Candidate.Format != "" {
						whole.Format = e.Candidate.Format
					}
					e.Active = &whole
				}
			case "version":
				e.Candidate.Version = sound.Version
			case "format":
				e.Candidate.Format = e.Active.Format
			default:
				return false
			}
			return true
		},
	}
}

func votesOf(v *gates.Votes) []gates.Vote { return v.Votes }

// cast adds a vote that counts under every rule, and the record of it.
func cast(v *gates.Votes, roles ...string) {
	actor := fmt.Sprintf("approver %d", len(v.Votes))
	for slices.ContainsFunc(v.Votes, func(vote gates.Vote) bool { return vote.Actor == actor }) || actor == v.PolicyAuthor {
		actor += "+"
	}
	v.Votes = append(v.Votes, gates.Vote{Actor: actor, Roles: roles, Intent: v.Intent, Approve: true, At: at.Add(-time.Duration(len(v.Votes)) * time.Minute), ExpiresAt: at.Add(time.Hour)})
	*v.Recorded++
}

func approvalsSubject() subject[gates.Votes] {
	vote := func(apply func(*gates.Vote)) fault[gates.Votes] {
		return on(votesOf, func(_ *rapid.T, v *gates.Vote) { apply(v) })
	}
	return subject[gates.Votes]{
		gate: gates.GateApprovals, stages: []records.Stage{records.Activate}, decide: gates.Approvals,
		sound: func(t *rapid.T, _ gates.Context) gates.Votes {
			v := gates.Votes{Recorded: new(int), Intent: digest("intent"), Requester: "team/ann", Initiator: "ben"}
			if v.PolicyChanged = rapid.Bool().Draw(t, "changed"); v.PolicyChanged {
				v.PolicyAuthor = "cem"
			}
			for range rapid.IntRange(2, 4).Draw(t, "votes") {
				cast(&v, "legal", "owner")
			}
			return v
		},
		faults: []fault[gates.Votes]{
			in(func(v *gates.Votes) { v.Intent = records.Digest{} }),
			in(func(v *gates.Votes) { v.Intent = digest("another") }),
			in(func(v *gates.Votes) { v.Requester = "" }),
			in(func(v *gates.Votes) { v.Requester = "nobody" }),
			in(func(v *gates.Votes) { v.PolicyAuthor, v.PolicyChanged = "approver 0", true }),
			{apply: func(t *rapid.T, _ gates.Context, v *gates.Votes) { without(&v.Votes)(t) }},
			{apply: func(t *rapid.T, _ gates.Context, v *gates.Votes) {
				before := len(v.Votes)
				without(&v.Votes)(t)
				*v.Recorded += len(v.Votes) - before
			}},
			vote(func(v *gates.Vote) { v.Approve = false }),
			vote(func(v *gates.Vote) { v.Actor = "" }),
			vote(func(v *gates.Vote) { v.Actor = "team/ann" }),
			vote(func(v *gates.Vote) { v.Actor = "ben" }),
			vote(func(v *gates.Vote) { v.Roles = nil }),
			vote(func(v *gates.Vote) { v.Intent = digest("another") }),
			vote(func(v *gates.Vote) { v.Intent = records.Digest{} }),
			vote(func(v *gates.Vote) { v.At = at.Add(-time.Hour * 9000) }),
			vote(func(v *gates.Vote) { v.At = at.Add(time.Hour) }),
			vote(func(v *gates.Vote) { v.ExpiresAt = at }),
			vote(func(v *gates.Vote) { v.ExpiresAt = time.Time{} }),
		},
		rules: []string{
			`approvals {"solo":true}`, `approvals {"quorum":2,"roles":{"legal":1},"max_age":"24h"}`, `approvals {"quorum":1,"roles":{"legal":1,"owner":1},"max_age":"24h"}`,
			`cel {"gate":"approvals","expression":"requester.startsWith(\"team/\")","message":"a team asks","refuses":{"requester":"x"}}`,
		},
		repair: func(_ *gates.Context, v *gates.Votes, u gates.Unmet) bool {
			switch u.Code {
			case gates.EvidenceMissing:
				repairVotes(v)
			case gates.ApprovalRejected:
				before := len(v.Votes)
				v.Votes = slices.DeleteFunc(v.Votes, func(vote gates.Vote) bool {
					return vote.Actor == u.Target && vote.Intent == v.Intent && !vote.Approve
				})
				*v.Recorded += len(v.Votes) - before
			case gates.PolicyRuleRefused:
				v.Requester = "team/new"
			case gates.ApprovalsMissing:
				if u.Target == "quorum" {
					for len(approversOf(*v)) < 2 {
						cast(v)
					}
				} else {
					repairRole(v, strings.TrimPrefix(u.Target, "role "), u.Messages)
				}
			default:
				return false
			}
			return true
		},
	}
}

// approversOf returns the places of the first vote of everyone that counts.
func approversOf(v gates.Votes) []int {
	var places []int
	seen := map[string]bool{"": true, v.Requester: true, v.Initiator: true, v.PolicyAuthor: true}
	for i, vote := range v.Votes {
		if vote.Approve && vote.Intent == v.Intent && !seen[vote.Actor] && at.Sub(vote.At) >= 0 && at.Sub(vote.At) < 24*time.Hour && at.Before(vote.ExpiresAt) {
			places, seen[vote.Actor] = append(places, i), true
		}
	}
	return places
}

// repairRole lets as many with the role approve as the rules ask for: those who
// have approved already first.
func repairRole(v *gates.Votes, role string, messages []string) {
	wanted := 0
	for _, message := range messages {
		have, want := 0, 0
		if _, err := fmt.Sscanf(message, "%d of %d", &have, &want); err == nil {
			wanted = max(wanted, want)
		}
	}
	for len(approversOf(*v)) < wanted {
		cast(v)
	}
	for _, i := range approversOf(*v)[:wanted] {
		v.Votes[i].Roles = append(v.Votes[i].Roles, role)
	}
}

// repairVotes makes known what was not, in a way that decides nothing else: a vote
// of which something was lost was about another intent.
func repairVotes(v *gates.Votes) {
	if !v.Intent.Valid() {
		v.Intent = digest("intent, known again")
	}
	if v.Requester == "" {
		v.Requester = "team/known again"
	}
	for i := range v.Votes {
		if v.Votes[i].Actor == "" || !v.Votes[i].Intent.Valid() {
			v.Votes[i].Actor, v.Votes[i].Intent = fmt.Sprintf("voter %d", i), digest("something else")
		}
	}
	var once []gates.Vote
	for _, vote := range v.Votes {
		if !slices.ContainsFunc(once, func(other gates.Vote) bool { return other.Actor == vote.Actor && other.At.Equal(vote.At) }) {
			once = append(once, vote)
		}
	}
	v.Votes = once
	*v.Recorded = len(v.Votes)
	v.PolicyChanged = v.PolicyAuthor != ""
}

func healthSubject() subject[gates.Window] {
	metric := func(apply func(*gates.Metric)) fault[gates.Window] {
		return in(func(w *gates.Window) {
			for i := range w.Metrics {
				if w.Metrics[i].Name == w.Metrics[0].Name {
					apply(&w.Metrics[i])
				}
			}
		})
	}
	comparison := func(apply func(*gates.Comparison)) fault[gates.Window] {
		return metric(func(m *gates.Metric) {
			if m.Comparison != nil {
				changed := *m.Comparison // that of a double is its own
				apply(&changed)
				m.Comparison = &changed
			}
		})
	}
	return subject[gates.Window]{
		gate: gates.GateHealth, stages: []records.Stage{records.Activate}, decide: gates.Health,
		sound: func(t *rapid.T, _ gates.Context) gates.Window {
			w := gates.Window{Digest: digest("window"), ActivatedAt: at.Add(-time.Hour), From: at.Add(-time.Hour / 2), To: at.Add(-time.Minute), HeardSince: at.Add(-2 * time.Minute), Ended: true,
				Expected: rapid.Int64Range(20, 1000).Draw(t, "expected")}
			w.Reporting = w.Expected - rapid.Int64Range(0, 1).Draw(t, "silent")
			for _, name := range []string{"errors", "latency"} {
				value := rapid.Float64Range(0.01, 0.04).Draw(t, "value")
				w.Measured++
				m := wellMetric(name)
				m.Samples, m.Value = rapid.Int64Range(100, 200).Draw(t, "samples"), &value
				w.Metrics = append(w.Metrics, m)
			}
			return w
		},
		faults: []fault[gates.Window]{
			in(func(w *gates.Window) { w.Digest = records.Digest{} }),
			in(func(w *gates.Window) { w.Expected = 0 }),
			in(func(w *gates.Window) { w.Expected, w.Reporting = 5, 5 }),
			in(func(w *gates.Window) { w.Reporting = -1 }),
			in(func(w *gates.Window) { w.Reporting = 3 }),
			in(func(w *gates.Window) { w.Expected, w.Reporting = 1<<62, 1 }),
			in(func(w *gates.Window) { w.From = time.Time{} }),
			in(func(w *gates.Window) { w.To = at.Add(time.Hour) }),
			in(func(w *gates.Window) { w.To = at.Add(-25 * time.Minute) }),
			in(func(w *gates.Window) { w.From = w.To.Add(-time.Minute) }),
			in(func(w *gates.Window) { w.HeardSince = time.Time{} }),
			in(func(w *gates.Window) { w.HeardSince = at.Add(-4 * time.Minute) }),
			in(func(w *gates.Window) { w.HeardSince = at.Add(time.Minute) }),
			in(func(w *gates.Window) { w.Ended = false }),
			{apply: func(t *rapid.T, _ gates.Context, w *gates.Window) { without(&w.Metrics)(t) }},
			metric(func(m *gates.Metric) { m.Samples = 0 }),
			metric(func(m *gates.Metric) { m.Samples = 3 }),
			metric(func(m *gates.Metric) { m.Value = nil }),
			metric(func(m *gates.Metric) { bad := 0.9; m.Value = &bad }),
			metric(func(m *gates.Metric) { bad := -1.0; m.Value = &bad }),
			metric(func(m *gates.Metric) { m.FailedBefore = nil }),
			metric(func(m *gates.Metric) { m.FailedBefore = counted(-1) }),
			metric(func(m *gates.Metric) { m.FailedBefore = counted(1) }),
			metric(func(m *gates.Metric) { m.FailedBefore = counted(2) }),
			metric(func(m *gates.Metric) { m.FailedBefore = counted(9) }),
			metric(func(m *gates.Metric) { m.Comparison = nil }),
			comparison(func(c *gates.Comparison) { c.Before = sequential.State{} }),
			comparison(func(c *gates.Comparison) { c.Before = worseState() }),
			comparison(func(c *gates.Comparison) { c.Since = time.Time{} }),
			comparison(func(c *gates.Comparison) { c.Since = at.Add(-2 * time.Hour) }),
			comparison(func(c *gates.Comparison) { c.Canary.Failures = counted(c.Canary.Samples) }),
			comparison(func(c *gates.Comparison) { c.Canary.Failures = nil }),
			comparison(func(c *gates.Comparison) { c.Control.Failures = nil }),
			comparison(func(c *gates.Comparison) { c.Control.Failures = counted(-1) }),
			comparison(func(c *gates.Comparison) { c.Canary.Samples = 0 }),
			comparison(func(c *gates.Comparison) { c.Control.Samples, c.Control.Failures = 30, counted(1) }),
			comparison(func(c *gates.Comparison) { c.Control.Samples = 1 << 62 }),
			in(func(w *gates.Window) {
				if len(w.Metrics) > 0 {
					w.Metrics = append(slices.Clone(w.Metrics), w.Metrics[0])
					w.Measured++
				}
			}),
		},
		rules: []string{
			`rollout_health {"metrics":[{"name":"errors","max":0.05,"min":0,"min_samples":10}],"min_reporting_percent":80,"max_age":"5m"}`,
			`rollout_health {"metrics":[{"name":"latency","max":0.5,"min_samples":1},{"name":"errors","max":0.2,"min_samples":1}],"min_reporting_percent":50,"max_age":"10m"}`,
			`rollout_health {"metrics":[{"name":"errors","max":0.05,"min_samples":10,"max_consecutive_failures":2,"compare":{"alpha":"0.01","min_samples":50}}],"min_reporting_percent":80,"max_age":"5m","silence_budget":"3m","window":"20m"}`,
			`rollout_health {"metrics":[{"name":"latency","min_samples":1,"compare":{"alpha":"0.001","min_effect":"0.01","min_samples":1}},{"name":"errors","max":0.2,"min_samples":1,"max_consecutive_failures":1}],"min_reporting_percent":50,"max_age":"10m","on_deadline":"page"}`,
			`cel {"gate":"rollout-health","expression":"expected >= 10","message":"a cohort","refuses":{"expected":9}}`,
		},
		repair: func(_ *gates.Context, w *gates.Window, u gates.Unmet) bool {
			name, about := strings.CutPrefix(u.Target, "metric ")
			failed, streak := strings.CutPrefix(u.Target, "failures of ")
			compared, beside := strings.CutPrefix(u.Target, "comparison of ")
			switch {
			case streak:
				onMetric(w, failed, func(m *gates.Metric) { m.FailedBefore = counted(0) })
			case beside:
				onMetric(w, compared, func(m *gates.Metric) { m.Comparison = wellMetric(compared).Comparison })
			case u.Target == "length":
				w.From = w.To.Add(-25 * time.Minute)
			case u.Target == "silence":
				w.HeardSince = at.Add(-2 * time.Minute)
			case about:
				repairMetric(w, name, u.Code)
			case u.Target == "metrics":
				if len(w.Metrics) == 0 {
					repairMetric(w, "errors", gates.MetricNoData)
					repairMetric(w, "latency", gates.MetricNoData)
				}
				w.Measured = len(w.Metrics)
			case u.Target == "window":
				w.Digest = digest("window")
				if w.Expected <= 0 {
					w.Expected = 1 // a cohort, and no more than that
				}
				if w.Expected > 1<<53 {
					w.Expected, w.Reporting = 100, 100
				}
				if w.Reporting <= 0 || w.Reporting > w.Expected {
					w.Reporting = w.Expected
				}
			case u.Target == "time":
				w.ActivatedAt, w.From, w.To = at.Add(-time.Hour), at.Add(-time.Hour/2), at.Add(-time.Minute)
			case u.Target == "analysis":
				w.Ended = true
			case u.Target == "reporting":
				w.Reporting = w.Expected
			case u.Code == gates.PolicyRuleRefused: // ten times as many, and as many of them silent
				w.Expected, w.Reporting = w.Expected*10, w.Reporting*10
			default:
				return false
			}
			return true
		},
	}
}

func counted(n int64) *int64 { return &n }

// wellMetric returns a metric that no rule objects to, but for its value.
func wellMetric(name string) gates.Metric {
	return gates.Metric{Name: name, Samples: 100, FailedBefore: counted(0), Comparison: &gates.Comparison{
		Since: at.Add(-time.Hour), Before: sequential.Start(),
		Canary: gates.Counts{Samples: 100, Failures: counted(2)}, Control: gates.Counts{Samples: 9_900, Failures: counted(198)}}}
}

// worseState is that of a canary which was found to be worse, before as many came
// that were well.
func worseState() sequential.State {
	state, err := sequential.Start().Look(sequential.Counts{Samples: 1, Failures: 0}, sequential.Counts{Samples: 100, Failures: 0})
	for i := range int64(2) {
		if err == nil {
			state, err = state.Look(sequential.Counts{Samples: 2 + i, Failures: 1 + i}, sequential.Counts{Samples: 1_000 * (i + 1), Failures: 0})
		}
	}
	if err != nil {
		panic(err)
	}
	return state
}

func onMetric(w *gates.Window, name string, apply func(*gates.Metric)) {
	for i := range w.Metrics {
		if w.Metrics[i].Name == name {
			apply(&w.Metrics[i])
		}
	}
}

func repairMetric(w *gates.Window, name string, code gates.Code) {
	value := 0.03
	is := func(m gates.Metric) bool { return m.Name == name }
	if code == gates.EvidenceMissing {
		for i := len(w.Metrics) - 1; i >= 0; i-- {
			if is(w.Metrics[i]) && slices.IndexFunc(w.Metrics, is) != i {
				w.Metrics = slices.Delete(w.Metrics, i, i+1)
				w.Measured--
			}
		}
		return
	}
	if !slices.ContainsFunc(w.Metrics, is) {
		m := wellMetric(name)
		m.Samples = 0
		w.Metrics = append(w.Metrics, m)
		w.Measured++
	}
	for i := range w.Metrics {
		m := &w.Metrics[i]
		switch {
		case !is(*m):
		case code == gates.MetricNoData && m.Samples <= 0:
			m.Value, m.Samples = &value, 100
		case code == gates.MetricTooFewSamples:
			m.Samples = 100
		default:
			m.Value = &value
		}
	}
}

func freezeSubject() subject[gates.Action] {
	window := func(from, to time.Duration) string {
		return fmt.Sprintf(`{"from":%q,"to":%q,"reason":"holidays"}`, at.Add(from).Format(time.RFC3339), at.Add(to).Format(time.RFC3339))
	}
	return subject[gates.Action]{
		gate: gates.GateFreeze, stages: []records.Stage{records.Activate}, decide: gates.Freeze,
		// What contains a fault is sound in a freeze too.
		sound: func(t *rapid.T, _ gates.Context) gates.Action {
			return gates.Action{Kind: rapid.SampledFrom([]string{gates.ActionRollback, gates.ActionRevoke, gates.ActionAbort, gates.ActionHold}).Draw(t, "action")}
		},
		faults: []fault[gates.Action]{
			in(func(a *gates.Action) { a.Kind = gates.ActionPromote }),
			in(func(a *gates.Action) { a.Kind = "" }),
			in(func(a *gates.Action) { a.Kind = "paint" }),
		},
		rules: []string{
			`freeze_window {"windows":[` + window(-time.Hour, time.Hour) + `,` + window(time.Hour, 2*time.Hour) + `]}`,
			`freeze_window {"windows":[` + window(-time.Hour, 3*time.Hour) + `,` + window(-time.Minute, time.Minute) + `]}`,
			`freeze_window {"windows":[` + window(2*time.Hour, 5*time.Hour) + `]}`,
			`freeze_window {"windows":[{"rrule":"FREQ=DAILY","start":"2026-03-01T12:30:00","duration":"20h","time_zone":"Europe/Berlin","reason":"nights"}]}`,
			`freeze_window {"windows":[{"rrule":"FREQ=WEEKLY;BYDAY=SA,SU","start":"2026-02-28T00:00:00","duration":"24h","time_zone":"Asia/Tokyo","reason":"weekends"}]}`,
			`cel {"gate":"freeze","expression":"action != \"burn\"","message":"no fire","refuses":{"action":"burn"}}`,
		},
		repair: func(c *gates.Context, a *gates.Action, u gates.Unmet) bool {
			switch u.Code {
			case gates.EvidenceMissing:
				a.Kind = gates.ActionPromote
			case gates.ChannelFrozen:
				c.At = *u.Earliest
			default:
				return false
			}
			return true
		},
	}
}
