package gates

// EvaluatorVersion is the version of the meaning of all gates. A change of
// meaning is a new version; a workflow keeps the one that it began with
// (workflow.GetVersion), and a stored decision is replayed under its own.
const EvaluatorVersion = "2"

// evaluator is what differs from one version to the next.
type evaluator struct {
	// builtin has the rules of gates that hold under any policy, where they are not
	// those of the gate's own row.
	builtin map[Gate]func(Context, any) []Finding
	// policy says that the rules of the policy are findings of their own. Before,
	// only the validation gate knew any, and read them itself.
	policy bool
	// keeps says that decisions hold what they were made from.
	keeps bool
}

var evaluators = map[string]evaluator{
	"1": {builtin: builtin1},
	"2": {policy: true, keeps: true},
}
