package records

// SubjectLedger is the subject kind of what is found of the log; its id is the origin of
// the log.
const SubjectLedger = "ledger"

// TypeLedgerTampered is the type of the entry that says that the log, what it covers or
// a read model is not what was recorded.
const TypeLedgerTampered = "orgo.ledger.tampered"

// LedgerTampered is the body of TypeLedgerTampered.
type LedgerTampered struct {
	// Problems are the first things that are wrong, in order, and More is how many there
	// are besides.
	Problems []string `json:"problems"`
	More     int      `json:"more,omitempty"`
}
