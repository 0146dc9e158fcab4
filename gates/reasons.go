package gates

import "sort"

// Code is a stable reason code. Codes are never removed and never change their
// meaning; gates/testdata/reasons.golden holds that.
type Code string

// Class is the class of a failure.
type Class string

// The classes of CONTRACTS §2.
const (
	ClassInput        Class = "F1" // input acquisition
	ClassClaims       Class = "F2" // claim formation and resolution
	ClassVerification Class = "F3" // artifact verification
	ClassDeterminism  Class = "F4" // same pins, different output
	ClassCompile      Class = "F5" // compile and packaging
	ClassDistribution Class = "F6" // distribution and activation
	ClassRuntime      Class = "F7" // runtime safety
	ClassAudit        Class = "F8" // audit and observability gap
	ClassGovernance   Class = "governance"
	ClassSafety       Class = "safety"
)

// The reason codes. reasonTable says what each means.
const (
	InputUnreadable       Code = "INPUT_UNREADABLE"
	InputNotFound         Code = "INPUT_NOT_FOUND"
	InputEmpty            Code = "INPUT_EMPTY"
	InputOutsideRoot      Code = "INPUT_OUTSIDE_ROOT"
	InputChanged          Code = "INPUT_CHANGED"
	InputUnparsable       Code = "INPUT_UNPARSABLE"
	InputTooLarge         Code = "INPUT_TOO_LARGE"
	ProvenanceIncomplete  Code = "PROVENANCE_INCOMPLETE"
	PinFloating           Code = "PIN_FLOATING"
	PinInvalid            Code = "PIN_INVALID"
	PinUnknown            Code = "PIN_UNKNOWN"
	PolicyInvalid         Code = "POLICY_INVALID"
	ContractsInvalid      Code = "CONTRACTS_INVALID"
	MappingInvalid        Code = "MAPPING_INVALID"
	IndexInvalid          Code = "INDEX_INVALID"
	ClaimInvalid          Code = "CLAIM_INVALID"
	DigestMismatch        Code = "ARTIFACT_DIGEST_MISMATCH"
	ArtifactMissing       Code = "ARTIFACT_MISSING"
	SizeMismatch          Code = "ARTIFACT_SIZE_MISMATCH"
	MediaTypeMismatch     Code = "ARTIFACT_MEDIA_TYPE_MISMATCH"
	OutputMissing         Code = "OUTPUT_MISSING"
	OutputUndeclared      Code = "OUTPUT_UNDECLARED"
	ContractViolation     Code = "CONTRACT_VIOLATION"
	ContractUnchecked     Code = "CONTRACT_UNCHECKED"
	StageOutputConflict   Code = "STAGE_OUTPUT_CONFLICT"
	OutputNotReproduced   Code = "OUTPUT_NOT_REPRODUCED"
	ValidationNotRun      Code = "VALIDATION_NOT_RUN"
	ValidationFailed      Code = "VALIDATION_FAILED"
	ValidationPartial     Code = "VALIDATION_PARTIAL"
	ValidationMalformed   Code = "VALIDATION_REPORT_MALFORMED"
	ValidationOtherInputs Code = "VALIDATION_OF_OTHER_INPUTS"
	ValidationIssueLimit  Code = "VALIDATION_ISSUE_LIMIT_EXCEEDED"
	DependencyMissing     Code = "STAGE_DEPENDENCY_MISSING"
	DependencyNotPassed   Code = "STAGE_DEPENDENCY_NOT_PASSED"
	DependencyVoided      Code = "STAGE_DEPENDENCY_VOIDED"
	CompileFailed         Code = "COMPILE_FAILED"
	RunnerUnavailable     Code = "RUNNER_UNAVAILABLE"
	RunnerFailed          Code = "RUNNER_FAILED"
	RunnerTimeout         Code = "RUNNER_TIMEOUT"
	RunnerOutputInvalid   Code = "RUNNER_OUTPUT_INVALID"
	RunnerOutputTooLarge  Code = "RUNNER_OUTPUT_TOO_LARGE"
	RunnerChanged         Code = "RUNNER_CHANGED"
	CallbackUnsigned      Code = "CALLBACK_SIGNATURE_INVALID"
	StoppedByOperator     Code = "STOPPED_BY_OPERATOR"
	IdempotencyKeyReused  Code = "IDEMPOTENCY_KEY_REUSED"
	InvalidTransition     Code = "INVALID_TRANSITION"
	NotFound              Code = "NOT_FOUND"
	RequestInvalid        Code = "REQUEST_INVALID"
	Unauthorized          Code = "UNAUTHORIZED"
	RecordUnavailable     Code = "RECORD_UNAVAILABLE"
	EventCursorUnknown    Code = "EVENT_CURSOR_UNKNOWN"
	TooManyStreams        Code = "TOO_MANY_STREAMS"
	GateError             Code = "GATE_ERROR"
	EvidenceMissing       Code = "EVIDENCE_MISSING"
	LedgerTampered        Code = "LEDGER_TAMPERED"
	LedgerPending         Code = "LEDGER_PENDING"
	BundleInvalid         Code = "BUNDLE_INVALID"
	EvidenceErased        Code = "EVIDENCE_ERASED"
	WebhookNotTaken       Code = "WEBHOOK_NOT_TAKEN"
	LedgerNotExtended     Code = "LEDGER_NOT_EXTENDED"
	StoreUnavailable      Code = "STORE_UNAVAILABLE"
	TemporalUnavailable   Code = "TEMPORAL_UNAVAILABLE"
	ServerUnreachable     Code = "SERVER_UNREACHABLE"
	UnexpectedAnswer      Code = "UNEXPECTED_ANSWER"
	CommandFailed         Code = "COMMAND_FAILED"
	Interrupted           Code = "INTERRUPTED"
	InternalError         Code = "INTERNAL_ERROR"
)

