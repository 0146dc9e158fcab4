package workflows_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	enumspb "go.temporal.io/api/enums/v1"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/index"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/telemetry"
	"github.com/initkoa/orgo/workflows"
)

// A world is everything around the workflow of one release: a store in memory, a
// channel that is the real machine (rollout.Record.Take), a target, nodes that report,
// and operators. It goes wrong where its seed says so, and knows what is true.
type world struct {
	mu    sync.Mutex
	name  string // its seed, and which branches led to it
	env   *testsuite.TestWorkflowEnvironment
	ended bool // nothing more is to be seen

	past
	manner
	seen     coverage
	breaches []string
	moves    int // forward, each of which the oracle has looked at

	branches int // how many others branch off it where any do; 0: none
	branched int // how many did
}

// manner is how a world differs from others by what a test wants of it.
type manner struct {
	lie     lie
	calm    bool        // no operator does anything
	renders stageDouble // what does render, where it is not what does it well
	pins    func() releases.Pinned
	mute    bool          // nobody says that the channel told something
	length  time.Duration // of the history; 0: horizon
	every   func()        // is called at every tick
}

// past is what happened in a world, and what is under way.
type past struct {
	seed  uint64
	clock time.Time         // when its newest run ended
	ahead []*happening      // what is under way
	calls map[string]uint64 // how often was drawn, by what for

	entries  map[records.Subject][]records.Entry // the sequence is the place, from 1
	byID     map[string]records.Digest
	newest   json.RawMessage // version of the record
	outlined *outline        // of that, once it is looked at
	phase    string          // of the release
	channel  rollout.Record
	told     map[string]records.CommandOutcome

	request  release.Request
	solo     bool
	bad      time.Duration  // from when the pack fails, since the start; 0: never
	rate     int            // faults in a thousand calls
	restless int            // how often operators do something
	last     map[string]any // newest result of what is asked

	samples    []telemetry.Stored
	votes      map[string]records.Digest // who really approved what
	truth      map[records.Digest]window // the windows that samples made
	confirmed  map[records.Digest]bool   // of those, what Again has said
	sent       map[string]telemetry.Window
	decisions  []gates.Decision
	soaksFirst bool // the move that is looked at begins to soak
	after      int  // ticks since it closed
}

type window struct{ bad bool }

// lie is a fault that is planted: the world then does what the real one does not, and
// the oracle has to see what comes of it.
type lie string

const (
	honest      lie = ""
	echo        lie = "windows are not made again"            // Again returns what it is asked about
	undecided   lie = "decisions are not recorded"            // Commit leaves them out
	blind       lie = "the channel does not look at warrants" // every permit says PASS
	secondhand  lie = "the evidence is not what was found"    // Check says that bad artifacts are good
	ballotStuff lie = "votes are made up"
)

const releaseID = "r1"

var (
	main0      = records.ChannelName{Environment: "production", Name: "main"}
	worldStart = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	requester  = "rita"
)

// fault is one way in which a call or a message goes wrong.
type fault string

const (
	timeout       fault = "timeout"
	unavailable   fault = "5xx"
	final         fault = "final"
	malformed     fault = "malformed"
	empty         fault = "empty"
	notANumber    fault = "NaN"
	stale         fault = "stale"
	duplicate     fault = "duplicate"
	reordered     fault = "reordered"
	late          fault = "late"
	lost          fault = "lost"
	forged        fault = "forged"
	contradictory fault = "contradictory"
	wrong         fault = "wrong"
)

