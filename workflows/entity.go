package workflows

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
)

// entity is what the workflows of channels and releases have in common: their state
// is the newest version of a record in the store, and what they are asked is in
// entries of their subject.
//
// Every change is one commit: the next version of the record with everything that
// was decided or told in it. A version is committed once, so that of two workflows
// that are each taken for the one of a subject (after a reset, say) one finds that it
// is not, and begins again from the store.
type entity struct {
	organization string
	subject      records.Subject
	correlation  records.Correlation

	version int64 // of the newest commit
	lost    bool  // another workflow made it: what is here counts no more
	mutex   workflow.Mutex
	pending []note

	// pokes counts the messages that said that something is in the store, and drained
	// is up to which of them that was taken in. ticks counts when the entity looks by
	// itself: whoever was to say so may have ended before.
	poked          workflow.ReceiveChannel
	pokes, drained int
	tick           workflow.Future
	ticks          int
	answers        map[string]records.CommandOutcome
	answered       []string // the keys of answers, oldest first
}

// note is an entry that is still to be committed.
type note struct {
	entry records.Entry
	// key tells it apart from others of its type in its commit, or for good.
	key  string
	body any // nil: the entry is made already
}

const (
	// lookEvery is how often an entity that nobody pokes looks by itself.
	lookEvery = time.Minute
	// maxHistory is how many events a run has before the next one takes over: under
	// the 4,096 that a run may have with what still comes then.
	maxHistory = 3000
)

// maxAnswers bounds the outcomes that are kept in memory; the others are in the store.
const maxAnswers = 256

func newEntity(ctx workflow.Context, organization string, subject records.Subject, correlation records.Correlation) *entity {
	info := workflow.GetInfo(ctx).WorkflowExecution
	correlation.WorkflowID, correlation.RunID = info.ID, info.RunID
	return &entity{
		organization: organization, subject: subject, correlation: correlation,
		mutex: workflow.NewMutex(ctx), answers: map[string]records.CommandOutcome{},
	}
}

// load reads the newest version of the record into state, and reports whether there
// is one.
func (e *entity) load(ctx workflow.Context, subject records.Subject) (releases.Loaded, error) {
	var loaded releases.Loaded
	err := workflow.ExecuteLocalActivity(bookkeeping(ctx, "read the record of "+subject.Kind), ActivityLoad,
		releases.LoadInput{Organization: e.organization, Subject: subject}).Get(ctx, &loaded)
	return loaded, err
}

// restart begins again from what was loaded: what another run noted, or this one had
// still to record when it was lost, is forgotten.
func (e *entity) restart(loaded releases.Loaded) {
	e.version, e.lost, e.pending = loaded.Version, false, nil
	e.pokes++ // there may be something already
}

// full reports whether the run has had its length.
func (e *entity) full(ctx workflow.Context) bool {
	info := workflow.GetInfo(ctx)
	return info.GetCurrentHistoryLength() > maxHistory || info.GetContinueAsNewSuggested()
}

// drain takes in everything that was asked, in the order of the store. take makes one
// commit of what comes together, and returns what became of each, and whether it was
// committed.
func (e *entity) drain(
	ctx workflow.Context, seen func() int64, take func(workflow.Context, []rollout.Message) ([]records.CommandOutcome, bool, error),
) error {
	for !e.lost && e.drained < e.pokes {
		ticket := e.pokes
		got, err := e.inbox(ctx, seen())
		if err != nil {
			return err
		}
		if len(got.Messages) > 0 {
			messages := make([]rollout.Message, len(got.Messages))
			for i, m := range got.Messages {
				messages[i] = rollout.Message(m)
			}
			outcomes, done, err := take(ctx, messages)
			if err != nil || !done {
				return err
			}
			for _, outcome := range outcomes {
				e.answer(outcome)
			}
		}
		if !got.More {
			e.drained = ticket
		}
	}
	return nil
}

// inbox reads what was asked after a sequence.
func (e *entity) inbox(ctx workflow.Context, after int64) (releases.Messages, error) {
	var messages releases.Messages
	err := workflow.ExecuteLocalActivity(bookkeeping(ctx, "read what was asked"), ActivityInbox,
		releases.InboxInput{Organization: e.organization, Subject: e.subject, After: after, Limit: inboxPage}).Get(ctx, &messages)
	return messages, err
}

// inboxPage is how many messages are taken in at once.
const inboxPage = 32

// note keeps an entry for the next commit. One without a subject is about the entity.
// An empty key makes it one of that commit.
func (e *entity) note(ctx workflow.Context, entry records.Entry, key string, body any) {
	e.pending = append(e.pending, note{e.entry(ctx, entry), key, body})
}

// entry completes what is the same in all entries of the entity.
func (e *entity) entry(ctx workflow.Context, entry records.Entry) records.Entry {
	entry.Organization = e.organization
	if entry.Subject == (records.Subject{}) {
		entry.Subject = e.subject
	}
	if entry.At.IsZero() {
		entry.At = workflow.Now(ctx)
	}
	if entry.Actor == "" {
		entry.Actor = records.SystemActor
	}
	if entry.Kind == "" {
		entry.Kind = records.KindEvent
	}
	given := entry.Correlation
	entry.Correlation = e.correlation
	entry.Correlation.ReleaseID = cmp.Or(given.ReleaseID, e.correlation.ReleaseID)
	entry.Correlation.BuildID = cmp.Or(given.BuildID, e.correlation.BuildID)
	entry.Correlation.Cohort = given.Cohort
	entry.Correlation.Stage, entry.Correlation.Generation, entry.Correlation.Attempt = given.Stage, given.Generation, given.Attempt
	return entry
}