// Reason is one row of the table: what a code means and what to do about it.
type Reason struct {
	Code    Code
	Class   Class
	Meaning string
	Remedy  string // what would unblock
	// Final says that trying again unchanged cannot help.
	Final bool
}

var reasonTable = []Reason{
	{InputUnreadable, ClassInput, "an input file could not be read", "make the named file readable for the worker, then retry ingest", true},
	{InputNotFound, ClassInput, "an input path does not exist", "correct the path and start a new build", true},
	{InputEmpty, ClassInput, "the inputs hold no file to build from", "name inputs with at least one file that is not excluded", true},
	{InputOutsideRoot, ClassInput, "an input or a symbolic link leads outside the input's root or the allowed roots", "remove the link, name its target as an input of its own, or let the worker read there with --input-root", true},
	{InputChanged, ClassInput, "an input file changed while it was read", "let the source settle, then retry ingest", false},
	{InputUnparsable, ClassInput, "a file does not parse in its format", "correct the file at the named place, exclude it, or let the pipeline record it with on_parse_error: exclude", true},
	{InputTooLarge, ClassInput, "an input goes beyond a limit of its format", "split the file, or raise the limit in the stage's config", true},
	{ProvenanceIncomplete, ClassInput, "provenance lacks a required field", "supply source, collector and collector version", true},
	{PinFloating, ClassInput, "a reference is floating: it names no version or no digest", "name an exact version or digest; \"latest\" and ranges are refused", true},
	{PinInvalid, ClassInput, "a pinned document does not fit its schema", "correct the document at the named place", true},
	{PinUnknown, ClassInput, "a pinned runner, version or artifact is not known to this worker", "pin one that exists, or deploy a worker that has it", true},
	{PolicyInvalid, ClassGovernance, "the policy bundle is not valid", "correct the bundle at the named place", true},
	{ContractsInvalid, ClassGovernance, "the contract set is not valid or lacks a schema that a stage needs", "pin a complete contract set", true},
	{MappingInvalid, ClassClaims, "the pipeline's mapping does not fit the file it maps", "correct the mapping at the named place", true},
	{IndexInvalid, ClassClaims, "the pinned index is not valid", "correct the index at the named line", true},
	{ClaimInvalid, ClassClaims, "a claim document is not usable by the stage that reads it", "see the named document and line", true},
	{DigestMismatch, ClassVerification, "stored content is not what its digest says", "restore the artifact from a good copy; do not use anything made from it", true},
	{ArtifactMissing, ClassVerification, "an artifact that is referred to is not in the store", "restore the artifact from a good copy", true},
	{SizeMismatch, ClassVerification, "an artifact has not the size its reference says", "correct the runner that declared it", true},
	{MediaTypeMismatch, ClassVerification, "an output has not the media type its stage must yield", "correct the runner that declared it", true},
	{OutputMissing, ClassVerification, "a stage did not yield an output it must", "correct the stage's runner", true},
	{OutputUndeclared, ClassVerification, "a stage yielded an output that the spine does not know", "correct the stage's runner", true},
	{ContractViolation, ClassVerification, "a document violates its schema in the pinned contract set", "correct the document at the named pointer, or pin the right contract set", true},
	{ContractUnchecked, ClassVerification, "an output was not checked against its schema", "see why no check was made; unchecked is never a pass", true},
	{StageOutputConflict, ClassDeterminism, "a second, different output appeared under one idempotency key", "find what is not deterministic in the runner; the first output stays", true},
	{OutputNotReproduced, ClassDeterminism, "the same pins gave another output", "compare the named files; find what is not deterministic in the stage", true},
	{ValidationNotRun, ClassClaims, "validation never ran", "see why the build ended before validate", true},
	{ValidationFailed, ClassClaims, "the validation report says failed", "correct the inputs that the report's issues name", true},
	{ValidationPartial, ClassClaims, "the validation report says partial, which the policy does not admit", "correct the issues, or admit partial in the policy", true},
	{ValidationMalformed, ClassClaims, "the validation report cannot be read as one", "correct the stage's runner", true},
	{ValidationOtherInputs, ClassSafety, "the validation report is about other inputs than compile would use", "run validate again over exactly these inputs", true},
	{ValidationIssueLimit, ClassClaims, "the report has more issues of a code or severity than the policy admits", "correct the issues, or change the limit in the policy", true},
	{DependencyMissing, ClassGovernance, "a stage that must come before has no authoritative output", "run the stage before", true},
	{DependencyNotPassed, ClassSafety, "a stage that must come before did not pass all its gates", "clear the earlier refusal first", true},
	{DependencyVoided, ClassGovernance, "an output is of a generation that a retry has voided", "run the stages again from the retried one", true},
	{CompileFailed, ClassCompile, "compile could not make the artifacts", "see the stage's message", true},
	{RunnerUnavailable, ClassInput, "a runner could not be reached or started", "start the service or install the program, then retry the stage", false},
	{RunnerFailed, ClassInput, "a runner ended with an error", "see the message and the tail of its stderr in the stage's record", false},
	{RunnerTimeout, ClassInput, "a runner did not finish in the pinned time", "raise the stage's timeout, or make the runner faster", false},
	{RunnerOutputInvalid, ClassVerification, "a runner's answer is not a valid result", "correct the runner; see docs/runners.md for the shape", true},
	{RunnerOutputTooLarge, ClassVerification, "a runner's output goes beyond the pinned limit", "raise max_output_bytes, or make the runner write less", true},
	{RunnerChanged, ClassVerification, "the program of a runner is not the pinned one", "restore the program, or pin the new one in a new build", true},
	{CallbackUnsigned, ClassSafety, "a runner's callback bears no valid signature", "sign the callback with the secret sent in the request", true},
	{StoppedByOperator, ClassGovernance, "an operator stopped the build", "start a new build if it is still wanted", true},
	{IdempotencyKeyReused, ClassGovernance, "the idempotency key was used for another request", "use a new key, or repeat the request exactly", true},
	{InvalidTransition, ClassGovernance, "the action is not legal in the state the record is in", "see the record's state; the message names the legal ones", true},
	{NotFound, ClassGovernance, "no such record in this organization", "check the id", true},
	{RequestInvalid, ClassGovernance, "the request is not valid", "correct the request at the named place", true},
	{Unauthorized, ClassGovernance, "the caller is not known or may not do this", "send a valid token; a local stack writes one to client.json", true},
	{RecordUnavailable, ClassAudit, "the Build Record is not written yet", "wait for the build to end", false},
	{EventCursorUnknown, ClassAudit, "an event cursor is beyond the end of the log", "check that the cursor is of this server; if it is, the log has lost leaves: run orgo audit verify before going on", true},
	{TooManyStreams, ClassGovernance, "the server has as many event streams as it admits", "close streams that are not needed, or try again later", false},
	{GateError, ClassSafety, "a gate could not decide, which counts as a refusal", "see the decision's evidence; report it if the evidence is sound", true},
	{EvidenceMissing, ClassSafety, "a gate got no evidence for something it must decide on", "see which evidence is absent and why", true},
	{LedgerTampered, ClassAudit, "the log, what it covers, or a read model is not what was recorded", "keep the database as it is, treat what is named as an incident, and restore from a copy that verifies", true},
	{LedgerPending, ClassAudit, "what was recorded has no place in the log yet", "ask again in a second; if it stays so, see that a server with the ledger's key runs", false},
	{BundleInvalid, ClassAudit, "an evidence bundle is not what Orgo wrote, or not of this log", "get it again from its source; if it stays so, do not rely on what it claims", true},
	{EvidenceErased, ClassAudit, "what would prove this was erased", "check the log itself with orgo audit verify, which lists what was erased and when", true},
	{WebhookNotTaken, ClassAudit, "a webhook's receiver did not take an event, however often it was sent", "mend the receiver, then orgo webhook redrive ID", false},
	{LedgerNotExtended, ClassAudit, "the server's log does not extend the one that this client knows", "rely on nothing that this server says; have the log verified against the kept checkpoint, and remove that only if another log is meant", true},
	{StoreUnavailable, ClassAudit, "the record store cannot be reached or written", "restore the database; running work goes on by itself", false},
	{TemporalUnavailable, ClassAudit, "the temporal server does not answer", "restore it; what is recorded goes on by itself", false},
	{ServerUnreachable, ClassAudit, "the command line cannot reach the server", "start it, or correct ORGO_URL; a local stack is started with go run ./deployments/local", false},
	{UnexpectedAnswer, ClassAudit, "the server's answer is not one that this client knows", "check that ORGO_URL is an Orgo server of this version", true},
	{CommandFailed, ClassAudit, "the command could not be done", "see the message", false},
	{Interrupted, ClassGovernance, "the command was interrupted; what it started goes on", "run orgo build watch to follow it again", false},
	{InternalError, ClassAudit, "a defect in Orgo", "report it with the build's id", false},
}

// Lookup returns the row of code, and whether there is one.
func Lookup(code Code) (Reason, bool) {
	for _, reason := range reasonTable {
		if reason.Code == code {
			return reason, true
		}
	}
	return Reason{}, false
}

// Reasons returns the whole table, in the order of the classes as written. The
// caller owns the slice.
func Reasons() []Reason { return append([]Reason(nil), reasonTable...) }

// SortCodes returns the distinct codes in ascending order.
func SortCodes(codes []Code) []Code {
	seen := make(map[Code]bool, len(codes))
	sorted := make([]Code, 0, len(codes))
	for _, code := range codes {
		if !seen[code] {
			seen[code] = true
			sorted = append(sorted, code)
		}
	}
	sort.Slice(sorted, func(i, j int) bool { return sorted[i] < sorted[j] })
	return sorted
}
