package rollout_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/gatestest"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/index"
	"github.com/initkoa/orgo/records/release"
)

// Here inboxes of random messages are taken in by records, with what is read back in
// between. What no message may do to a record is in harm, in words of its own.

// chooser makes the choices of a history: rapid, or a generator with a seed.
type chooser func(n int) int

// taker is what takes messages in: the real one, or one with a fault.
type taker func(rollout.Record, rollout.Message) (rollout.Record, rollout.Taken)

func realTake(r rollout.Record, m rollout.Message) (rollout.Record, rollout.Taken) { return r.Take(m) }

// contents are the packs of three builds. A later release may bring an older one.
var contents = func() []index.Pack {
	ref := func(text string) records.Ref { return records.Ref{Digest: digest(text), Size: int64(len(text))} }
	var list []index.Pack
	for i, version := range []string{"1.0.0", "1.1.0", "2.0.0"} {
		list = append(list, index.Pack{
			BuildID: fmt.Sprint("build-", i), Version: version, BuiltAt: at.Add(time.Duration(i) * time.Hour),
			Manifest: ref(fmt.Sprint("manifest ", i)), Exchange: ref(fmt.Sprint("exchange ", i)),
		})
	}
	return list
}()

func contentDigest(i int) records.Digest {
	d, err := contents[i].Digest()
	if err != nil {
		panic(err)
	}
	return d
}

// inbox is the history of a channel: the messages in the order of the store, and what
// was read back after each.
type inbox struct {
	messages []rollout.Message
	read     map[int64]rollout.ReadBack // by the sequence of the message before
}

// after returns what is still to be taken in.
func (in inbox) after(seen int64) []rollout.Message {
	return slices.DeleteFunc(slices.Clone(in.messages), func(m rollout.Message) bool { return m.Sequence <= seen })
}

// readBack takes in what was read back after a message, if anything was.
func (in inbox) readBack(r rollout.Record, after int64) rollout.Record {
	if read, is := in.read[after]; is {
		if next, _, refused := r.Read(at, read); refused == nil {
			return next
		}
	}
	return r
}

// site is a target: it takes only an index that follows the one it has.
type site struct{ has *index.Index }

// push brings an index to the target, which may refuse it for reasons of its own, and
// reads back what is there then: of each cohort what it should have, or had.
func (s *site) push(r rollout.Record, refuses, desired bool) rollout.ReadBack {
	err := index.Begins(*r.Index)
	if s.has != nil {
		err = index.Follows(*s.has, *r.Index)
	}
	if err == nil && !refuses {
		s.has = r.Index
	}
	back := rollout.ReadBack{Pushed: r.Index.Sequence, Newest: s.has, Observed: read(r.Channel, r.Sequence, desired).Observed}
	if s.has != nil {
		back.Sequence = s.has.Sequence
	}
	return back
}

// settles pushes until the newest index is read back, and fails if that does not come.
func (s *site) settles(r rollout.Record, reads reader) error {
	for range 4 {
		if r.Sequence == r.Confirmed {
			return nil
		}
		next, _, refused := reads(r, s.push(r, false, true))
		if refused == nil {
			r = next
		}
	}
	return fmt.Errorf("index %d is never published after %d", r.Sequence, r.Index.After)
}

// reader is what takes in what was read back: the real one, or one with a fault.
type reader func(rollout.Record, rollout.ReadBack) (rollout.Record, []rollout.Effect, *rollout.Refusal)

func realRead(r rollout.Record, read rollout.ReadBack) (rollout.Record, []rollout.Effect, *rollout.Refusal) {
	return r.Read(at, read)
}