// commit records the next version of the record, with all that is noted. record makes
// the version, once it is known which it is. It sets lost, and returns false, if that
// version is another's.
func (e *entity) commit(ctx workflow.Context, record func(version int64) any) (bool, error) {
	if err := e.mutex.Lock(ctx); err != nil {
		return false, err
	}
	defer e.mutex.Unlock()
	if e.lost {
		return false, nil
	}
	version := e.version + 1
	notes := e.pending
	e.pending = nil
	e.note(ctx, records.Entry{Kind: records.KindRecord, Type: records.TypeRecordWritten}, fmt.Sprintf("v%d", version), record(version))
	notes, e.pending = append(notes, e.pending...), nil
	entries := make([]records.Entry, 0, len(notes))
	for i, n := range notes {
		if n.body == nil {
			entries = append(entries, n.entry)
			continue
		}
		key := n.key
		if key == "" {
			key = fmt.Sprintf("%s/%s/v%d/%d", e.subject.Kind, e.subject.ID, version, i)
		}
		entry, err := records.NewEntry(n.entry, key, n.body)
		if err != nil {
			// Only a body without canonical form can fail, which is a defect: stop here
			// rather than go on unrecorded.
			panic(err)
		}
		entries = append(entries, entry)
	}
	var done releases.Committed
	err := workflow.ExecuteLocalActivity(bookkeeping(ctx, fmt.Sprintf("record version %d", version)), ActivityCommit,
		releases.CommitInput{Organization: e.organization, Entries: entries}).Get(ctx, &done)
	if err != nil {
		return false, err
	}
	if done.Conflict {
		e.lost = true
		return false, nil
	}
	e.version = version
	return true, nil
}

// answer keeps what became of an action, for those who wait for it.
func (e *entity) answer(outcome records.CommandOutcome) {
	if _, there := e.answers[outcome.Command]; !there {
		e.answered = append(e.answered, outcome.Command)
	}
	e.answers[outcome.Command] = outcome
	if len(e.answered) > maxAnswers {
		delete(e.answers, e.answered[0])
		e.answered = slices.Clone(e.answered[1:])
	}
}

// noteOutcome notes what became of an action.
func (e *entity) noteOutcome(ctx workflow.Context, m rollout.Message, outcome records.CommandOutcome) {
	entry := records.Entry{Type: records.TypeActionAccepted, Actor: m.Actor, Reason: m.Reason}
	if !outcome.Accepted() {
		entry.Type, entry.Codes = records.TypeActionRefused, []string{outcome.Code}
	}
	e.note(ctx, entry, outcome.Command, outcome)
}

// handleMessages registers what both kinds of entities are sent.
func (e *entity) handleMessages(ctx workflow.Context) error {
	e.poked = workflow.GetSignalChannelWithOptions(ctx, SignalPoke, workflow.SignalChannelOptions{Description: "Says that something new is in the store."})
	e.nextTick(ctx)
	return workflow.SetUpdateHandlerWithOptions(ctx, UpdateAct, e.onAct, workflow.UpdateHandlerOptions{
		Validator:   e.mayAct,
		Description: "Carries out an action that was recorded. Takes the id of the entry that asks for it; who asks, and for what, is in that.",
	})
}

// nextTick has the entity look by itself after a while.
func (e *entity) nextTick(ctx workflow.Context) {
	e.tick = workflow.NewTimerWithOptions(ctx, lookEvery, workflow.TimerOptions{Summary: "looks by itself"})
}

// takePokes counts who said that something is in the store, and looks at the time.
func (e *entity) takePokes(ctx workflow.Context) {
	for e.poked.ReceiveAsync(nil) {
		e.pokes++
	}
	if e.tick == nil || !e.tick.IsReady() {
		return
	}
	err := e.tick.Get(ctx, nil)
	e.tick = nil
	if err == nil { // or the workflow is cancelled, and looks no more
		e.ticks++
		e.pokes++
		e.nextTick(ctx)
	}
}

// due reports whether there may be something in the store that was not taken in.
func (e *entity) due() bool {
	return e.pokes > e.drained || e.poked.Len() > 0 || e.tick != nil && e.tick.IsReady()
}

// settle waits until everybody is answered who asked, as the run is over. It returns false
// if something is to be taken in before: who asks meanwhile waits for that.
func (e *entity) settle(ctx workflow.Context) (bool, error) {
	err := workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) || e.due() })
	e.takePokes(ctx) // the next run looks for what there is
	return workflow.AllHandlersFinished(ctx), err
}

func (e *entity) mayAct(command string) error {
	if command == "" {
		return refusal(gates.RequestInvalid, "the id of the entry that asks for the action is missing")
	}
	return nil
}

// onAct waits until everything that was asked up to now is taken in, and returns
// what became of the action.
func (e *entity) onAct(ctx workflow.Context, command string) (records.CommandOutcome, error) {
	e.pokes++
	ticket := e.pokes
	// One that is lost begins again from the store, and then takes it in.
	if err := workflow.Await(ctx, func() bool { _, known := e.answers[command]; return known || e.drained >= ticket && !e.lost }); err != nil {
		return records.CommandOutcome{}, err
	}
	if outcome, known := e.answers[command]; known {
		return outcome, nil
	}
	var found releases.OutcomeFound
	err := workflow.ExecuteLocalActivity(bookkeeping(ctx, "read what became of an action"), ActivityOutcome,
		releases.OutcomeInput{Organization: e.organization, Subject: e.subject, Command: command}).Get(ctx, &found)
	if err != nil {
		return records.CommandOutcome{}, err
	}
	if !found.Found {
		return records.CommandOutcome{}, refusal(gates.NotFound, "no entry %s asks for anything here", command)
	}
	return found.Outcome, nil
}