// faultsOf says what can go wrong with which call. A store that says that it wrote what
// it did not is none: then there is nothing to decide by.
var faultsOf = map[string][]fault{
	workflows.ActivityLoad:       {timeout, unavailable, stale, empty},
	workflows.ActivityInbox:      {timeout, unavailable, stale, empty, duplicate, reordered},
	workflows.ActivityCommit:     {timeout, unavailable, duplicate},
	workflows.ActivityCheck:      {timeout, unavailable, final, malformed, empty, stale, wrong, forged},
	workflows.ActivityFreeze:     {timeout, unavailable, final, malformed, empty},
	workflows.ActivityPinRelease: {timeout, unavailable, final, malformed, empty},
	workflows.ActivityDistribute: {timeout, unavailable, final, malformed, empty},
	workflows.ActivityRender:     {timeout, unavailable, final, malformed, empty},
	workflows.ActivityAttempts:   {timeout, unavailable},
	workflows.ActivitySample:     {timeout, unavailable, final, empty},
	workflows.ActivityAttest:     {timeout, unavailable},
	workflows.ActivityVerify:     {timeout, unavailable, final, malformed, empty, wrong},
	workflows.ActivityAgain:      {timeout, unavailable, final, malformed, empty, notANumber, stale},
	workflows.ActivityAsk:        {timeout, unavailable, malformed, empty, stale, duplicate},
	"signal":                     {empty, notANumber, malformed, stale, duplicate, reordered, late, lost, forged, contradictory, wrong},
	"told":                       {late, lost, duplicate, forged},
	"published":                  {late, lost, wrong, stale},
	"vote":                       {forged, wrong, late},
}

func newWorld(seed uint64, rate int, plant lie) *world {
	w := &world{name: fmt.Sprint(seed), manner: manner{lie: plant}, seen: newCoverage(), past: past{
		seed: seed, clock: worldStart, rate: rate, restless: 1, calls: map[string]uint64{},
		entries: map[records.Subject][]records.Entry{}, byID: map[string]records.Digest{}, told: map[string]records.CommandOutcome{}, last: map[string]any{},
		votes: map[string]records.Digest{}, truth: map[records.Digest]window{}, confirmed: map[records.Digest]bool{}, sent: map[string]telemetry.Window{},
	}}
	w.channel = rollout.NewRecord(organization, main0)
	w.solo = w.chance("solo", 500)
	switch w.pick("health", 4) {
	case 0:
		w.bad = time.Second
	case 1:
		w.bad = time.Duration(20+w.pick("health", 100)) * time.Second
	}
	w.request = release.Request{
		ReleaseID: releaseID, IdempotencyKey: "k", BuildID: "build-1", Channel: main0, Version: fact.pack.Version,
		Strategy: release.Strategy{
			Mode: release.Staged, Cohorts: []release.Portion{{Cohort: "a", Points: 1000}, {Cohort: "b", Points: 9000}},
			Stages:  []release.Stage{{Name: "one", Cohorts: []string{"a"}, Manual: w.chance("manual", 200)}, {Name: "two", Cohorts: []string{"b"}}},
			Observe: records.Duration(6 * time.Second), Deadline: records.Duration(45 * time.Second), Soak: records.Duration(6 * time.Second),
		},
	}
	if w.chance("one stage", 300) {
		w.request.Strategy.Stages = []release.Stage{{Name: "all", Cohorts: []string{"a", "b"}}}
	}
	w.append(w.entry(release.TypeRequested, records.ReleaseSubject(releaseID), requester, "requested", w.request))
	w.later(tick, (*world).tick)
	return w
}

// pick draws a number below n: always the same for the same place, whatever runs beside.
func (w *world) pick(place string, n int) int {
	w.calls[place]++
	h := fnv.New64a()
	var buffer [16]byte
	binary.LittleEndian.PutUint64(buffer[:8], w.seed)
	binary.LittleEndian.PutUint64(buffer[8:], w.calls[place])
	h.Write(buffer[:])
	h.Write([]byte(place))
	mixed := h.Sum64()
	mixed ^= mixed >> 29
	mixed *= 0xbf58476d1ce4e5b9
	mixed ^= mixed >> 32
	return int(mixed % uint64(n))
}

func (w *world) chance(place string, inThousand int) bool { return w.pick(place, 1000) < inThousand }

