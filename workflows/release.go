package workflows

import (
	"encoding/json"
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/telemetry"
)

// ReleaseInput names a release. All else of it is in the store, but for windows of
// telemetry, which are made again when they are needed: those of the run before are
// handed on.
type ReleaseInput struct {
	Organization string                      `json:"organization"`
	ReleaseID    string                      `json:"release_id"`
	Windows      map[string]telemetry.Window `json:"windows,omitempty"` // by cohort
	Judged       map[string]gates.Decision   `json:"judged,omitempty"`  // the newest, by cohort
}

// ReleaseOutcome is how a release ended.
type ReleaseOutcome struct {
	ReleaseID string     `json:"release_id"`
	Phase     string     `json:"phase"`
	Code      gates.Code `json:"reason_code,omitempty"`
}

// releaseRun runs the machine of gates/rollout for one release.
type releaseRun struct {
	*entity
	in     ReleaseInput
	record release.Record

	rules   gates.Ruleset // the policy that decides, ready
	windows map[string]telemetry.Window
	judged  map[string]gates.Decision
	looked  map[string]telemetry.Window // of the newest look: what was decided on
	ends    map[string]gates.Judgement
	sent    workflow.ReceiveChannel // windows of telemetry
	news    int                     // counts windows that came
	sampled time.Time               // when the target was last read back as its nodes

	step      int // of the step that runs: the result of an older one counts no more
	stopStep  workflow.CancelFunc
	steps     int // that run
	happened  []stepEnd
	attempted int // asks and decisions of this run: what they are told apart by
	toPoke    []string
	announced int // one past the stage that the set was told this run is ready for
	// unwelcome is the intent that the channel refused to let join for what it is, and
	// why: to approve it anew would come to the same.
	unwelcome *records.Digest
	refused   releases.Problem
	controls  map[string]controlled // by cohort: what its window was compared with
	marked    string
	// rendered tells, from the soak on, whether what renders is over.
	rendered func() bool
	unsaved  bool          // a window was refused, and that is not recorded yet
	attested rollout.Phase // the phase in which the record was signed
}

// Release runs a release until it has ended.
func Release(ctx workflow.Context, in ReleaseInput) (ReleaseOutcome, error) {
	r := &releaseRun{in: in}
	if workflow.GetInfo(ctx).ContinuedExecutionRunID != "" {
		r.windows, r.judged = in.Windows, in.Judged // by the run before, and nobody else
	}
	r.entity = newEntity(ctx, in.Organization, records.ReleaseSubject(in.ReleaseID), records.Correlation{ReleaseID: in.ReleaseID})
	if r.windows == nil {
		r.windows = map[string]telemetry.Window{}
	}
	if r.judged == nil { // there may be windows that were not judged yet
		r.judged = map[string]gates.Decision{}
	}
	r.handleWindows(ctx)
	if err := r.handleMessages(ctx); err != nil {
		return ReleaseOutcome{}, err
	}
	if err := workflow.SetQueryHandlerWithOptions(ctx, QueryRelease, func() (release.Record, error) { return r.record, nil },
		workflow.QueryHandlerOptions{Description: "The release as this run knows it."}); err != nil {
		return ReleaseOutcome{}, err
	}
	for {
		if err := r.begin(ctx); err != nil {
			return ReleaseOutcome{}, err
		}
		if err := r.live(ctx); err != nil {
			return ReleaseOutcome{}, err
		}
		if r.lost {
			continue
		}
		settled, err := r.settle(ctx)
		if err != nil {
			return ReleaseOutcome{}, err
		}
		if !settled {
			continue
		}
		r.takeWindows(ctx)
		if r.machine().Ended() {
			return ReleaseOutcome{ReleaseID: in.ReleaseID, Phase: r.record.Phase, Code: gates.Code(r.record.Code)}, nil
		}
		return ReleaseOutcome{}, workflow.NewContinueAsNewError(ctx, ReleaseWorkflow, ReleaseInput{
			Organization: in.Organization, ReleaseID: in.ReleaseID, Windows: r.windows, Judged: r.judged,
		})
	}
}

