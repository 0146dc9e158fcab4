package records

// SubjectKey is the subject kind of what happens to a key; its id is the key's.
const SubjectKey = "key"

// Types of the entries about a key.
const (
	TypeKeyAnnounced = "orgo.key.announced"
	TypeKeyRetired   = "orgo.key.retired"
)

// KeyPurpose is what a key signs.
type KeyPurpose string

// The purposes of keys.
const (
	KeyAttestation KeyPurpose = "attestation"
	KeyLedger      KeyPurpose = "ledger" // checkpoints
)

// KeyAnnounced is the body of TypeKeyAnnounced. What a key signed counts from the
// leaf of its announcement on.
type KeyAnnounced struct {
	KeyID   string     `json:"key_id"`
	Purpose KeyPurpose `json:"purpose"`
	Public  string     `json:"public"` // PEM, or for a ledger key the verifier key of a C2SP signed-note
}

// KeyState says whether what a key signs counts.
type KeyState string

// The states of a key.
const (
	KeyActive  KeyState = "ACTIVE"
	KeyRetired KeyState = "RETIRED"
)

// KeyRetirement is the body of TypeKeyRetired. What a key signed counts up to the
// leaf of its retirement.
type KeyRetirement struct {
	KeyID  string   `json:"key_id"`
	Before KeyState `json:"before"`
	After  KeyState `json:"after"`
}