// draws draws a fault of a call. Whoever then does it counts it.
func (w *world) draws(call string) fault {
	kinds := faultsOf[call]
	w.seen.called(w.phase, call, w.rate)
	if !w.chance(call, w.rate) {
		return ""
	}
	return kinds[w.pick(call+" kind", len(kinds))]
}

// goesWrong draws a fault of a call that can have each at any time.
func (w *world) goesWrong(call string) fault {
	f := w.draws(call)
	w.seen.hit(w.phase, call, f)
	return f
}

func (w *world) now() time.Time {
	if w.env == nil {
		return w.clock
	}
	return w.env.Now().UTC()
}

func (w *world) entry(typ string, subject records.Subject, actor, key string, body any) records.Entry {
	entry, err := records.NewEntry(records.Entry{
		Organization: organization, Kind: records.KindEvent, Type: typ, Subject: subject, At: w.now(), Actor: actor, Reason: "because",
	}, key, body)
	if err != nil {
		panic(err)
	}
	return entry
}

// append is the store's: all or none, each entry once.
func (w *world) append(entries ...records.Entry) (conflict bool) {
	for _, e := range entries {
		if digest, there := w.byID[e.ID]; there && digest != e.Digest {
			return true
		}
	}
	for _, e := range entries {
		if _, there := w.byID[e.ID]; there {
			continue
		}
		w.byID[e.ID] = e.Digest
		w.entries[e.Subject] = append(w.entries[e.Subject], e)
	}
	return false
}

// serve makes an activity that goes wrong as the seed says.
func serve[I, O any](w *world, name string, do func(I) (O, error)) func(context.Context, I) (any, error) {
	return func(_ context.Context, in I) (any, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		var none O
		phase, f := w.phase, w.draws(name)
		switch f {
		case stale: // only where there is something older
			before, there := w.last[question(name, in)]
			if !there {
				break
			}
			w.seen.hit(phase, name, f)
			return before, nil
		case duplicate, wrong, forged, reordered:
			if f == duplicate {
				_, _ = do(in)
			}
			out, err := do(in)
			if canSpoil(any(out), f) {
				w.seen.hit(phase, name, f)
			}
			return w.spoil(any(out), f), err
		default:
			w.seen.hit(phase, name, f)
		}
		switch f {
		case timeout, unavailable:
			if w.chance(name+" was done", 500) {
				_, _ = do(in) // and nobody hears of it
			}
			if f == timeout {
				return nil, temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_START_TO_CLOSE, nil)
			}
			return nil, errors.New("503 service unavailable")
		case final:
			return nil, temporal.NewNonRetryableApplicationError("gone", string(gates.ArtifactMissing), nil,
				activities.FailureDetail{Code: gates.ArtifactMissing, Message: "gone"})
		case malformed:
			return []string{"not", "that"}, nil
		case empty:
			return none, nil
		case notANumber:
			return map[string]any{"sequence": "NaN", "metrics": map[string]any{"execution": map[string]any{"samples": "NaN"}}}, nil
		}
		out, err := do(in)
		w.last[question(name, in)] = out
		for _, f := range faultsOf[name] {
			if !canSpoil(any(out), f) {
				w.seen.idles(phase, name, f, w.rate)
			}
		}
		return out, err
	}
}

// question names what a call asks for: an older answer is one to the same.
func question(name string, in any) string {
	if load, is := in.(releases.LoadInput); is {
		return name + " " + load.Subject.Kind
	}
	return name
}

// canSpoil says whether the fault changes anything: an empty inbox has no other order.
func canSpoil(out any, f fault) bool {
	inbox, is := out.(releases.Messages)
	switch {
	case !is:
		return true
	case f == duplicate:
		return len(inbox.Messages) > 0
	case f == reordered:
		return len(inbox.Messages) > 1
	default:
		return true
	}
}

