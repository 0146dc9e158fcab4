package rollout

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/index"
	"github.com/initkoa/orgo/records/release"
)

// Message is an entry in which something is asked of a channel or a release, or in
// which a channel tells a release.
type Message struct {
	Sequence int64           `json:"sequence"` // among the entries of the subject
	ID       string          `json:"id"`
	Type     string          `json:"type"`
	Actor    string          `json:"actor"`
	Reason   string          `json:"reason,omitempty"`
	At       time.Time       `json:"at"`
	Body     json.RawMessage `json:"body"`
}

// Command returns what is asked.
func (m Message) Command() (records.Command, *Refusal) {
	var c records.Command
	if err := json.Unmarshal(m.Body, &c); err != nil {
		return c, refuse(gates.RequestInvalid, "the action does not decode: %v", err)
	}
	return c, nil
}

// What releases and rollbacks ask of a channel. Operators cannot: their entries are
// of another type.
const (
	AskJoin    = "join"    // JoinArguments
	AskAdvance = "advance" // Advance
	AskClose   = "close"   // CloseArguments
	AskLeave   = "leave"   // Leave
	AskContain = "contain" // ContainArguments
	AskRestore = "restore" // Restore
)

// JoinArguments are all that a channel has to know of a release.
type JoinArguments struct {
	Join
	Content index.Pack   `json:"content"`
	Plan    release.Plan `json:"plan"`
}

// CloseArguments close a release, and may pin the channel to it.
type CloseArguments struct {
	Close
	Owner    string    `json:"owner,omitempty"` // of the pin
	PinUntil time.Time `json:"pin_until,omitzero"`
}

// ContainArguments have a release taken back.
type ContainArguments struct {
	ReleaseID string      `json:"release_id"`
	Code      gates.Code  `json:"code"`
	Class     gates.Class `json:"class"`
}

// Taken is what became of a message.
type Taken struct {
	Outcome records.CommandOutcome
	Effects []Effect
}

// Take returns the record after a message. A message that is refused changes nothing
// but Seen.
func (r Record) Take(m Message) (Record, Taken) {
	command, refused := m.Command()
	taken := Taken{Outcome: records.CommandOutcome{Command: m.ID, Action: command.Action, Before: r.State()}}
	next := r
	if refused == nil {
		next, taken.Effects, refused = r.take(m, command)
	}
	if refused != nil {
		next = r
		taken.Effects = nil
		taken.Outcome.Code, taken.Outcome.Message = string(refused.Code), refused.Message
	}
	next.Seen = max(next.Seen, m.Sequence)
	taken.Outcome.After = next.State()
	return next, taken
}

func (r Record) take(m Message, command records.Command) (Record, []Effect, *Refusal) {
	decode, known := actionsOf[m.Type][command.Action]
	if !known {
		return r, nil, refuse(gates.RequestInvalid, "%q is nothing that can be asked of a channel so", command.Action)
	}
	if m.Type == records.TypeActionAsked != (m.Actor == records.SystemActor) {
		return r, nil, refuse(gates.Unauthorized, "%s may not ask for %s in this way", m.Actor, command.Action)
	}
	ask, refused := decode(m, command.Arguments)
	if refused != nil {
		return r, nil, refused
	}
	if ask.before != nil {
		if r, refused = ask.before(r); refused != nil {
			return r, nil, refused
		}
	}
	if ask.action == nil {
		return r, nil, nil
	}
	event := ChannelEvent{At: m.At, Actor: m.Actor, Reason: m.Reason, Action: ask.action}
	return r.Reduce(event, m.ID)
}

// Reduce returns the record after an event of the channel. id names the event, for
// what it lets the index do.
func (r Record) Reduce(e ChannelEvent, id string) (Record, []Effect, *Refusal) {
	channel, effects, refused := r.Channel.Reduce(e)
	if refused != nil {
		return r, nil, refused
	}
	next := r
	next.Channel = channel
	next.Cause = r.causeOf(e, id, effects)
	next = next.grounded(r, e, effects)
	if channel.Sequence != r.Sequence {
		if next, refused = next.indexed(e.At); refused != nil {
			return r, nil, refused
		}
	}
	return next.forgotten(), effects, nil
}

// causeOf remembers who began the containment that is under way.
func (r Record) causeOf(e ChannelEvent, id string, effects []Effect) *Cause {
	for _, effect := range effects {
		if effect.Kind == Gather {
			return &Cause{Actor: e.Actor, Reason: e.Reason, Command: id}
		}
	}
	return r.Cause
}

