package gates

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/env"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// Limits of expressions.
const (
	// maxExpression bounds the text of an expression, in bytes.
	maxExpression = 4096
	// maxCost bounds an expression's cost, estimated when a bundle is registered
	// and counted when it is evaluated, in CEL's units: about one per operation.
	maxCost = 100_000
	// maxListed and maxText are the sizes of facts that estimates reckon with:
	// entries of a list or map, characters of a string. What is larger is found out
	// when it is counted.
	maxListed = 200
	maxText   = 100
)

// expressionConfig is the config of a rule of type "cel": an expression over the
// facts of a gate that must be true. Refuses is one case, of the facts that the
// expression uses, in which it is false: the proof that the rule can refuse.
type expressionConfig struct {
	Gate       Gate                       `json:"gate"`
	Expression string                     `json:"expression"`
	Message    string                     `json:"message"`
	Refuses    map[string]json.RawMessage `json:"refuses"`
}

// expression is a compiled one. Uses lists the facts that it reads.
type expression struct {
	counted cel.Program // counts its cost, and stops at maxCost
	plain   cel.Program // does not: for facts no larger than estimates reckoned with
	uses    []fact
}

// knownFact is a fact in the form in which expressions read it, nil if the
// evidence does not hold it. Large ones may cost more than was estimated.
type knownFact struct {
	value ref.Val
	large bool
}

// knownFacts are facts by name, as an activation that expressions read.
type knownFacts map[string]knownFact

// ResolveName returns the value of a fact.
func (k knownFacts) ResolveName(name string) (any, bool) {
	known := k[name]
	return known.value, known.value != nil
}

// Parent returns none.
func (knownFacts) Parent() cel.Activation { return nil }

// fact returns a fact of the evidence, which several expressions may ask for.
func (c Context) fact(f fact, evidence any) knownFact {
	known, there := c.known[f.name]
	if !there {
		known = asKnown(f.of(c, evidence))
		c.known[f.name] = known
	}
	return known
}

func asKnown(value any) knownFact {
	switch v := value.(type) {
	case nil:
		return knownFact{}
	case string:
		return knownFact{types.String(v), len(v) > maxText}
	case []string:
		long := slices.ContainsFunc(v, func(text string) bool { return len(text) > maxText })
		return knownFact{types.DefaultTypeAdapter.NativeToValue(v), long || len(v) > maxListed}
	case map[string]int64:
		counts := make(map[string]any, len(v))
		for name, n := range v {
			counts[name] = n
		}
		return knownFact{types.NewStringInterfaceMap(types.DefaultTypeAdapter, counts), len(v) > maxListed}
	default:
		return knownFact{types.DefaultTypeAdapter.NativeToValue(v), false}
	}
}

func readExpression(raw json.RawMessage) (ruleMade, error) {
	var config expressionConfig
	if err := strict(raw, &config); err != nil {
		return ruleMade{}, err
	}
	spec, known := specOf(config.Gate)
	switch {
	case !known || len(spec.facts) == 0:
		return ruleMade{}, wrong("/gate", "%q is no gate with facts to ask for", config.Gate)
	case config.Message == "":
		return ruleMade{}, wrong("/message", "must say what the expression asks")
	case len(config.Expression) > maxExpression:
		return ruleMade{}, wrong("/expression", "has more than %d bytes", maxExpression)
	}
	compiled, err := compileExpression(spec, config.Expression)
	if err != nil {
		return ruleMade{}, wrong("/expression", "%v", err)
	}
	if err := compiled.canRefuse(config.Refuses); err != nil {
		return ruleMade{}, wrong("/refuses", "%v", err)
	}
	return ruleMade{gate: config.Gate, find: func(c Context, evidence any) []Finding {
		return compiled.findings(c, evidence, config.Message)
	}}, nil
}