// spoil changes a result into one that is plausible and not true.
func (w *world) spoil(out any, f fault) any {
	switch r := out.(type) {
	case releases.Messages:
		if r.Messages = slices.Clone(r.Messages); f == duplicate {
			r.Messages = append(r.Messages, r.Messages...)
		} else {
			slices.Reverse(r.Messages)
		}
		return r
	case releases.Verified:
		r.Problems = []releases.Problem{{Code: gates.PackUnverified, Message: "at the target"}}
		return r
	case releases.Checked:
		r.Evidence.Outputs = slices.Clone(r.Evidence.Outputs)
		kinds := 3
		if w.outline().Intent != nil && w.phase != string(rollout.PhaseChecking) {
			kinds = 5 // what is checked first is what is then approved
		}
		switch w.pick("spoil", kinds) {
		case 0: // other bytes
			r.Evidence.Outputs[0].Found = records.DigestOf([]byte("other"))
		case 1: // one output less
			r.Evidence.Outputs = r.Evidence.Outputs[1:]
		case 2: // no policy
			r.Policy, r.PolicyRef = nil, nil
			if f == wrong {
				r.Problems = append(r.Problems, releases.Problem{Code: gates.PolicyInvalid, Message: "gone"})
			}
		case 3: // another policy, which asks for nothing that matters
			r.Policy, r.PolicyRef = &fact.lenient, &records.Ref{Digest: fact.lenient.Digest}
		case 4: // of another pack
			r.Digest = records.DigestOf([]byte("another pack"))
		}
		return r
	default:
		return out
	}
}

// register lets the environment's workflow call this world.
func (w *world) register(env *testsuite.TestWorkflowEnvironment) {
	for name, function := range map[string]any{
		workflows.ActivityLoad:   serve(w, workflows.ActivityLoad, w.load),
		workflows.ActivityInbox:  serve(w, workflows.ActivityInbox, w.inbox),
		workflows.ActivityCommit: serve(w, workflows.ActivityCommit, w.commit),
		workflows.ActivityCheck:  serve(w, workflows.ActivityCheck, w.check),
		workflows.ActivityFreeze: serve(w, workflows.ActivityFreeze, w.freeze),
		workflows.ActivityVerify: serve(w, workflows.ActivityVerify, w.verify),
		workflows.ActivityAgain:  serve(w, workflows.ActivityAgain, w.makeAgain),
		workflows.ActivityAsk:    serve(w, workflows.ActivityAsk, w.ask),
		workflows.ActivitySample: serve(w, workflows.ActivitySample, func(releases.SampleInput) (releases.Sampled, error) {
			return releases.Sampled{}, nil // its nodes tell by themselves
		}),
		workflows.ActivityAttest: serve(w, workflows.ActivityAttest, func(releases.AttestInput) (struct{}, error) { return struct{}{}, nil }),
		workflows.ActivityPinRelease: serve(w, workflows.ActivityPinRelease, func(releases.PinInput) (releases.Pinned, error) {
			if w.pins != nil {
				return w.pins(), nil
			}
			return releases.Pinned{Stages: fact.pinned}, nil
		}),
		workflows.ActivityDistribute: serve(w, workflows.ActivityDistribute, yields(records.OutRuntimePackManifest)),
		workflows.ActivityRender: serve(w, workflows.ActivityRender, func(in releases.StageInput) (records.StageFinished, error) {
			if w.renders != nil {
				return w.renders(in)
			}
			if w.chance("slow rendering", 300) {
				return records.StageFinished{}, temporal.NewApplicationErrorWithOptions("not yet", string(gates.RunnerUnavailable),
					temporal.ApplicationErrorOptions{NextRetryDelay: 20 * time.Second})
			}
			return yields(records.OutRendered, records.OutTrace)(in)
		}),
		workflows.ActivityAttempts: serve(w, workflows.ActivityAttempts, func(releases.AttemptsInput) ([]records.AttemptRecord, error) {
			return nil, nil
		}),
	} {
		env.RegisterActivityWithOptions(function, activity.RegisterOptions{Name: name})
	}
}