// forgotten drops the members that the channel cannot name any more.
func (r Record) forgotten() Record {
	named := map[string]bool{}
	for _, slot := range r.Slots {
		for _, p := range []*Placement{slot.Desired, slot.Active} {
			if p != nil {
				named[p.ReleaseID] = true
			}
		}
	}
	for _, p := range r.Good {
		named[p.ReleaseID] = true
	}
	for _, q := range r.Queue {
		named[q.ReleaseID] = true
	}
	if r.Turn != nil {
		named[r.Turn.ReleaseID] = true
	}
	for _, known := range []*index.Index{r.Index, r.Published} {
		if known == nil {
			continue
		}
		for _, cohort := range known.Cohorts {
			named[cohort.Release.ID] = true
		}
	}
	r.Members = slices.DeleteFunc(slices.Clone(r.Members), func(m Member) bool { return !named[m.ReleaseID] })
	return r
}

// wanted is what a message comes to: a change of what the record keeps besides the
// channel, and an action of the channel.
type wanted struct {
	before func(Record) (Record, *Refusal)
	action Action
}

// actionsOf says what can be asked by which type of entry.
var actionsOf = map[string]map[string]func(Message, json.RawMessage) (wanted, *Refusal){
	records.TypeActionRequested: {
		release.ActionRollback: decoded(func(m Message, a release.Rollback) (wanted, *Refusal) {
			return wanted{action: Contain{ID: m.ID, ReleaseID: a.ReleaseID, Cohorts: a.Cohorts, Code: gates.RollbackRequested, Class: gates.ClassGovernance}}, nil
		}),
		release.ActionRevoke: decoded(func(m Message, a release.Packs) (wanted, *Refusal) {
			return wanted{action: Revoke{ID: m.ID, Packs: a.Packs}}, nil
		}),
		release.ActionQuarantine: decoded(func(m Message, a release.Packs) (wanted, *Refusal) {
			return wanted{action: Quarantine{ID: m.ID, Packs: a.Packs}}, nil
		}),
		release.ActionClear: decoded(func(_ Message, a release.Packs) (wanted, *Refusal) { return wanted{action: Clear{Packs: a.Packs}}, nil }),
		release.ActionHold:  decoded(func(Message, struct{}) (wanted, *Refusal) { return wanted{action: PlaceHold{}}, nil }),
		release.ActionFreeze: decoded(func(_ Message, a release.Freeze) (wanted, *Refusal) {
			return wanted{action: PlaceFreeze{Until: a.Until}}, nil
		}),
		release.ActionLift: decoded(func(m Message, a release.Lift) (wanted, *Refusal) {
			owner := a.Owner
			if owner == "" {
				owner = m.Actor
			}
			return wanted{action: LiftHold{Owner: owner}}, nil
		}),
		release.ActionUnfreeze: decoded(func(Message, struct{}) (wanted, *Refusal) { return wanted{action: Unfreeze{}}, nil }),
		release.ActionPin: decoded(func(_ Message, a release.Pin) (wanted, *Refusal) {
			return wanted{action: PlacePin{Pack: a.Pack, For: PinFor(a.For), ExpiresAt: a.ExpiresAt}}, nil
		}),
		release.ActionUnpin: decoded(func(_ Message, a release.Unpin) (wanted, *Refusal) {
			return wanted{action: Unpin{For: PinFor(a.For)}}, nil
		}),
		release.ActionSetMinimum: decoded(func(m Message, a release.Minimum) (wanted, *Refusal) {
			return wanted{action: RaiseMinimum{ID: m.ID, Version: a.Version}}, nil
		}),
		release.ActionNodes: decoded(func(_ Message, a release.Nodes) (wanted, *Refusal) { return wanted{before: enroll(a)}, nil }),
	},
	records.TypeActionAsked: {
		AskJoin:    decoded(func(_ Message, a JoinArguments) (wanted, *Refusal) { return wanted{admit(a), a.Join}, nil }),
		AskAdvance: decoded(func(_ Message, a Advance) (wanted, *Refusal) { return wanted{action: a}, nil }),
		AskClose:   decoded(func(m Message, a CloseArguments) (wanted, *Refusal) { return wanted{action: closePinned{a, m}}, nil }),
		AskLeave:   decoded(func(_ Message, a Leave) (wanted, *Refusal) { return wanted{action: a}, nil }),
		AskContain: decoded(func(m Message, a ContainArguments) (wanted, *Refusal) {
			return wanted{action: Contain{ID: m.ID, ReleaseID: a.ReleaseID, Code: a.Code, Class: a.Class}}, nil
		}),
		AskRestore: decoded(func(_ Message, a Restore) (wanted, *Refusal) { return wanted{action: a}, nil }),
	},
}