// asks makes the next message to a record: mostly one that moves it on, else any.
func asks(choose chooser, r rollout.Record) (action, typ, actor string, arguments any) {
	if r.Containment != nil && choose(2) == 0 {
		return rollout.AskRestore, records.TypeActionAsked, records.SystemActor, rollout.Restore{ID: r.Containment.ID, Facts: goodFacts(choose)}
	}
	if r.Turn != nil && choose(2) == 0 {
		return onward(r)
	}
	n := choose(6) // of a release
	pack := contentDigest(n % len(contents))
	these := release.Packs{Packs: []records.Digest{pack}}
	person := func(action string, arguments any) (string, string, string, any) {
		return action, records.TypeActionRequested, []string{"ann", "bob"}[choose(2)], arguments
	}
	orgo := func(action string, arguments any) (string, string, string, any) {
		return action, records.TypeActionAsked, records.SystemActor, arguments
	}
	switch choose(20) {
	case 0, 1, 2, 3, 4:
		return orgo(rollout.AskJoin, joining(n, choose(4) == 0))
	case 5:
		return orgo(rollout.AskLeave, rollout.Leave{ReleaseID: fmt.Sprint("r", n)})
	case 6:
		return orgo(rollout.AskContain, rollout.ContainArguments{ReleaseID: fmt.Sprint("r", n), Code: gates.MetricOutOfBounds, Class: gates.ClassRuntime})
	case 7, 8:
		return person(release.ActionRollback, release.Rollback{})
	case 9:
		return person(release.ActionRollback, release.Rollback{Cohorts: []string{"a"}})
	case 10:
		return person(release.ActionRevoke, these)
	case 11:
		return person(release.ActionQuarantine, these)
	case 12:
		return person(release.ActionClear, these)
	case 13:
		return person(release.ActionHold, struct{}{})
	case 14:
		return person(release.ActionLift, release.Lift{})
	case 15:
		return person(release.ActionLift, release.Lift{Owner: rollout.AfterRollback})
	case 16:
		return person(release.ActionPin, release.Pin{Pack: pack, For: string(rollout.PinRollback), ExpiresAt: at.Add(time.Hour)})
	case 17:
		return person(release.ActionSetMinimum, release.Minimum{Version: []string{"0.9.0", "1.1.0"}[choose(2)]})
	case 18: // forged: a person asks for what only releases do
		action, _, _, arguments := orgo(rollout.AskRestore, rollout.Restore{ID: "forged", Facts: goodFacts(choose)})
		return action, records.TypeActionAsked, "mallory", arguments
	default: // malformed
		return release.ActionRevoke, records.TypeActionRequested, "ann", map[string]any{"packs": "all", "force": true}
	}
}

func goodFacts(choose chooser) []rollout.Fact {
	var facts []rollout.Fact
	for i := range contents {
		facts = append(facts, rollout.Fact{Pack: contentDigest(i), Verified: choose(4) > 0, Compatible: true, Retained: true})
	}
	return facts
}

func joining(n int, supersede bool) rollout.JoinArguments {
	content := contents[n%len(contents)]
	return rollout.JoinArguments{
		Join: rollout.Join{Supersede: supersede, Candidacy: rollout.Candidacy{
			Placement: rollout.Placement{ReleaseID: fmt.Sprint("r", n), Pack: rollout.Pack{
				Digest: contentDigest(n % len(contents)), Version: content.Version, BuildID: content.BuildID,
			}}, Stages: stages,
		}},
		Content: content,
		Plan:    release.Plan{Cohorts: []release.Portion{{Cohort: "a", Points: 1000}, {Cohort: "b", Points: 4000}, {Cohort: "c", Points: 5000}}},
	}
}

// onward is what moves the release whose turn it is.
func onward(r rollout.Record) (action, typ, actor string, arguments any) {
	w := rollout.Warrant{ReleaseID: r.Turn.ReleaseID, Pack: r.Turn.Pack.Digest, Stage: r.Turn.Stage + 1}
	for _, gate := range gates.Gates() {
		w.Permits = append(w.Permits, rollout.Permit{Gate: gate, Verdict: gates.Pass, ReleaseID: w.ReleaseID, Pack: w.Pack, Stage: w.Stage, Inputs: digest("d")})
	}
	if w.Stage == len(r.Turn.Stages) {
		return rollout.AskClose, records.TypeActionAsked, records.SystemActor, rollout.CloseArguments{Close: rollout.Close{Warrant: w}}
	}
	return rollout.AskAdvance, records.TypeActionAsked, records.SystemActor, rollout.Advance{Warrant: w}
}

// lived is a history that ended: every record on the way, first the empty one.
type lived struct {
	inbox
	before  []rollout.Record // each before its message, and the last one
	indexes int
	back    int // steps back that were authorized
	refused int
	site    site
}