// stageDouble does a stage of a release.
type stageDouble func(releases.StageInput) (records.StageFinished, error)

// yields is a stage that does what it is to do.
func yields(names ...string) stageDouble {
	return func(in releases.StageInput) (records.StageFinished, error) {
		finished := records.StageFinished{Key: string(in.Pinned.Stage), Inputs: release.SpineInputs(in.Pack)}
		for _, name := range names {
			finished.Outputs = append(finished.Outputs, records.Artifact{Name: name, Ref: records.Ref{Digest: records.DigestOf([]byte(name))}})
		}
		return finished, nil
	}
}

func (w *world) load(in releases.LoadInput) (releases.Loaded, error) {
	if in.Subject.Kind == records.SubjectChannel {
		body, err := json.Marshal(w.channel)
		return releases.Loaded{Found: len(w.entries[in.Subject]) > 0, Version: 1, Body: body}, err
	}
	for _, e := range slices.Backward(w.entries[in.Subject]) {
		if e.Type == records.TypeRecordWritten {
			return releases.Loaded{Found: true, Version: w.outline().Version, Body: e.Body}, nil
		}
	}
	return releases.Loaded{}, nil
}

func (w *world) inbox(in releases.InboxInput) (releases.Messages, error) {
	messages := releases.Messages{Messages: []releases.Message{}}
	asks := []string{records.TypeActionRequested, records.TypeActionAsked, release.TypeTold, release.TypeRequested}
	for i, e := range w.entries[in.Subject] {
		if int64(i) < in.After || !slices.Contains(asks, e.Type) {
			continue
		}
		if len(messages.Messages) == in.Limit {
			messages.More = true
			break
		}
		messages.Messages = append(messages.Messages, releases.Message{Sequence: int64(i + 1), ID: e.ID, Type: e.Type, Actor: e.Actor, Reason: e.Reason, At: e.At, Body: e.Body})
	}
	return messages, nil
}

func (w *world) commit(in releases.CommitInput) (releases.Committed, error) {
	entries := in.Entries
	if w.lie == undecided {
		entries = slices.DeleteFunc(slices.Clone(entries), func(e records.Entry) bool { return e.Kind == records.KindDecision })
	}
	fresh := slices.DeleteFunc(slices.Clone(entries), func(e records.Entry) bool { _, there := w.byID[e.ID]; return there })
	if w.append(entries...) {
		return releases.Committed{Conflict: true}, nil
	}
	w.committed(fresh)
	return releases.Committed{}, nil
}

func (w *world) check(in releases.CheckInput) (releases.Checked, error) {
	pack := fact.pack
	checked := releases.Checked{
		Record: records.DigestOf([]byte("record")), Initiator: "ines", Evidence: fact.evidence,
		Pack: &pack, Digest: fact.digest, Format: "1.0.0", Policy: w.policy(), PolicyRef: &records.Ref{Digest: w.policy().Digest},
		Compatibility: gates.Compatibility{Candidate: &gates.PackVersion{PackID: fact.digest.String(), Version: pack.Version, Format: "1.0.0"}},
	}
	var active *rollout.Pack
	if active, checked.Compatibility.First = in.Channel.Followed(); active != nil {
		checked.Compatibility.Active = &gates.PackVersion{PackID: active.Digest.String(), Version: active.Version, Format: "1.0.0"}
	}
	if w.lie == secondhand {
		checked.Evidence.Outputs = slices.Clone(checked.Evidence.Outputs)
		made := &checked.Evidence.Outputs[0]
		made.Artifact.Ref.Digest = records.DigestOf([]byte("not what the build made"))
		made.Found = made.Artifact.Ref.Digest
	}
	return checked, nil
}

