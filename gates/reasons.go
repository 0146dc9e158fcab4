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

// Severity is how bad a refusal with a code is taken for itself. That of an incident
// follows from its surroundings, too: see routing.Severity.
type Severity string

// The severities of CONTRACTS §2.
const (
	Sev1 Severity = "SEV1"
	Sev2 Severity = "SEV2"
	Sev3 Severity = "SEV3"
	Sev4 Severity = "SEV4"
)

// ClearedBy says who can clear a refusal.
type ClearedBy string

// Who can clear a refusal.
const (
	ByPublisher   ClearedBy = "publisher"    // who owns the inputs
	ByRunnerOwner ClearedBy = "runner owner" // who owns what does the stage
	ByPolicyOwner ClearedBy = "policy owner" // who writes policy and contracts
	ByOperator    ClearedBy = "operator"     // who runs Orgo and what it stands on
	ByRequester   ClearedBy = "requester"    // who asked for what was refused
	ByApprover    ClearedBy = "approver"     // whose approval the policy asks for
	ByTime        ClearedBy = "time"         // nobody needs to do anything
	ByNobody      ClearedBy = "nobody"       // it cannot be cleared: begin anew
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
	SourceNotAllowed      Code = "SOURCE_NOT_ALLOWED"
	ContractSetNotAllowed Code = "CONTRACT_SET_NOT_ALLOWED"
	ArtifactTooLarge      Code = "ARTIFACT_TOO_LARGE"
	ArtifactRevoked       Code = "ARTIFACT_REVOKED"
	SignatureMissing      Code = "SIGNATURE_MISSING"
	SignatureInvalid      Code = "SIGNATURE_INVALID"
	SignerNotAllowed      Code = "SIGNER_NOT_ALLOWED"
	NotReproducedEnough   Code = "NOT_REPRODUCED_ENOUGH"
	CompatibilityUnknown  Code = "COMPATIBILITY_UNKNOWN"
	FormatIncompatible    Code = "FORMAT_INCOMPATIBLE"
	DowngradeRefused      Code = "DOWNGRADE_REFUSED"
	IndexRefused          Code = "CHANNEL_INDEX_REFUSED"
	IndexDowngrade        Code = "CHANNEL_DOWNGRADE_UNAUTHORIZED"
	PublishFenced         Code = "PUBLISH_FENCED"
	TargetBusy            Code = "TARGET_BUSY"
	TargetUnavailable     Code = "TARGET_UNAVAILABLE"
	TargetUnreadable      Code = "TARGET_INDEX_UNREADABLE"
	PackNotDistributed    Code = "PACK_NOT_DISTRIBUTED"
	TargetLinkForeign     Code = "TARGET_LINK_FOREIGN"
	TargetLinkMissing     Code = "TARGET_LINK_MISSING"
	TargetPackMissing     Code = "TARGET_PACK_MISSING"
	TargetPackChanged     Code = "TARGET_PACK_CHANGED"
	ApprovalsMissing      Code = "APPROVALS_MISSING"
	ApprovalRejected      Code = "APPROVAL_REJECTED"
	ChannelFrozen         Code = "CHANNEL_FROZEN"
	AnalysisIncomplete    Code = "ANALYSIS_INCOMPLETE"
	TelemetryStale        Code = "TELEMETRY_STALE"
	ReportingTooLow       Code = "REPORTING_TOO_LOW"
	MetricNoData          Code = "METRIC_NO_DATA"
	MetricTooFewSamples   Code = "METRIC_TOO_FEW_SAMPLES"
	MetricOutOfBounds     Code = "METRIC_OUT_OF_BOUNDS"
	MetricWorse           Code = "METRIC_WORSE_THAN_CONTROL"
	SilenceBudgetExceeded Code = "SILENCE_BUDGET_EXCEEDED"
	SampleInvalid         Code = "SAMPLE_INVALID"
	SampleConflict        Code = "SAMPLE_CONFLICT"
	SampleInFuture        Code = "SAMPLE_IN_FUTURE"
	SampleStale           Code = "SAMPLE_STALE"
	SampleEarly           Code = "SAMPLE_BEFORE_ACTIVATION"
	OrganizationForeign   Code = "ORGANIZATION_FOREIGN"
	ReleaseUnknown        Code = "RELEASE_UNKNOWN"
	CohortUnknown         Code = "COHORT_UNKNOWN"
	NodeNotInCohort       Code = "NODE_NOT_IN_COHORT"
	WindowInvalid         Code = "WINDOW_INVALID"
	WindowConflict        Code = "WINDOW_CONFLICT"
	PolicyRuleRefused     Code = "POLICY_RULE_REFUSED"
	PolicyUnsigned        Code = "POLICY_SIGNATURE_INVALID"
	PolicyCaseFailed      Code = "POLICY_CASE_FAILED"
	WarningLimit          Code = "WARNING_LIMIT_EXCEEDED"
	OverrideForbidden     Code = "OVERRIDE_FORBIDDEN"
	OverrideIncomplete    Code = "OVERRIDE_INCOMPLETE"
	DecisionNotReplayable Code = "DECISION_NOT_REPLAYABLE"
	StoreUnavailable      Code = "STORE_UNAVAILABLE"
	TemporalUnavailable   Code = "TEMPORAL_UNAVAILABLE"
	ServerUnreachable     Code = "SERVER_UNREACHABLE"
	UnexpectedAnswer      Code = "UNEXPECTED_ANSWER"
	CommandFailed         Code = "COMMAND_FAILED"
	Interrupted           Code = "INTERRUPTED"
	InternalError         Code = "INTERNAL_ERROR"
	PackUnverified        Code = "PACK_UNVERIFIED"
	PackQuarantined       Code = "PACK_QUARANTINED"
	BelowMinimum          Code = "BELOW_MINIMUM"
	MinimumOnlyRises      Code = "MINIMUM_ONLY_RISES"
	ContainmentUnderWay   Code = "CONTAINMENT_UNDER_WAY"
	ContainmentChanged    Code = "CONTAINMENT_CHANGED"
	NothingToContain      Code = "NOTHING_TO_CONTAIN"
	RollbackNoTarget      Code = "ROLLBACK_NO_TARGET"
	FailedBefore          Code = "FAILED_BEFORE"
	ReleaseQueued         Code = "RELEASE_QUEUED"
	ReleaseSuperseded     Code = "RELEASE_SUPERSEDED"
	ReleaseHeld           Code = "RELEASE_HELD"
	ChannelHeld           Code = "CHANNEL_HELD"
	ChannelPinned         Code = "CHANNEL_PINNED"
	HoldOfAnother         Code = "HOLD_OF_ANOTHER"
	PublishPending        Code = "PUBLISH_PENDING"
	SequenceStale         Code = "SEQUENCE_STALE"
	ActivationFailed      Code = "ACTIVATION_FAILED"
	DriftDetected         Code = "DRIFT_DETECTED"
	RollbackRequested     Code = "ROLLBACK_REQUESTED"
	AbortRequested        Code = "ABORT_REQUESTED"
	DowngradeApproved     Code = "DOWNGRADE_APPROVED"
	ApproverNotSeparate   Code = "APPROVER_NOT_SEPARATE"
	IntentChanged         Code = "INTENT_CHANGED"
	PromotionMissing      Code = "PROMOTION_MISSING"
	SetAborted            Code = "RELEASE_SET_ABORTED"
	GlassUnconfirmed      Code = "BREAK_GLASS_UNCONFIRMED"
	GlassExpired          Code = "BREAK_GLASS_EXPIRED"
	GlassUsed             Code = "BREAK_GLASS_USED"
	GlassOutOfScope       Code = "BREAK_GLASS_OUT_OF_SCOPE"
	GlassReviewOverdue    Code = "BREAK_GLASS_REVIEW_OVERDUE"
	CaseTerminal          Code = "CASE_TERMINAL"
	CaseFull              Code = "CASE_FULL"
	CaseCauseActive       Code = "CASE_CAUSE_ACTIVE"
	CaseCauseOpen         Code = "CASE_CAUSE_OPEN"
	TaskUnknown           Code = "TASK_UNKNOWN"
	TaskExists            Code = "TASK_EXISTS"
	TaskTerminal          Code = "TASK_TERMINAL"
	TasksOpen             Code = "TASKS_OPEN"
	VersionStale          Code = "VERSION_STALE"
	ReasonMissing         Code = "REASON_MISSING"
	ResolutionMissing     Code = "RESOLUTION_MISSING"
	ReviewMissing         Code = "REVIEW_MISSING"
	ApproverIsResolver    Code = "APPROVER_IS_RESOLVER"
	OwnerMissing          Code = "OWNER_MISSING"
	ReopenNotPermitted    Code = "REOPEN_NOT_PERMITTED"
	DeadlineNotDue        Code = "DEADLINE_NOT_DUE"
)