// live takes in so many messages, and returns the first harm.
func live(choose chooser, take taker, length int) (lived, error) {
	h := lived{inbox: inbox{read: map[int64]rollout.ReadBack{}}}
	r := rollout.NewRecord(records.DefaultOrganization, records.ChannelName{Environment: "staging", Name: "stable"})
	sequence := int64(0)
	for range length {
		sequence += int64(1 + choose(3)) // others' entries lie between
		action, typ, actor, arguments := asks(choose, r)
		m := message(sequence, action, typ, actor, arguments)
		h.messages, h.before = append(h.messages, m), append(h.before, r)
		next, taken := take(r, m)
		if err := harm(r, m, next, taken); err != nil {
			return h, fmt.Errorf("message %d, %s by %s: %w", sequence, action, actor, err)
		}
		h.count(r, next, taken)
		if next.Sequence != next.Confirmed && choose(3) > 0 {
			back := h.site.push(next, choose(6) == 0, choose(6) > 0)
			if choose(6) > 0 { // else nobody learned that it was pushed
				h.read[sequence] = back
			}
		}
		r = h.readBack(next, sequence)
		if err := harmOfIndex(next, r); err != nil {
			return h, fmt.Errorf("read back after message %d: %w", sequence, err)
		}
	}
	if err := h.site.settles(r, realRead); err != nil {
		return h, err
	}
	h.before = append(h.before, r)
	return h, nil
}

func (h *lived) count(before, after rollout.Record, taken rollout.Taken) {
	if !taken.Outcome.Accepted() {
		h.refused++
	}
	if after.Sequence != before.Sequence {
		h.indexes++
		h.back += len(after.Index.Downgrades)
	}
}

func message(sequence int64, action, typ, actor string, arguments any) rollout.Message {
	encoded, err := json.Marshal(arguments)
	if err != nil {
		panic(err)
	}
	body, err := json.Marshal(records.Command{Action: action, Arguments: encoded})
	if err != nil {
		panic(err)
	}
	return rollout.Message{Sequence: sequence, ID: strconv.FormatInt(sequence, 10), Type: typ, Actor: actor, Reason: "r", At: at.Add(time.Duration(sequence) * time.Second), Body: body}
}

// harm says what is wrong with what a message did.
func harm(before rollout.Record, m rollout.Message, after rollout.Record, taken rollout.Taken) error {
	switch {
	case after.Seen != m.Sequence:
		return fmt.Errorf("%d was seen, not %d", after.Seen, m.Sequence)
	case taken.Outcome.Command != m.ID:
		return errors.New("the outcome is another message's")
	case taken.Outcome.Accepted():
		return harmOfIndex(before, after)
	case taken.Outcome.Code == string(gates.IndexRefused) && !slices.Contains(forward, actionOf(m)):
		return fmt.Errorf("what keeps packs from being active was refused for the index that it made: %s", taken.Outcome.Message)
	}
	unseen := after
	unseen.Seen = before.Seen
	switch {
	case !alike(unseen, before):
		return errors.New("a refused message changed the record")
	case len(taken.Effects) > 0:
		return errors.New("a refused message has effects")
	default:
		return nil
	}
}

// forward are the actions that may be refused for what is published: nothing else may.
var forward = []string{rollout.AskJoin, rollout.AskAdvance, rollout.AskClose}

func actionOf(m rollout.Message) string {
	var command records.Command
	if err := json.Unmarshal(m.Body, &command); err != nil {
		panic(err)
	}
	return command.Action
}

func harmOfIndex(before, after rollout.Record) error {
	switch {
	case after.Sequence == before.Sequence && alike(after.Index, before.Index):
		return nil
	case after.Sequence == before.Sequence:
		return errors.New("the index changed and its sequence did not")
	case after.Sequence != before.Sequence+1:
		return fmt.Errorf("the sequence went from %d to %d", before.Sequence, after.Sequence)
	case after.Index == nil || after.Index.Sequence != after.Sequence:
		return errors.New("there is no index of the newest sequence")
	case after.Published == nil:
		return index.Begins(*after.Index)
	}
	if err := index.Follows(*after.Published, *after.Index); err != nil {
		return err
	}
	for _, was := range after.Published.Cohorts {
		is, there := after.Index.Cohort(was.Name)
		if !there {
			return fmt.Errorf("cohort %s is in no index any more", was.Name)
		}
		if err := unauthorized(was, is, *after.Index); err != nil {
			return err
		}
	}
	return nil
}