// decoded reads the arguments of an action strictly: what is not known is refused.
func decoded[A any](of func(Message, A) (wanted, *Refusal)) func(Message, json.RawMessage) (wanted, *Refusal) {
	return func(m Message, raw json.RawMessage) (wanted, *Refusal) {
		var arguments A
		if len(raw) > 0 {
			decoder := json.NewDecoder(bytes.NewReader(raw))
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(&arguments); err != nil {
				return wanted{}, refuse(gates.RequestInvalid, "the arguments of the action: %v", err)
			}
		}
		return of(m, arguments)
	}
}

// admit makes a release one that the channel can name, once, and divides a channel
// that has no cohorts yet.
func admit(a JoinArguments) func(Record) (Record, *Refusal) {
	return func(r Record) (Record, *Refusal) {
		content, err := a.Content.Digest()
		if err != nil || content != a.Pack.Digest {
			return r, refuse(gates.DigestMismatch, "release %s brings pack %s, and its content is %s", a.ReleaseID, a.Pack.Digest, content)
		}
		if len(r.Cohorts) > 0 && !slices.Equal(r.Cohorts, a.Plan.Cohorts) {
			return r, refuse(gates.RequestInvalid, "the channel is divided into other cohorts than release %s was planned for", a.ReleaseID)
		}
		r.Cohorts = a.Plan.Cohorts
		r.OnNoTarget, r.OnDrift = NoTarget(a.Plan.OnNoTarget), OnDrift(a.Plan.OnDrift)
		if _, there := r.Member(a.ReleaseID); there {
			return r, nil
		}
		pack, refused := r.alike(a.Content, content)
		if refused != nil {
			return r, refused
		}
		r.Joined++
		r.Members = append(slices.Clone(r.Members), Member{ReleaseID: a.ReleaseID, Number: r.Joined, Pack: pack})
		return r, nil
	}
}

// alike returns a pack as the channel knows it, if it knows one of the same content:
// that was built at one time, and has one version.
func (r Record) alike(pack index.Pack, content records.Digest) (index.Pack, *Refusal) {
	for _, m := range r.Members {
		known, err := m.Pack.Digest()
		if err != nil || known != content {
			continue
		}
		if m.Pack.Version != pack.Version {
			return pack, refuse(gates.RequestInvalid, "pack %s is version %s on this channel, and not %s", content, m.Pack.Version, pack.Version)
		}
		pack.BuiltAt = m.Pack.BuiltAt
	}
	return pack, nil
}

func enroll(a release.Nodes) func(Record) (Record, *Refusal) {
	return func(r Record) (Record, *Refusal) {
		if !a.List.Valid() || a.Count < 1 {
			return r, refuse(gates.RequestInvalid, "a channel's nodes are a list in the artifact store with at least one")
		}
		r.Nodes = &a
		return r, nil
	}
}

// closePinned closes a release and then pins the channel to it, if that is asked.
type closePinned struct {
	CloseArguments
	message Message
}

func (a closePinned) on(c *Channel, e ChannelEvent) ([]Effect, *Refusal) {
	effects, refused := a.Close.on(c, e)
	if refused != nil || a.PinUntil.IsZero() {
		return effects, refused
	}
	owner := e
	owner.Actor, owner.Reason = a.Owner, "released as pinned"
	_, refused = PlacePin{Pack: a.Warrant.Pack, For: PinActive, ExpiresAt: a.PinUntil}.on(c, owner)
	return effects, refused
}

// Member returns a release that the channel can name.
func (r Record) Member(releaseID string) (Member, bool) {
	i := slices.IndexFunc(r.Members, func(m Member) bool { return m.ReleaseID == releaseID })
	if i < 0 {
		return Member{}, false
	}
	return r.Members[i], true
}

// Outstanding returns what a channel has still to do when its workflow begins again.
// What releases were told is in entries of theirs, and is not lost.
func (r Record) Outstanding() []Effect {
	var effects []Effect
	if r.Sequence != r.Confirmed {
		effects = append(effects, Effect{Kind: Publish, Sequence: r.Sequence})
	}
	if c := r.Containment; c != nil && !c.Placed {
		effects = append(effects, Effect{Kind: Gather, ID: c.ID, Cohorts: c.Cohorts, Code: c.Code})
	}
	return effects
}

// State says in a word how the channel stands: CONTAINING, PUBLISHING, HELD, RELEASING
// or QUIET.
func (r Record) State() string {
	switch {
	case r.Containment != nil:
		return "CONTAINING"
	case r.Sequence != r.Confirmed:
		return "PUBLISHING"
	case len(r.Holds) > 0:
		return "HELD"
	case r.Turn != nil:
		return "RELEASING"
	default:
		return "QUIET"
	}
}