func (w *world) policy() *gates.Policy {
	if w.solo {
		return &fact.solo
	}
	return &fact.quorum
}

func (w *world) freeze(in releases.FreezeInput) ([]release.Frozen, error) {
	frozen := []release.Frozen{}
	for _, name := range in.Stage {
		frozen = append(frozen, release.Frozen{Cohort: name, Count: 1, Digest: records.DigestOf([]byte(name))})
	}
	return frozen, nil
}

func (w *world) verify(releases.PackInput) (releases.Verified, error) {
	return releases.Verified{Evidence: fact.evidence}, nil
}

func (w *world) makeAgain(in releases.AgainInput) (telemetry.Window, error) {
	if w.lie == echo {
		return w.sent[in.Cohort], nil
	}
	made, err := w.reduce(in.Cohort, in.Sequence)
	if err != nil || made.Sequence != in.Sequence {
		return telemetry.Window{}, temporal.NewNonRetryableApplicationError("no such sample", string(gates.WindowInvalid), err,
			activities.FailureDetail{Code: gates.WindowInvalid, Message: "no such sample"})
	}
	w.confirmed[made.Digest] = true
	return made, nil
}

// reduce makes the window of a cohort up to a sequence from what nodes reported.
func (w *world) reduce(cohort string, sequence int64) (telemetry.Window, error) {
	known := telemetry.Release{ID: releaseID, PackID: fact.digest.String(), Cohorts: map[string]telemetry.Cohort{}}
	for _, stage := range w.outline().Stages {
		for _, name := range stage.Cohorts {
			if stage.ActivatedAt != nil {
				known.Cohorts[name] = telemetry.Cohort{Members: map[string]struct{}{"node-" + name: {}}, ActivatedAt: *stage.ActivatedAt}
			}
		}
	}
	if _, there := known.Cohorts[cohort]; !there {
		return telemetry.Window{}, errors.New("not activated")
	}
	reducer := telemetry.NewReducer(organization, known, cohort)
	for _, s := range w.samples {
		if s.Position <= sequence && s.Cohort == cohort {
			reducer.Add(s)
		}
	}
	if reducer.Sequence() == 0 {
		return telemetry.Window{}, errors.New("no samples")
	}
	made, err := reducer.Window()
	if err == nil {
		failed := made.Metrics[string(telemetry.KindExecution)]
		w.truth[made.Digest] = window{bad: failed.Samples < 3 || 5*failed.Failures > failed.Samples}
	}
	return made, err
}

// ask is the channel: what is asked is recorded and taken in.
func (w *world) ask(in releases.AskInput) (records.CommandOutcome, error) {
	w.append(in.Entry)
	if !w.calm && w.chance("supersede", 40) {
		w.later(0, (*world).supersede)
	}
	return w.take(in.Entry), nil
}

// take has the channel take an entry in, once.
func (w *world) take(e records.Entry) records.CommandOutcome {
	if outcome, done := w.told[e.ID]; done {
		return outcome
	}
	sequence := int64(slices.IndexFunc(w.entries[e.Subject], func(other records.Entry) bool { return other.ID == e.ID }) + 1)
	m := rollout.Message{Sequence: sequence, ID: e.ID, Type: e.Type, Actor: e.Actor, Reason: e.Reason, At: e.At, Body: e.Body}
	if w.lie == blind {
		m.Body = []byte(string(allPass(m.Body)))
	}
	before := w.channel
	next, taken := w.channel.Take(m)
	w.channel = next
	w.told[e.ID] = taken.Outcome
	if taken.Outcome.Accepted() {
		w.moved(before, m)
	}
	w.effects(taken.Effects)
	return taken.Outcome
}