// unauthorized says again when a cohort goes back, and what has to be there then.
func unauthorized(was, is index.Cohort, next index.Index) error {
	goesBack := is.Release.Number < was.Release.Number || is.Pack.Version < was.Pack.Version // all of one digit each
	if is.Inactive || is.Release == was.Release || !goesBack {
		return nil
	}
	for _, d := range next.Downgrades {
		from, errFrom := was.Pack.Digest()
		to, errTo := is.Pack.Digest()
		if errFrom == nil && errTo == nil && d.Cohort == is.Name && d.From == from && d.To == to && d.Release == is.Release.ID &&
			d.Sequence == next.Sequence && d.Decision.Valid() && d.Actor != "" && d.Reason != "" {
			return nil
		}
	}
	return fmt.Errorf("cohort %s went back without authorization", is.Name)
}

// alike compares what would be written.
func alike(a, b any) bool {
	left, errLeft := json.Marshal(a)
	right, errRight := json.Marshal(b)
	return errLeft == nil && errRight == nil && string(left) == string(right)
}

// resumed begins again from every record on the way, as it was written, and takes in
// what the inbox then still has. All have to end alike, and take nothing twice.
func (h lived) resumed(take taker) error {
	last := h.before[len(h.before)-1]
	for n, written := range h.before {
		encoded, err := json.Marshal(written)
		if err != nil {
			return err
		}
		var r rollout.Record
		if err := json.Unmarshal(encoded, &r); err != nil {
			return err
		}
		left := h.after(r.Seen)
		if n+len(left) != len(h.messages) {
			return fmt.Errorf("after %d messages the inbox has %d of %d", n, len(left), len(h.messages))
		}
		for _, m := range left {
			r, _ = take(r, m)
			r = h.readBack(r, m.Sequence)
		}
		if !alike(r, last) {
			return fmt.Errorf("begun again after %d messages, the record ends as another", n)
		}
	}
	return nil
}

func TestRecordsTakeMessagesInOnceAndInOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		choose := func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "choice") }
		h, err := live(choose, realTake, 12)
		require.NoError(t, err)
		require.NoError(t, h.resumed(realTake))
	})
}

func seeded(seed uint64) chooser {
	random := rand.New(rand.NewPCG(seed, 1))
	return func(n int) int { return random.IntN(n) }
}

// TestLongInboxes goes further than what rapid can make smaller.
func TestLongInboxes(t *testing.T) {
	t.Parallel()
	cases := gatestest.Cases(t, 300)
	var indexes, back, refused, messages int
	for seed := range cases {
		h, err := live(seeded(uint64(seed)), realTake, 40)
		require.NoError(t, err, "seed %d", seed)
		if seed%10 == 0 {
			require.NoError(t, h.resumed(realTake), "seed %d", seed)
		}
		indexes, back, refused, messages = indexes+h.indexes, back+h.back, refused+h.refused, messages+len(h.messages)
	}
	require.Greater(t, back, cases/10, "histories that never go back show nothing")
	require.Greater(t, indexes, cases)
	t.Logf("%d inboxes, %d messages, %d refused, %d indexes, %d authorized steps back", cases, messages, refused, indexes, back)
}

