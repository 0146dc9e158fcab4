package release

import (
	"encoding/json"
	"time"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/index"
)

// RecordVersion is the version of the form of a Record.
const RecordVersion = "1.0.0"

// Intent is what is approved: any change of it is another intent, and voids every
// approval.
type Intent struct {
	ReleaseID string              `json:"release_id"`
	Channel   records.ChannelName `json:"channel"`
	BuildID   string              `json:"build_id"`
	Record    records.Digest      `json:"build_record"`
	Pack      records.Digest      `json:"pack"`
	Version   string              `json:"version"`
	Plan      Plan                `json:"plan"`
	Policy    records.Digest      `json:"policy"`
	Evidence  records.Digest      `json:"evidence"` // inputs of the integrity decision
	Pins      []StagePin          `json:"pins"`     // of the stages of the spine
}

// StagePin names what does a stage of the spine.
type StagePin struct {
	Stage  records.Stage  `json:"stage"`
	Digest records.Digest `json:"digest"` // of runner and config
}

// PinsOf returns what names pinned stages, in their order.
func PinsOf(pinned []records.PinnedStage) []StagePin {
	pins := make([]StagePin, 0, len(pinned))
	for _, stage := range pinned {
		pins = append(pins, StagePin{stage.Stage, stage.Digest})
	}
	return pins
}

// Digest returns the identity of the intent.
func (i Intent) Digest() (records.Digest, error) { return records.CanonicalDigest(i) }

// Record is one version of Orgo's own form of the Release Record. It is written at
// every transition, and it is also what a release's workflow begins with when it
// begins again: nothing of a release is only in Temporal. KOA gives the interop form.
type Record struct {
	Kind          string    `json:"kind"` // "release_record"
	RecordVersion string    `json:"record_version"`
	Version       int64     `json:"version"` // 1 for the first
	Organization  string    `json:"organization"`
	ReleaseID     string    `json:"release_id"`
	CreatedAt     time.Time `json:"created_at"`
	CreatedBy     string    `json:"created_by"`
	Reason        string    `json:"reason,omitempty"`
	UpdatedAt     time.Time `json:"updated_at"`
	Request       Request   `json:"request"`

	Phase   string   `json:"phase"`  // of gates/rollout
	Status  string   `json:"status"` // the interop form's
	Code    string   `json:"reason_code,omitempty"`
	Codes   []string `json:"reason_codes,omitempty"` // all that block it now
	Stage   int      `json:"stage"`                  // from 0
	Holds   []Hold   `json:"holds,omitempty"`
	Revoked bool     `json:"revoked,omitempty"`
	// Waits says what it waits for, and until when.
	Waits *Wait `json:"waits,omitempty"`

	// What its check found; absent before.
	Intent       *Intent         `json:"intent,omitempty"`
	IntentDigest *records.Digest `json:"intent_digest,omitempty"`
	Initiator    string          `json:"initiator,omitempty"` // of the build
	PolicyRef    *records.Ref    `json:"policy_ref,omitempty"`
	PolicyAuthor string          `json:"policy_author,omitempty"` // who registered a policy that differs from the one before
	Pack         *index.Pack     `json:"pack,omitempty"`
	Format       string          `json:"format,omitempty"` // of the pack, x.y.z
	Solo         bool            `json:"solo,omitempty"`   // by policy, nobody besides the requester agrees
	Votes        []Vote          `json:"votes,omitempty"`
	BreakGlass   *BreakGlass     `json:"break_glass,omitempty"`
	Nodes        *Nodes          `json:"nodes,omitempty"`  // of the channel, as they were when the first stage began
	Stages       []StageState    `json:"stages,omitempty"` // of the plan, in order
	Peers        []Peer          `json:"peers,omitempty"`  // the others of the set, as far as they told
	Soak         *StageState     `json:"soak,omitempty"`   // once every stage has passed
	// Runners are what does the stages of the spine, and how: pinned by the check.
	Runners []records.PinnedStage `json:"runners,omitempty"`
	// Spine is what became of distribute, activate and render.
	Spine     []SpineStage      `json:"spine,omitempty"`
	Decisions []DecisionSummary `json:"decisions,omitempty"`
	Events    []Event           `json:"events"`

	// Seen is the sequence of the newest entry that was taken in.
	Seen int64 `json:"seen"`
	// Hash is the digest of the canonical form without this field.
	Hash records.Digest `json:"release_record_hash"`
}