// begin reads the record and takes up the step that it was at.
func (r *releaseRun) begin(ctx workflow.Context) error {
	loaded, err := r.load(ctx, r.subject)
	if err != nil {
		return err
	}
	r.restart(loaded)
	r.record, r.rules = release.Record{}, gates.Ruleset{}
	r.ends, r.happened, r.toPoke = map[string]gates.Judgement{}, nil, nil
	r.controls = map[string]controlled{}
	r.announced = 0 // what was to be told may not have been
	if loaded.Found {
		if err := json.Unmarshal(loaded.Body, &r.record); err != nil {
			return fmt.Errorf("record of release %s: %w", r.in.ReleaseID, err)
		}
		r.correlate()
	}
	if loaded.Found {
		r.start(ctx, rollout.Resume(rollout.Phase(r.record.Phase)))
	}
	return nil
}

func (r *releaseRun) correlate() {
	r.correlation.BuildID = r.record.Request.BuildID
	r.correlation.Channel = r.record.Request.Channel.String()
}

// machine is the state of the release in gates/rollout.
func (r *releaseRun) machine() rollout.Release {
	m := rollout.Release{
		ID: r.in.ReleaseID, Phase: rollout.Phase(r.record.Phase), Stage: r.record.Stage, Stages: len(r.record.Stages),
		Revoked: r.record.Revoked, Code: gates.Code(r.record.Code),
	}
	for _, h := range r.record.Holds {
		m.Holds = append(m.Holds, rollout.Hold{Owner: h.Owner, Reason: h.Reason})
	}
	return m
}

// live takes in what comes until the release has ended, the run has had its length,
// or is lost.
func (r *releaseRun) live(ctx workflow.Context) error {
	defer r.stopSteps()
	for !r.lost {
		r.takePokes(ctx)
		r.takeWindows(ctx)
		if err := r.drain(ctx, func() int64 { return r.record.Seen }, r.takeIn); err != nil {
			return err
		}
		if err := r.takeHappened(ctx); err != nil {
			return err
		}
		if err := r.saveRefused(ctx); err != nil {
			return err
		}
		if r.lost {
			return nil
		}
		if r.machine().Ended() && r.steps == 0 && !r.due() {
			return nil
		}
		if r.full(ctx) {
			r.stopSteps()
			if r.steps == 0 && !r.due() && len(r.happened) == 0 {
				return nil
			}
		}
		if err := workflow.Await(ctx, func() bool {
			return r.due() || r.sent.Len() > 0 || len(r.happened) > 0 || r.unsaved || r.lost ||
				r.steps == 0 && r.machine().Ended() || r.full(ctx) && (r.steps == 0 || r.stopStep != nil)
		}); err != nil {
			return err
		}
	}
	return nil
}

// saveRefused records that windows were refused: it may be long until anything else is.
func (r *releaseRun) saveRefused(ctx workflow.Context) error {
	if !r.unsaved || r.record.Kind == "" || r.lost {
		r.unsaved = false
		return nil
	}
	r.unsaved = false
	_, err := r.save(ctx)
	return err
}

// takeIn takes in what was asked or told. What comes together is one commit.
func (r *releaseRun) takeIn(ctx workflow.Context, messages []rollout.Message) ([]records.CommandOutcome, bool, error) {
	var outcomes []records.CommandOutcome
	var todo []rollout.Step
	for _, m := range messages {
		outcome, steps := r.take(ctx, m)
		todo = mergeSteps(todo, steps)
		if outcome != nil {
			outcomes = append(outcomes, *outcome)
			r.noteOutcome(ctx, m, *outcome)
		}
		r.record.Seen = max(r.record.Seen, m.Sequence)
	}
	done, err := r.save(ctx)
	if done && err == nil {
		r.start(ctx, todo)
	}
	return outcomes, done, err
}

// mergeSteps returns what is to be done after two events: what the later one asks
// for, if it asks for anything.
func mergeSteps(before, then []rollout.Step) []rollout.Step {
	if then == nil {
		return before
	}
	return then
}

// takeHappened takes in how steps ended.
func (r *releaseRun) takeHappened(ctx workflow.Context) error {
	for len(r.happened) > 0 && !r.lost {
		end := r.happened[0]
		r.happened = r.happened[1:]
		if end.step != r.step {
			continue // another was begun since: what this one found is not about where the release is
		}
		steps, refused := r.apply(ctx, end.event)
		if refused != nil {
			continue // it came too late: the release has moved on
		}
		if done, err := r.save(ctx); err != nil || !done {
			return err
		}
		r.start(ctx, steps)
	}
	return nil
}