// compileExpression checks an expression: its syntax, its types, that it reads
// evidence, and what it may cost.
func compileExpression(spec gateSpec, text string) (expression, error) {
	environment, err := environmentOf(spec)
	if err != nil {
		return expression{}, err
	}
	checked, issues := environment.Compile(text)
	if issues.Err() != nil {
		first := issues.Errors()[0]
		return expression{}, fmt.Errorf("line %d, column %d: %s", first.Location.Line(), first.Location.Column()+1, first.Message)
	}
	if checked.OutputType() != cel.BoolType {
		return expression{}, fmt.Errorf("is a %s, must be a bool", checked.OutputType())
	}
	if overMap(checked.NativeRep()) {
		return expression{}, fmt.Errorf("goes through a map, which has no order: use count")
	}
	estimate, err := environment.EstimateCost(checked, sizes{})
	if err != nil {
		return expression{}, err
	}
	if estimate.Max > maxCost {
		return expression{}, fmt.Errorf("may cost %d, at most %d admitted", estimate.Max, maxCost)
	}
	uses, evidence := factsUsed(spec, checked.NativeRep())
	if !evidence {
		return expression{}, fmt.Errorf("reads no evidence; the %s gate has %s", spec.gate, factNames(spec.facts))
	}
	counted, err := environment.Program(checked, cel.CostLimit(maxCost))
	if err != nil {
		return expression{}, err
	}
	plain, err := environment.Program(checked)
	return expression{counted, plain, uses}, err
}

// environmentOf returns the environment of a gate's expressions: its facts, and
// the part of the language that cannot fail, has no clock, and shows no order.
// Division and indexing are left out, because their errors vanish beside ||.
func environmentOf(spec gateSpec) (*cel.Env, error) {
	functions := []string{
		operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot, operators.Conditional,
		operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals,
		operators.Add, operators.Subtract, operators.Multiply, operators.In, operators.NotStrictlyFalse,
		"size", "startsWith", "endsWith", "contains", "matches",
	}
	subset := &env.LibrarySubset{IncludeMacros: []string{operators.All, operators.Exists, operators.ExistsOne}}
	for _, name := range functions {
		subset.IncludeFunctions = append(subset.IncludeFunctions, &env.Function{Name: name})
	}
	options := []cel.EnvOption{
		cel.StdLib(cel.StdLibSubset(subset)),
		cel.ASTValidators(cel.ValidateRegexLiterals()),
		// A binding of the overload would look at an entry of the map at every call, to
		// see its type, which is checked already.
		cel.Function("count", cel.MemberOverload("count_of_code",
			[]*cel.Type{celTypes[countsFact], cel.StringType}, cel.IntType), cel.SingletonBinaryBinding(countOf, traits.IndexerType)),
	}
	for _, f := range slices.Concat(contextFacts, spec.facts) {
		options = append(options, cel.Variable(f.name, celTypes[f.kind]))
	}
	return cel.NewCustomEnv(options...)
}

var celTypes = map[factType]*cel.Type{
	intFact: cel.IntType, stringFact: cel.StringType,
	stringsFact: cel.ListType(cel.StringType), countsFact: cel.MapType(cel.StringType, cel.IntType),
}

// countOf returns how often something was counted. Counts are complete: what is
// not among them did not occur.
func countOf(counts, of ref.Val) ref.Val {
	if found, there := counts.(traits.Mapper).Find(of); there {
		return found
	}
	return types.IntZero
}

// overMap reports whether an expression goes through the entries of a map.
func overMap(checked *celast.AST) bool {
	found := false
	celast.PreOrderVisit(checked.Expr(), celast.NewExprVisitor(func(e celast.Expr) {
		if e.Kind() == celast.ComprehensionKind {
			over := checked.GetType(e.AsComprehension().IterRange().ID())
			found = found || over.Kind() != types.ListKind
		}
	}))
	return found
}