// allPass forges every permit of a warrant.
func allPass(body json.RawMessage) json.RawMessage {
	var c records.Command
	var asked rollout.Advance
	if json.Unmarshal(body, &c) != nil || c.Action != rollout.AskAdvance || json.Unmarshal(c.Arguments, &asked) != nil {
		return body
	}
	w := asked.Warrant
	w.Permits = nil
	for _, gate := range gates.Gates() {
		w.Permits = append(w.Permits, rollout.Permit{Gate: gate, Verdict: gates.Pass, ReleaseID: w.ReleaseID, Pack: w.Pack, Stage: w.Stage, Inputs: records.DigestOf([]byte("x"))})
	}
	c.Arguments, _ = json.Marshal(rollout.Advance{Warrant: w})
	forged, _ := json.Marshal(c)
	return forged
}

// effects are what the workflow of the channel would do.
func (w *world) effects(effects []rollout.Effect) {
	for i, effect := range effects {
		switch effect.Kind {
		case rollout.Publish:
			w.later(w.delay("published"), func(w *world) { w.readBack(effect.Sequence) })
		case rollout.Gather:
			w.later(time.Second, func(w *world) {
				facts := []rollout.Fact{{Pack: fact.digest, Verified: true, Compatible: true, Retained: true}}
				w.person(records.ChannelSubject(organization, main0), records.TypeActionAsked, records.SystemActor, rollout.AskRestore, rollout.Restore{ID: effect.ID, Facts: facts})
			})
		}
		if effect.ReleaseID == releaseID {
			w.tell(effect, fmt.Sprintf("%d/%d/%d", w.channel.Seen, w.channel.Sequence, i))
		}
	}
}

func (w *world) tell(effect rollout.Effect, key string) {
	subject := records.ReleaseSubject(releaseID)
	pause := time.Duration(0)
	switch w.goesWrong("told") {
	case late:
		pause = time.Duration(1+w.pick("late", 90)) * time.Second
	case lost: // the entry is there, and nobody says so
		w.append(w.entry(release.TypeTold, subject, records.SystemActor, key, effect))
		return
	case duplicate:
		w.append(w.entry(release.TypeTold, subject, records.SystemActor, key+"/again", effect))
	case forged:
		effect := rollout.Effect{Kind: []rollout.EffectKind{rollout.Activated, rollout.Granted, rollout.TakenBack}[w.pick("forged", 3)], ReleaseID: releaseID}
		w.append(w.entry(release.TypeTold, subject, "mallory", key+"/forged", effect))
	}
	w.later(pause, func(w *world) {
		w.append(w.entry(release.TypeTold, subject, records.SystemActor, key, effect))
		if !w.mute {
			w.poke()
		}
	})
}

func (w *world) poke() { w.env.SignalWorkflow(workflows.SignalPoke, nil) }

func (w *world) delay(what string) time.Duration {
	if w.chance(what+" slow", 100) {
		return 30 * time.Second
	}
	return time.Second
}

// readBack is what the target says after a publication.
func (w *world) readBack(sequence int64) {
	back := rollout.ReadBack{Pushed: sequence, Sequence: sequence}
	f := w.goesWrong("published")
	if f == lost {
		w.later(time.Minute, func(w *world) { w.readBack(sequence) })
		return
	}
	for _, slot := range w.channel.Slots {
		placed := slot.Desired
		if f == wrong || f == stale {
			placed = slot.Active
		}
		seen := rollout.Observed{Cohort: slot.Cohort}
		if placed != nil {
			seen.Pack = &placed.Pack.Digest
		}
		back.Observed = append(back.Observed, seen)
	}
	next, effects, refused := w.channel.Read(w.now(), back)
	if refused == nil {
		w.channel = next
		w.effects(effects)
	}
}

// person records that somebody asks for an action, and says so.
func (w *world) person(subject records.Subject, typ, actor, action string, arguments any) {
	encoded, err := json.Marshal(arguments)
	if err != nil {
		panic(err)
	}
	e := w.entry(typ, subject, actor, fmt.Sprintf("%s/%d", action, len(w.entries[subject])), records.Command{Action: action, Arguments: encoded})
	w.append(e)
	if subject.Kind == records.SubjectChannel {
		w.take(e)
		return
	}
	w.poke()
}