// Reason is one row of the table: what a code means and what to do about it.
type Reason struct {
	Code      Code
	Class     Class
	Severity  Severity
	ClearedBy ClearedBy
	Meaning   string
	Remedy    string // what would unblock
	// Final says that trying again unchanged cannot help.
	Final bool
}

var reasonTable = []Reason{
	{InputUnreadable, ClassInput, Sev3, ByPublisher, "an input file could not be read", "make the named file readable for the worker, then retry ingest", true},
	{InputNotFound, ClassInput, Sev3, ByPublisher, "an input path does not exist", "correct the path and start a new build", true},
	{InputEmpty, ClassInput, Sev3, ByPublisher, "the inputs hold no file to build from", "name inputs with at least one file that is not excluded", true},
	{InputOutsideRoot, ClassInput, Sev3, ByPublisher, "an input or a symbolic link leads outside the input's root or the allowed roots", "remove the link, name its target as an input of its own, or let the worker read there with --input-root", true},
	{InputChanged, ClassInput, Sev3, ByPublisher, "an input file changed while it was read", "let the source settle, then retry ingest", false},
	{InputUnparsable, ClassInput, Sev3, ByPublisher, "a file does not parse in its format", "correct the file at the named place, exclude it, or let the pipeline record it with on_parse_error: exclude", true},
	{InputTooLarge, ClassInput, Sev3, ByPublisher, "an input goes beyond a limit of its format", "split the file, or raise the limit in the stage's config", true},
	{ProvenanceIncomplete, ClassInput, Sev3, ByPublisher, "provenance lacks a required field", "supply source, collector and collector version", true},
	{PinFloating, ClassInput, Sev3, ByPublisher, "a reference is floating: it names no version or no digest", "name an exact version or digest; \"latest\" and ranges are refused", true},
	{PinInvalid, ClassInput, Sev3, ByPublisher, "a pinned document does not fit its schema", "correct the document at the named place", true},
	{PinUnknown, ClassInput, Sev3, ByOperator, "a pinned runner, version or artifact is not known to this worker", "pin one that exists, or deploy a worker that has it", true},
	{PolicyInvalid, ClassGovernance, Sev4, ByPolicyOwner, "the policy bundle is not valid", "correct the bundle at the named place", true},
	{ContractsInvalid, ClassGovernance, Sev4, ByPolicyOwner, "the contract set is not valid or lacks a schema that a stage needs", "pin a complete contract set", true},
	{MappingInvalid, ClassClaims, Sev4, ByPublisher, "the pipeline's mapping does not fit the file it maps", "correct the mapping at the named place", true},
	{IndexInvalid, ClassClaims, Sev4, ByPublisher, "the pinned index is not valid", "correct the index at the named line", true},
	{ClaimInvalid, ClassClaims, Sev4, ByPublisher, "a claim document is not usable by the stage that reads it", "see the named document and line", true},
	{DigestMismatch, ClassVerification, Sev2, ByOperator, "stored content is not what its digest says", "restore the artifact from a good copy; do not use anything made from it", true},
	{ArtifactMissing, ClassVerification, Sev2, ByOperator, "an artifact that is referred to is not in the store", "restore the artifact from a good copy", true},
	{SizeMismatch, ClassVerification, Sev2, ByRunnerOwner, "an artifact has not the size its reference says", "correct the runner that declared it", true},
	{MediaTypeMismatch, ClassVerification, Sev2, ByRunnerOwner, "an output has not the media type its stage must yield", "correct the runner that declared it", true},
	{OutputMissing, ClassVerification, Sev2, ByRunnerOwner, "a stage did not yield an output it must", "correct the stage's runner", true},
	{OutputUndeclared, ClassVerification, Sev2, ByRunnerOwner, "a stage yielded an output that the spine does not know", "correct the stage's runner", true},
	{ContractViolation, ClassVerification, Sev2, ByPublisher, "a document violates its schema in the pinned contract set", "correct the document at the named pointer, or pin the right contract set", true},
	{ContractUnchecked, ClassVerification, Sev2, ByRunnerOwner, "an output was not checked against its schema", "see why no check was made; unchecked is never a pass", true},
	{StageOutputConflict, ClassDeterminism, Sev2, ByRunnerOwner, "a second, different output appeared under one idempotency key", "find what is not deterministic in the runner; the first output stays", true},
	{OutputNotReproduced, ClassDeterminism, Sev2, ByRunnerOwner, "the same pins gave another output", "compare the named files; find what is not deterministic in the stage", true},
	{ValidationNotRun, ClassClaims, Sev4, ByPublisher, "validation never ran", "see why the build ended before validate", true},
	{ValidationFailed, ClassClaims, Sev4, ByPublisher, "the validation report says failed", "correct the inputs that the report's issues name", true},
	{ValidationPartial, ClassClaims, Sev4, ByPublisher, "the validation report says partial, which the policy does not admit", "correct the issues, or admit partial in the policy", true},
	{ValidationMalformed, ClassClaims, Sev4, ByRunnerOwner, "the validation report cannot be read as one", "correct the stage's runner", true},
	{ValidationOtherInputs, ClassSafety, Sev2, ByOperator, "the validation report is about other inputs than compile would use", "run validate again over exactly these inputs", true},
	{ValidationIssueLimit, ClassClaims, Sev4, ByPublisher, "the report has more issues of a code or severity than the policy admits", "correct the issues, or change the limit in the policy", true},
	{DependencyMissing, ClassGovernance, Sev4, ByRequester, "a stage that must come before has no authoritative output", "run the stage before", true},
	{DependencyNotPassed, ClassSafety, Sev1, ByOperator, "a stage that must come before did not pass all its gates", "clear the earlier refusal first", true},
	{DependencyVoided, ClassGovernance, Sev4, ByRequester, "an output is of a generation that a retry has voided", "run the stages again from the retried one", true},
	{CompileFailed, ClassCompile, Sev3, ByRunnerOwner, "compile could not make the artifacts", "see the stage's message", true},
	{RunnerUnavailable, ClassInput, Sev3, ByOperator, "a runner could not be reached or started", "start the service or install the program, then retry the stage", false},
	{RunnerFailed, ClassInput, Sev3, ByRunnerOwner, "a runner ended with an error", "see the message and the tail of its stderr in the stage's record", false},
	{RunnerTimeout, ClassInput, Sev3, ByRunnerOwner, "a runner did not finish in the pinned time", "raise the stage's timeout, or make the runner faster", false},
	{RunnerOutputInvalid, ClassVerification, Sev2, ByRunnerOwner, "a runner's answer is not a valid result", "correct the runner; see docs/runners.md for the shape", true},
	{RunnerOutputTooLarge, ClassVerification, Sev2, ByRunnerOwner, "a runner's output goes beyond the pinned limit", "raise max_output_bytes, or make the runner write less", true},
	{RunnerChanged, ClassVerification, Sev2, ByRunnerOwner, "the program of a runner is not the pinned one", "restore the program, or pin the new one in a new build", true},
	{CallbackUnsigned, ClassSafety, Sev2, ByOperator, "a runner's callback bears no valid signature", "sign the callback with the secret sent in the request", true},
	{StoppedByOperator, ClassGovernance, Sev4, ByRequester, "an operator stopped the build", "start a new build if it is still wanted", true},
	{IdempotencyKeyReused, ClassGovernance, Sev4, ByRequester, "the idempotency key was used for another request", "use a new key, or repeat the request exactly", true},
	{InvalidTransition, ClassGovernance, Sev4, ByRequester, "the action is not legal in the state the record is in", "see the record's state; the message names the legal ones", true},
	{NotFound, ClassGovernance, Sev4, ByRequester, "no such record in this organization", "check the id", true},
	{RequestInvalid, ClassGovernance, Sev4, ByRequester, "the request is not valid", "correct the request at the named place", true},
	{Unauthorized, ClassGovernance, Sev4, ByRequester, "the caller is not known or may not do this", "send a valid token; a local stack writes one to client.json", true},
	{RecordUnavailable, ClassAudit, Sev4, ByOperator, "the Build Record is not written yet", "wait for the build to end", false},
	{EventCursorUnknown, ClassAudit, Sev3, ByOperator, "an event cursor is beyond the end of the log", "check that the cursor is of this server; if it is, the log has lost leaves: run orgo audit verify before going on", true},
	{TooManyStreams, ClassGovernance, Sev4, ByRequester, "the server has as many event streams as it admits", "close streams that are not needed, or try again later", false},
	{GateError, ClassSafety, Sev1, ByOperator, "a gate could not decide, which counts as a refusal", "see the decision's evidence; report it if the evidence is sound", true},
	{EvidenceMissing, ClassSafety, Sev1, ByOperator, "a gate got no evidence for something it must decide on", "see which evidence is absent and why", true},
	{LedgerTampered, ClassAudit, Sev1, ByOperator, "the log, what it covers, or a read model is not what was recorded", "keep the database as it is, treat what is named as an incident, and restore from a copy that verifies", true},
	{LedgerPending, ClassAudit, Sev4, ByOperator, "what was recorded has no place in the log yet", "ask again in a second; if it stays so, see that a server with the ledger's key runs", false},
	{BundleInvalid, ClassAudit, Sev2, ByOperator, "an evidence bundle is not what Orgo wrote, or not of this log", "get it again from its source; if it stays so, do not rely on what it claims", true},
	{EvidenceErased, ClassAudit, Sev3, ByNobody, "what would prove this was erased", "check the log itself with orgo audit verify, which lists what was erased and when", true},
	{WebhookNotTaken, ClassAudit, Sev3, ByOperator, "a webhook's receiver did not take an event, however often it was sent", "mend the receiver, then orgo webhook redrive ID", false},
	{LedgerNotExtended, ClassAudit, Sev1, ByOperator, "the server's log does not extend the one that this client knows", "rely on nothing that this server says; have the log verified against the kept checkpoint, and remove that only if another log is meant", true},
	{SourceNotAllowed, ClassInput, Sev3, ByPublisher, "an input comes from a source or collector that the policy does not allow", "take it from an allowed source, or allow this one in the policy", true},
	{ContractSetNotAllowed, ClassGovernance, Sev4, ByRequester, "the pinned contract set is not one that the policy allows", "pin an allowed contract set, or allow this one in the policy", true},
	{ArtifactTooLarge, ClassVerification, Sev3, ByRunnerOwner, "an output is larger than the policy admits", "make the output smaller, or raise the limit in the policy", true},
	{ArtifactRevoked, ClassVerification, Sev2, ByNobody, "an artifact has been revoked", "do not use it; build anew from what is not revoked", true},
	{SignatureMissing, ClassVerification, Sev2, ByRunnerOwner, "an output that must be signed bears no signature", "have the runner sign the output", true},
	{SignatureInvalid, ClassVerification, Sev2, ByRunnerOwner, "a signature does not verify over what bears it", "find out who changed the content or the signature; do not use it", true},
	{SignerNotAllowed, ClassVerification, Sev2, ByRunnerOwner, "no signature is of a key that the policy allows", "sign with an allowed key, or allow the key in the policy", true},
	{NotReproducedEnough, ClassDeterminism, Sev4, ByRequester, "a build was not reproduced as often as the policy asks", "run orgo build reproduce ID", false},
	{CompatibilityUnknown, ClassDistribution, Sev3, ByOperator, "it is not known whether a pack may follow the active one", "state version and format of both packs", true},
	{FormatIncompatible, ClassDistribution, Sev3, ByOperator, "the format of a pack does not follow that of the active one", "build in a format that the policy admits, or migrate the readers first", true},
	{DowngradeRefused, ClassDistribution, Sev4, ByOperator, "a version is lower than the policy admits", "release a higher version; to go back, roll back", true},
	{IndexRefused, ClassDistribution, Sev3, ByOperator, "a channel index is malformed, or may not follow the one that is published", "see which rule it breaks; publish an index that follows", true},
	{IndexDowngrade, ClassSafety, Sev2, ByApprover, "a channel index takes a cohort back without an authorization for that very step", "roll back through Orgo, which authorizes the step", true},
	{PublishFenced, ClassDistribution, Sev3, ByRequester, "an index of this sequence or a later one is published already", "read the published index and make the next one from it", true},
	{TargetBusy, ClassDistribution, Sev4, ByTime, "another publisher holds the target", "wait until it has ended", false},
	{TargetUnavailable, ClassDistribution, Sev3, ByOperator, "a target cannot be read or written", "see that its disk is there, has room and is writable", false},
	{TargetUnreadable, ClassRuntime, Sev1, ByOperator, "the index that a target says is active is not there or not what its digest says", "find out who changed the target; nothing is published over it", true},
	{PackNotDistributed, ClassDistribution, Sev3, ByOperator, "a pack is to be active that is not whole on the target", "distribute it first", true},
	{TargetLinkForeign, ClassRuntime, Sev1, ByOperator, "a link of a target leads elsewhere than the index says, or is of no cohort", "find out who changed it; publish the same index again, which puts links right", true},
	{TargetLinkMissing, ClassRuntime, Sev1, ByOperator, "a link of a target is not there", "find out who removed it; publish the same index again, which puts links right", true},
	{TargetPackMissing, ClassRuntime, Sev1, ByOperator, "a link of a target leads to a pack of which something is missing", "find out who removed it; distribute the pack again", true},
	{TargetPackChanged, ClassRuntime, Sev1, ByOperator, "an active pack has other content than its digests say", "find out who changed it; distribute the pack again", true},
	{ApprovalsMissing, ClassGovernance, Sev4, ByApprover, "not everybody has approved whose approval the policy asks for", "have those who are named approve", false},
	{ApprovalRejected, ClassGovernance, Sev4, ByNobody, "somebody rejected the intent", "make another intent that meets the objection", true},
	{ChannelFrozen, ClassGovernance, Sev4, ByTime, "a freeze window holds back promotion", "wait until the window ends; containment is never frozen", false},
	{AnalysisIncomplete, ClassRuntime, Sev4, ByTime, "the analysis of a cohort has not ended; one that is ended early is no pass", "wait until it ends", false},
	{TelemetryStale, ClassRuntime, Sev1, ByOperator, "telemetry is older than the policy admits", "see why the cohort is silent", false},
	{ReportingTooLow, ClassRuntime, Sev1, ByOperator, "too few members of a cohort report", "see why the others are silent", false},
	{MetricNoData, ClassRuntime, Sev1, ByOperator, "a metric that must be judged has no value", "see why it is not measured; no data is no pass", false},
	{MetricTooFewSamples, ClassRuntime, Sev4, ByTime, "a metric is made from too few samples to be judged", "wait for more", false},
	{MetricOutOfBounds, ClassRuntime, Sev1, ByOperator, "a metric is out of its bounds", "roll back, and find the cause", true},
	{MetricWorse, ClassRuntime, Sev1, ByOperator, "a canary fails more often than its control, by a test that may be looked at at any time", "roll back, and find the cause", true},
	{SilenceBudgetExceeded, ClassRuntime, Sev1, ByOperator, "a member of a cohort has been silent for longer than the policy admits", "see why it is silent", false},
	{SampleInvalid, ClassAudit, Sev4, ByRequester, "a sample of telemetry cannot be read", "correct the sample at the named pointer", true},
	{SampleConflict, ClassAudit, Sev3, ByRequester, "the id of a sample of telemetry is that of another one", "give each sample an id of its own, or none", true},
	{SampleInFuture, ClassAudit, Sev4, ByRequester, "the time of a sample is later than now; it is counted apart", "set the node's clock", false},
	{SampleStale, ClassAudit, Sev4, ByRequester, "a sample is too old when it comes; it is counted apart", "send samples sooner", true},
	{SampleEarly, ClassAudit, Sev4, ByRequester, "a sample is from before its cohort was activated; it is counted apart", "send samples from the activation on", true},
	{OrganizationForeign, ClassSafety, Sev2, ByRequester, "a sample names another organization than its sender's", "send with a token of that organization", true},
	{ReleaseUnknown, ClassGovernance, Sev4, ByRequester, "the organization has no such release that takes telemetry", "check the release's id; one that has ended takes none", true},
	{CohortUnknown, ClassGovernance, Sev4, ByRequester, "the release has no such cohort", "check the cohort's name", true},
	{NodeNotInCohort, ClassSafety, Sev2, ByRequester, "a node reports for a cohort that it is no member of; it is counted apart", "see why it runs the release, or correct the cohort it names", true},
	{WindowInvalid, ClassAudit, Sev2, ByOperator, "a window of telemetry is not one that samples can have made", "find out who sent it; the relay sends the right one", true},
	{WindowConflict, ClassAudit, Sev2, ByOperator, "two windows of a cohort contradict each other", "find out who sent them; make the window again from the stored samples", true},
	{PolicyRuleRefused, ClassGovernance, Sev4, ByPublisher, "an expression of the policy does not hold", "see the rule's message and the facts that it asks for", true},
	{PolicyUnsigned, ClassSafety, Sev1, ByPolicyOwner, "a policy bundle bears no signature where one is required, or one that does not verify", "have the bundle signed by a trusted key", true},
	{PolicyCaseFailed, ClassGovernance, Sev4, ByPolicyOwner, "a case of a policy bundle ends in another decision than it expects", "correct the bundle or the case", true},
	{WarningLimit, ClassGovernance, Sev4, ByPublisher, "a gate has more warnings than the policy admits", "clear what the warnings name, or raise the limit", true},
	{OverrideForbidden, ClassSafety, Sev3, ByPublisher, "a gate may not be overridden, or not by this actor", "clear the refusal; the policy names which gates can be overridden, and some never can", true},
	{OverrideIncomplete, ClassGovernance, Sev4, ByRequester, "an override lacks actor, reason, case or expiry, or is about another refusal", "give what is named", true},
	{DecisionNotReplayable, ClassAudit, Sev3, ByOperator, "a stored decision cannot be made again", "see why: an evaluator that kept no inputs, an erased policy, or a defect", true},
	{StoreUnavailable, ClassAudit, Sev3, ByOperator, "the record store cannot be reached or written", "restore the database; running work goes on by itself", false},
	{TemporalUnavailable, ClassAudit, Sev3, ByOperator, "the temporal server does not answer", "restore it; what is recorded goes on by itself", false},
	{ServerUnreachable, ClassAudit, Sev4, ByOperator, "the command line cannot reach the server", "start it, or correct ORGO_URL; a local stack is started with go run ./deployments/local", false},
	{UnexpectedAnswer, ClassAudit, Sev4, ByOperator, "the server's answer is not one that this client knows", "check that ORGO_URL is an Orgo server of this version", true},
	{CommandFailed, ClassAudit, Sev4, ByOperator, "the command could not be done", "see the message", false},
	{Interrupted, ClassGovernance, Sev4, ByRequester, "the command was interrupted; what it started goes on", "run orgo build watch to follow it again", false},
	{InternalError, ClassAudit, Sev3, ByOperator, "a defect in Orgo", "report it with the build's id", false},
	{PackUnverified, ClassVerification, Sev2, ByOperator, "a pack was not verified just before it should become active", "verify it; if it does not verify, restore its artifacts from a good copy", false},
	{PackQuarantined, ClassVerification, Sev2, ByOperator, "a pack is quarantined", "release another one, or clear the quarantine with a reason", false},
	{BelowMinimum, ClassGovernance, Sev3, ByRequester, "a version is below the minimum of its channel, which only rises", "release a version at or above the minimum", true},
	{MinimumOnlyRises, ClassGovernance, Sev4, ByNobody, "a channel's minimum was to be lowered", "choose a higher version; to go back, roll back", true},
	{ContainmentUnderWay, ClassRuntime, Sev3, ByTime, "a rollback of the channel is under way", "wait until it ends, and lift the hold that follows", false},
	{ContainmentChanged, ClassRuntime, Sev3, ByTime, "a rollback was overtaken by a wider one, or has ended", "see orgo channel get: the one under way is named there", false},
	{NothingToContain, ClassGovernance, Sev4, ByRequester, "nothing of what should be rolled back is active on the channel", "see orgo channel get for what is", true},
	{RollbackNoTarget, ClassRuntime, Sev1, ByOperator, "a rollback found nothing to go back to", "release a pack that verifies; see the rejected candidates and their codes", false},
	{FailedBefore, ClassRuntime, Sev3, ByNobody, "a rollback does not go to a pack that failed in the same way", "release a corrected pack", true},
	{ReleaseQueued, ClassGovernance, Sev4, ByTime, "another release has its turn on the channel", "wait, or supersede the running release explicitly", false},
	{ReleaseSuperseded, ClassGovernance, Sev4, ByNobody, "another release took the turn of this one", "create a new release", true},
	{ReleaseHeld, ClassGovernance, Sev4, ByOperator, "the release is held", "have each owner of a hold lift it", false},
	{ChannelHeld, ClassGovernance, Sev4, ByOperator, "the channel is held", "have each owner of a hold lift it; after a rollback, any person may", false},
	{ChannelPinned, ClassGovernance, Sev4, ByOperator, "the channel is pinned to another pack", "have the owner of the pin remove it, or wait until it expires", false},
	{HoldOfAnother, ClassGovernance, Sev4, ByOperator, "a hold is lifted by its owner alone", "ask the owner, who is named", true},
	{PublishPending, ClassDistribution, Sev4, ByTime, "the last index of the channel is not yet read back", "wait until it is; if it is not, see the channel's target", false},
	{SequenceStale, ClassDistribution, Sev4, ByTime, "an index, or what was read with it, is older than the newest", "nothing: the newest counts", false},
	{ActivationFailed, ClassDistribution, Sev3, ByOperator, "a cohort was read back with something else active than was published", "see the target's log; the release is rolled back", true},
	{DriftDetected, ClassRuntime, Sev2, ByOperator, "a cohort has something else active than the index says", "find out who changed it; the channel moves on when both agree again", false},
	{RollbackRequested, ClassGovernance, Sev3, ByNobody, "an operator asked to take a release back", "release a corrected pack", true},
	{AbortRequested, ClassGovernance, Sev4, ByNobody, "an operator ended a release", "create a new release", true},
	{DowngradeApproved, ClassGovernance, Sev4, ByNobody, "a release takes a cohort to a pack that was built earlier, as its approved intent says", "nothing needs to be done", true},
	{ApproverNotSeparate, ClassGovernance, Sev4, ByApprover, "who asked for a release, started its build or changed its policy may not approve it", "ask somebody else to approve", true},
	{IntentChanged, ClassGovernance, Sev4, ByApprover, "an approval is of another intent than the release has now", "look at the release again and approve what it is now", true},
	{SetAborted, ClassGovernance, Sev3, ByNobody, "another release of the set went back or ended, and takes all with it", "look at that one; create a new set", true},
	{PromotionMissing, ClassGovernance, Sev4, ByOperator, "a stage asks for an operator to promote it", "promote the release", false},
	{GlassUnconfirmed, ClassGovernance, Sev4, ByApprover, "a break-glass needs two different persons, the second of whom confirms it", "have another person confirm it", false},
	{GlassExpired, ClassGovernance, Sev4, ByNobody, "a break-glass is only good for a few hours after it was opened", "open another one, if it is still needed", true},
	{GlassUsed, ClassGovernance, Sev4, ByNobody, "a break-glass is good for one use, and for none once it is reviewed", "open another one, if it is still needed", true},
	{GlassOutOfScope, ClassSafety, Sev3, ByRequester, "a break-glass is for the gates, the stage and the intent that it names, and for a refusal that is there", "open one for exactly what was refused", true},
	{GlassReviewOverdue, ClassGovernance, Sev3, ByOperator, "an earlier break-glass of the organization was not reviewed in time", "review it; it is named", false},
	{CaseTerminal, ClassGovernance, Sev4, ByRequester, "the Case has ended and takes nothing new", "reopen it, if its route lets it be, or open another", true},
	{CaseFull, ClassGovernance, Sev4, ByRequester, "the Case has as many tasks or references as one can have", "open another, and link the two", true},
	{CaseCauseActive, ClassGovernance, Sev4, ByTime, "what opened the Case is being tried again just now", "wait until that has ended, or say that you close it nevertheless", false},
	{CaseCauseOpen, ClassGovernance, Sev4, ByRequester, "what the Case is about has another open Case", "go on in that one, which is named", true},
	{TaskUnknown, ClassGovernance, Sev4, ByRequester, "the Case has no such task", "check the id", true},
	{TaskExists, ClassGovernance, Sev4, ByRequester, "the Case has a task of that key", "use another key, or the task that there is", true},
	{TaskTerminal, ClassGovernance, Sev4, ByRequester, "the task has ended", "open another task", true},
	{TasksOpen, ClassGovernance, Sev4, ByOperator, "tasks of the Case have not ended", "end each of them, or cancel the Case with all of them", false},
	{VersionStale, ClassGovernance, Sev4, ByRequester, "the writer has not seen the newest version of what it writes", "look at what changed since, and decide again", false},
	{ReasonMissing, ClassGovernance, Sev4, ByRequester, "this needs a reason", "say why", true},
	{ResolutionMissing, ClassGovernance, Sev4, ByRequester, "this needs a resolution", "say how it was resolved", true},
	{ReviewMissing, ClassGovernance, Sev4, ByApprover, "the Case is completed by the approval of another person", "take it to WAITING_REVIEW, and have another person complete it", false},
	{ApproverIsResolver, ClassGovernance, Sev4, ByApprover, "nobody approves what they resolved themselves", "have another person approve", false},
	{OwnerMissing, ClassGovernance, Sev4, ByRequester, "somebody has to own it", "name an owner", true},
	{ReopenNotPermitted, ClassGovernance, Sev4, ByNobody, "the route of the Case does not let it be reopened, or not any more", "open another, and link the two", true},
	{DeadlineNotDue, ClassGovernance, Sev4, ByTime, "an escalation is not due", "wait for the deadline that is named", false},
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