// Planted faults: each is a record that takes messages in wrongly in one way.
func TestFaultsOfRecordsAreFound(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]taker{
		"what was seen is forgotten": func(r rollout.Record, m rollout.Message) (rollout.Record, rollout.Taken) {
			next, taken := r.Take(m)
			next.Seen = r.Seen
			return next, taken
		},
		"a refused message is remembered": func(r rollout.Record, m rollout.Message) (rollout.Record, rollout.Taken) {
			next, taken := r.Take(m)
			if !taken.Outcome.Accepted() {
				next.Joined++
			}
			return next, taken
		},
		"steps back are not authorized": func(r rollout.Record, m rollout.Message) (rollout.Record, rollout.Taken) {
			next, taken := r.Take(m)
			if next.Index != nil {
				bare := *next.Index
				bare.Downgrades = nil
				next.Index = &bare
			}
			return next, taken
		},
		"why it goes back is forgotten": func(r rollout.Record, m rollout.Message) (rollout.Record, rollout.Taken) {
			next, taken := r.Take(m)
			next.Grounds = nil
			return next, taken
		},
		"the sequence stays": func(r rollout.Record, m rollout.Message) (rollout.Record, rollout.Taken) {
			next, taken := r.Take(m)
			next.Sequence = r.Sequence
			return next, taken
		},
		"the index is the one before": func(r rollout.Record, m rollout.Message) (rollout.Record, rollout.Taken) {
			next, taken := r.Take(m)
			if r.Index != nil {
				next.Index = r.Index
			}
			return next, taken
		},
		"an authorization is kept for later": func(r rollout.Record, m rollout.Message) (rollout.Record, rollout.Taken) {
			next, taken := r.Take(m)
			if r.Index != nil && next.Sequence != r.Sequence && len(r.Index.Downgrades) > 0 {
				kept := *next.Index
				kept.Downgrades = r.Index.Downgrades
				next.Index = &kept
			}
			return next, taken
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(500) {
				if _, err := live(seeded(seed), fault, 40); err != nil {
					t.Logf("seed %d: %v", seed, err)
					return
				}
			}
			require.Fail(t, "it was not found")
		})
	}
}

// TestWhatIsNotWrittenIsFound is the planted fault of beginning again: something that
// decides, and is lost with the process.
func TestWhatIsNotWrittenIsFound(t *testing.T) {
	t.Parallel()
	takes := 0
	forgetful := func(r rollout.Record, m rollout.Message) (rollout.Record, rollout.Taken) {
		takes++
		next, taken := r.Take(m)
		next.Joined += int64(takes % 2)
		return next, taken
	}
	h, err := live(seeded(1), realTake, 20)
	require.NoError(t, err)
	require.Error(t, h.resumed(forgetful))
}

// What was given up on its way may get to the target all the same, and what was never
// published leaves a gap: neither keeps what comes later from being published.
func TestRecordsComeToAnIndexThatTheTargetTakes(t *testing.T) {
	t.Parallel()
	revoke := func(r rollout.Record, n int64, text string) rollout.Record {
		next, taken := r.Take(message(n, release.ActionRevoke, records.TypeActionRequested, "ann", release.Packs{Packs: []records.Digest{digest(text)}}))
		require.True(t, taken.Outcome.Accepted(), taken.Outcome.Message)
		return next
	}
	start := rollout.NewRecord(records.DefaultOrganization, records.ChannelName{Environment: "staging", Name: "stable"})
	never := func(r rollout.Record, read rollout.ReadBack) (rollout.Record, []rollout.Effect, *rollout.Refusal) {
		return r.Reduce(rollout.ChannelEvent{At: at, Actor: records.SystemActor, Action: rollout.Confirm{Sequence: read.Sequence, Observed: read.Observed}}, "")
	}
	for name, arrive := range map[string]func(*site) rollout.Record{
		"taken in together": func(*site) rollout.Record { return revoke(revoke(revoke(start, 1, "x"), 2, "y"), 3, "z") },
		"given up, and there": func(s *site) rollout.Record {
			one := revoke(start, 1, "x")
			s.push(one, false, true)
			return revoke(one, 2, "y")
		},
		"refused": func(s *site) rollout.Record {
			one := revoke(start, 1, "x")
			read := s.push(one, true, true)
			next, _, refused := one.Read(at, read)
			require.Nil(t, refused)
			require.NotEqual(t, next.Sequence, next.Confirmed, "what the target does not have is not published")
			return revoke(next, 2, "y")
		},
	} {
		var real site
		require.NoError(t, real.settles(arrive(&real), realRead), name)
		if name == "given up, and there" {
			var planted site
			require.Error(t, planted.settles(arrive(&planted), never), "%s: a reader that does not look what is there is seen", name)
		}
	}
}