// apply moves the machine, and notes that it moved. It returns nil steps for an event
// after which what runs goes on.
func (r *releaseRun) apply(ctx workflow.Context, event rollout.ReleaseEvent) ([]rollout.Step, *rollout.Refusal) {
	before := r.machine()
	next, steps, refused := before.Reduce(event)
	if refused != nil {
		return nil, refused
	}
	if event.Actor == "" {
		event.Actor = records.SystemActor
	}
	if status, ends := activations[event.Kind]; ends {
		r.endActivate(ctx, status, event.Code, event.Reason)
	}
	r.record.Phase, r.record.Stage, r.record.Revoked = string(next.Phase), next.Stage, next.Revoked
	r.record.Code, r.record.Status = string(next.Code), string(next.Status())
	r.record.Holds = nil
	for _, h := range next.Holds {
		r.record.Holds = append(r.record.Holds, release.Hold{Owner: h.Owner, Reason: h.Reason})
	}
	if next.Phase != before.Phase || next.Stage != before.Stage {
		r.record.Codes, r.record.Waits = nil, nil
	}
	if _, after := r.beside(); after != nil && rollout.HasTurn(next.Phase) && !rollout.HasTurn(before.Phase) {
		r.tellPeer(ctx, after.id, rollout.Effect{Kind: rollout.PeerTurn})
	}
	if next.Ended() || next.Phase == rollout.PhaseRollingBack || next.Phase == rollout.PhaseClosedGood {
		r.record.SettleSpine(workflow.Now(ctx).UTC(), string(next.Code))
	}
	if next.Phase != before.Phase && (next.Ended() || next.Phase == rollout.PhaseRollingBack) {
		r.tellPeers(ctx, rollout.PeerEnded, next.Stage, next.Code)
	}
	moved := release.Moved{Event: string(event.Kind), Before: string(before.Phase), After: string(next.Phase), Stage: next.Stage}
	var codes []string
	if event.Code != "" {
		codes = []string{string(event.Code)}
	}
	r.note(ctx, records.Entry{Type: release.TypeReleaseMoved, Actor: event.Actor, Reason: event.Reason, Codes: codes}, "", moved)
	r.tellStory(ctx, event, moved)
	if steps == nil && next.Phase != before.Phase {
		steps = []rollout.Step{}
	}
	return steps, nil
}

// tellStory adds an event to the record.
func (r *releaseRun) tellStory(ctx workflow.Context, event rollout.ReleaseEvent, moved release.Moved) {
	details := map[string]any{"phase": moved.After, "stage": moved.Stage}
	if event.Code != "" {
		details["reason_code"] = event.Code
	}
	if event.Reason != "" {
		details["reason"] = event.Reason
	}
	encoded, err := records.Canonical(details)
	if err != nil {
		panic(err) // strings and a number always have a canonical form
	}
	r.record.Events = append(r.record.Events, release.Event{
		At: workflow.Now(ctx).UTC(), Type: event.Kind.Story(), Actor: event.Actor, Details: encoded,
	})
}

// save commits the next version of the record.
func (r *releaseRun) save(ctx workflow.Context) (bool, error) {
	done, err := r.commit(ctx, func(version int64) any {
		r.record.Version, r.record.UpdatedAt = version, workflow.Now(ctx).UTC()
		sealed, form, err := r.record.Sealed()
		if err != nil {
			panic(err) // a record has a canonical form, or is a defect
		}
		r.record = sealed
		return form
	})
	r.show(ctx)
	if !done || err != nil {
		return done, err
	}
	r.pokePeers(ctx)
	return true, r.attest(ctx)
}

// attest has the record signed once the release has closed well, and once it has
// ended.
func (r *releaseRun) attest(ctx workflow.Context) error {
	phase := rollout.Phase(r.record.Phase)
	if r.attested == phase || phase != rollout.PhaseClosedGood && !r.machine().Ended() {
		return nil
	}
	r.attested = phase
	return workflow.ExecuteLocalActivity(bookkeeping(ctx, "attest the release record"), ActivityAttest,
		releases.AttestInput{Organization: r.organization, ReleaseID: r.in.ReleaseID}).Get(ctx, nil)
}