// Hold keeps a release where it is until its owner lifts it.
type Hold struct {
	Owner  string `json:"owner"`
	Reason string `json:"reason"`
}

// Wait is what a release waits for.
type Wait struct {
	For   string     `json:"for"`
	Until *time.Time `json:"until,omitempty"`
}

// Vote is an approval or a rejection.
type Vote struct {
	Actor     string         `json:"actor"`
	Roles     []string       `json:"roles,omitempty"`
	Intent    records.Digest `json:"intent"`
	Approve   bool           `json:"approve"`
	At        time.Time      `json:"at"`
	ExpiresAt time.Time      `json:"expires_at"`
	Reason    string         `json:"reason,omitempty"`
	Command   string         `json:"command"` // the entry that asked
}

// BreakGlass lets one release past gates that refused it.
type BreakGlass struct {
	CaseID    string          `json:"case_id"`
	Reason    string          `json:"reason"`
	Gates     []string        `json:"gates"`
	Intent    records.Digest  `json:"intent"`
	Stage     int             `json:"stage"` // the scope: the one stage that it may enter
	By        []string        `json:"by"`    // two persons, the second confirms
	OpenedAt  time.Time       `json:"opened_at"`
	ExpiresAt time.Time       `json:"expires_at"`
	Used      bool            `json:"used,omitempty"`
	ReviewBy  time.Time       `json:"review_by"`
	Reviewed  json.RawMessage `json:"reviewed,omitempty"`
}

// StageState is what became of a stage.
type StageState struct {
	Part
	Frozen      []Frozen   `json:"frozen,omitempty"`
	ActivatedAt *time.Time `json:"activated_at,omitempty"` // recorded before the switch
	ActiveAt    *time.Time `json:"active_at,omitempty"`    // read back
	EndsAt      *time.Time `json:"ends_at,omitempty"`      // of the analysis
	DecideBy    *time.Time `json:"decide_by,omitempty"`
	Verdict     string     `json:"verdict,omitempty"` // of the newest decision on its health
	Codes       []string   `json:"reason_codes,omitempty"`
	Promoted    string     `json:"promoted_by,omitempty"`
	// Control are the cohorts that the stage is compared with, as they were when it began,
	// and what was counted of them since.
	Control []ControlSide `json:"control,omitempty"`
}

// ControlSide is a cohort that runs an earlier release while a stage is watched.
type ControlSide struct {
	Cohort    string `json:"cohort"`
	ReleaseID string `json:"release_id"` // the one that it runs
	// Position is up to where the samples of that release were counted.
	Position int64          `json:"position"`
	Counts   []ControlCount `json:"counts,omitempty"` // sorted by metric
}

// ControlCount is how many executions there were and how many of them failed, by metric
// of the relayed window.
type ControlCount struct {
	Metric   string `json:"metric"`
	Samples  int64  `json:"samples"`
	Failures int64  `json:"failures"`
}

// Frozen is the nodes of a cohort as they were when its stage began.
type Frozen struct {
	Cohort string         `json:"cohort"`
	Count  int            `json:"count"`
	Digest records.Digest `json:"digest"` // of gates/cohort.Frozen
	List   records.Ref    `json:"list"`   // that, in the artifact store
}

// Event is one thing that happened, for the story that the record tells.
type Event struct {
	At      time.Time       `json:"at"`
	Type    string          `json:"type"`
	Actor   string          `json:"actor"`
	Details json.RawMessage `json:"details,omitempty"`
}

// Judge keeps what the newest decision on the stage's health was.
func (s *StageState) Judge(verdict string, codes []string) { s.Verdict, s.Codes = verdict, codes }