// factsUsed returns the facts that an expression reads, and whether any of them
// is evidence.
func factsUsed(spec gateSpec, checked *celast.AST) (uses []fact, evidence bool) {
	read := map[string]bool{}
	celast.PreOrderVisit(checked.Expr(), celast.NewExprVisitor(func(e celast.Expr) {
		if e.Kind() == celast.IdentKind {
			read[e.AsIdent()] = true
		}
	}))
	for _, f := range contextFacts {
		if read[f.name] {
			uses = append(uses, f)
		}
	}
	for _, f := range spec.facts {
		if read[f.name] {
			uses, evidence = append(uses, f), true
		}
	}
	return uses, evidence
}

func factNames(facts []fact) string {
	names := make([]string, 0, len(facts))
	for _, f := range facts {
		names = append(names, f.name)
	}
	return strings.Join(names, ", ")
}

// sizes are what estimates of cost reckon with.
type sizes struct{}

func (sizes) EstimateSize(node cost.AstNode) *cost.SizeEstimate {
	switch node.Type().Kind() {
	case types.ListKind, types.MapKind:
		return &cost.SizeEstimate{Min: 0, Max: maxListed}
	case types.StringKind:
		return &cost.SizeEstimate{Min: 0, Max: maxText}
	default:
		return nil
	}
}

func (sizes) EstimateCallCost(function, _ string, _ *cost.AstNode, _ []cost.AstNode) *cost.CallEstimate {
	if function == "count" {
		return &cost.CallEstimate{CostEstimate: cost.Estimate{Min: 1, Max: 1}}
	}
	return nil
}

// canRefuse returns an error unless the expression is false in the given case.
func (e expression) canRefuse(given map[string]json.RawMessage) error {
	values := map[string]any{}
	for _, f := range e.uses {
		raw, there := given[f.name]
		if !there {
			return fmt.Errorf("must give %s, which the expression uses", f.name)
		}
		value, err := decodeFact(f.kind, raw)
		if err != nil {
			return fmt.Errorf("%s is not a %s: %w", f.name, f.kind, err)
		}
		values[f.name] = value
	}
	if len(given) != len(e.uses) {
		return fmt.Errorf("gives facts that the expression does not use: it uses %s", factNames(e.uses))
	}
	holds, err := evaluated(e.counted, values)
	switch {
	case err != nil:
		return err
	case holds:
		return fmt.Errorf("must be a case in which the expression is false; it is true")
	default:
		return nil
	}
}

func decodeFact(kind factType, raw json.RawMessage) (any, error) {
	switch kind {
	case intFact:
		return decodeAs[int64](raw)
	case stringFact:
		return decodeAs[string](raw)
	case stringsFact:
		return decodeAs[[]string](raw)
	default:
		return decodeAs[map[string]int64](raw)
	}
}

func decodeAs[T any](raw json.RawMessage) (any, error) {
	var value T
	err := json.Unmarshal(raw, &value)
	return value, err
}

// findings evaluates the expression. Every fact that it reads must be there, also
// those that it would not come to: absence is no data, whatever stands beside it.
func (e expression) findings(c Context, evidence any, message string) []Finding {
	var findings []Finding
	program := e.plain
	for _, f := range e.uses {
		known := c.fact(f, evidence)
		if known.large {
			program = e.counted
		}
		if known.value == nil {
			findings = append(findings, Finding{Verdict: NoData, Code: EvidenceMissing,
				Message: fmt.Sprintf("%s: %s is not known", message, f.name)}.about(f.name))
		}
	}
	if len(findings) > 0 {
		return findings
	}
	holds, err := evaluated(program, c.known)
	switch {
	case err != nil:
		return []Finding{{Verdict: Error, Code: GateError, Message: fmt.Sprintf("%s: %v", message, err)}}
	case !holds:
		return []Finding{Finding{Verdict: Fail, Code: PolicyRuleRefused, Message: message}.about(factNames(e.uses))}
	default:
		return nil
	}
}

// evaluated evaluates a program over facts: a map, or knownFacts.
func evaluated(program cel.Program, values any) (bool, error) {
	result, _, err := program.Eval(values)
	if err != nil {
		return false, err
	}
	holds, is := result.Value().(bool)
	if !is {
		return false, fmt.Errorf("is a %T, not a bool", result.Value())
	}
	return holds, nil
}