// fact is what is true in every world.
var fact = facts()

type truths struct {
	pack                  index.Pack
	digest                records.Digest
	evidence              gates.Evidence
	solo, quorum, lenient gates.Policy
	pinned                []records.PinnedStage
	inputs                map[gates.Gate]records.Digest // of decisions on the true evidence
}

func facts() truths {
	f := truths{inputs: map[gates.Gate]records.Digest{}}
	ref := func(text string) records.Ref {
		return records.Ref{Digest: records.DigestOf([]byte(text)), Size: int64(len(text))}
	}
	f.pack = index.Pack{BuildID: "build-1", Version: "1.2.0", BuiltAt: worldStart, Manifest: ref("manifest"), Exchange: ref("exchange")}
	f.digest, _ = f.pack.Digest()
	spec, _ := records.BuildStage(records.Compile)
	f.evidence = gates.Evidence{Stage: records.Compile, Contracts: ref("contracts").Digest}
	for _, output := range spec.Outputs {
		a := records.Artifact{Name: output.Name, Ref: ref(output.Name)}
		if a.Ref.MediaType = output.MediaType; a.Ref.MediaType == "" {
			a.Ref.MediaType = "application/octet-stream"
		}
		if output.Many {
			a.Path = "part"
		}
		found := gates.OutputEvidence{Artifact: a, Found: a.Ref.Digest, Read: a.Ref.Size}
		if output.Role != "" {
			found.Schema, found.Documents = ref("schema "+output.Role).Digest, 1
		}
		f.evidence.Outputs = append(f.evidence.Outputs, found)
	}
	f.evidence.Declared = len(f.evidence.Outputs)
	for _, spec := range records.ReleaseSpine() {
		f.pinned = append(f.pinned, records.PinnedStage{
			Stage: spec.Stage, Runner: records.RunnerSettings{Kind: records.RunnerReference, Version: "1.0.0"}, Digest: ref("runner of " + string(spec.Stage)).Digest,
			Timeout: records.Duration(time.Hour), Heartbeat: records.Duration(time.Minute),
			Retry: records.RetrySettings{MaxAttempts: 3, InitialInterval: records.Duration(time.Second), Coefficient: 2},
		})
	}
	f.solo = policyOf("solo", `{"solo": true}`, "0.2")
	f.quorum = policyOf("quorum", `{"quorum": 1, "max_age": "24h"}`, "0.2")
	f.lenient = policyOf("lenient", `{"solo": true}`, "1")
	rules, err := f.solo.Compile()
	if err != nil {
		panic(err)
	}
	c := gates.Context{Subject: gates.Subject{Stage: records.Compile, Generation: 1}, Rules: rules, At: worldStart, Actor: "orgo", Evaluator: gates.EvaluatorVersion}
	f.inputs[gates.GateIntegrity] = gates.Integrity(c, f.evidence).InputsDigest
	f.inputs[gates.GateContract] = gates.Contract(c, f.evidence).InputsDigest
	return f
}

func policyOf(name, approvals, most string) gates.Policy {
	rule := func(typ, config string) gates.Rule {
		return gates.Rule{ID: typ, Type: typ, Enforcement: gates.Must, Config: json.RawMessage(config)}
	}
	return gates.Policy{Digest: records.DigestOf([]byte("policy " + name)), BundleID: name, Rules: []gates.Rule{
		rule("approvals", approvals),
		rule("compatibility", `{"downgrade": "refuse", "format": "same_major"}`),
		rule("rollout_health", `{"metrics": [{"name": "execution.failure_rate", "max": `+most+`, "min_samples": 3}], "min_reporting_percent": 100, "max_age": "1m", "on_deadline": "rollback"}`),
	}}
}
