package schemas

import (
	"fmt"
	"runtime"

	"github.com/kaptinlin/jsonschema"
)

// Validators are the compiled schemas of one set.
type Validators struct {
	byName map[string]*Validator
}

// Compile compiles a set of JSON Schemas (2020-12), by name. Schemas refer to
// each other by $id. Nothing outside the set is ever read.
//
// What would let documents pass unseen is a *SchemaError instead: a $ref that
// leads nowhere or in a circle, $dynamicRef, a repeated $id or $anchor, another
// dialect, a keyword or format that is not checked, a malformed keyword, a
// regular expression that RE2 cannot run or reads differently.
func Compile(set map[string][]byte) (*Validators, error) {
	parsed, err := parseSet(set)
	if err != nil {
		return nil, err
	}
	compiled := &Validators{byName: make(map[string]*Validator, len(set))}
	for _, name := range sortedKeys(parsed.roots) {
		validator, err := newValidator(name, parsed.roots[name])
		if err != nil {
			return nil, err
		}
		compiled.byName[name] = validator
	}
	return compiled, nil
}

// Validator returns the validator of a schema of the set.
func (v *Validators) Validator(name string) (*Validator, bool) {
	validator, found := v.byName[name]
	return validator, found
}

// Validator decides whether documents satisfy one schema. It is safe for
// concurrent use.
//
// The library writes to a schema while it validates with it, so every compiled
// instance serves one goroutine at a time. There are as many as can run at once;
// all but the first are compiled when they are first needed.
type Validator struct {
	name      string
	form      []byte // the schema in normal form
	site      *site
	instances chan *jsonschema.Schema // nil: not compiled yet
}

func newValidator(name string, root *node) (*Validator, error) {
	form, at, err := emit(root)
	if err != nil {
		return nil, &SchemaError{Schema: name, Problem: "cannot be written in normal form: " + err.Error(), Cause: err}
	}
	v := &Validator{name: name, form: form, site: at, instances: make(chan *jsonschema.Schema, runtime.GOMAXPROCS(0))}
	first, err := v.compile()
	if err != nil {
		return nil, err
	}
	v.instances <- first
	for range cap(v.instances) - 1 {
		v.instances <- nil
	}
	return v, nil
}

// compile gives the library the normal form. What it may still object to, and
// what it may leave unresolved, is refused too.
func (v *Validator) compile() (*jsonschema.Schema, error) {
	compiler := jsonschema.NewCompiler().SetAssertFormat(true)
	clear(compiler.Loaders)
	for name, check := range formats {
		compiler.RegisterFormat(name, check, "string")
	}
	instance, err := compiler.Compile(v.form)
	if err != nil {
		return nil, &SchemaError{Schema: v.name, Problem: "does not compile: " + err.Error(), Cause: err}
	}
	if unresolved := instance.UnresolvedReferenceURIs(); len(unresolved) > 0 {
		return nil, &SchemaError{Schema: v.name, Problem: fmt.Sprintf("has unresolved references: %q", unresolved)}
	}
	return instance, nil
}

// Validate decides whether a JSON document satisfies the schema. The error is a
// *JSONError where doc is no JSON document within the limits of this package
// (size, depth, length and range of numbers; duplicate keys are refused).
// Numbers are compared exactly, not as doubles.
func (v *Validator) Validate(doc []byte) (Report, error) {
	value, err := decodeJSON(doc)
	if err != nil {
		return Report{}, err
	}
	result, err := v.evaluate(value)
	if err != nil {
		return Report{}, err
	}
	if result.IsValid() {
		return Report{}, nil
	}
	return newReport(v.name, result, v.site, value), nil
}

// evaluate borrows an instance. A panic of the library is an error, and the
// instance in which it happened is not used again.
func (v *Validator) evaluate(value any) (result *jsonschema.EvaluationResult, err error) {
	instance := <-v.instances
	defer func() {
		if cause := recover(); cause != nil {
			result, instance = nil, nil
			err = fmt.Errorf("schema %q: the validator failed: %v", v.name, cause)
		}
		v.instances <- instance
	}()
	if instance == nil {
		if instance, err = v.compile(); err != nil {
			return nil, err
		}
	}
	if object, ok := value.(map[string]any); ok {
		return instance.ValidateMap(object), nil
	}
	return instance.ValidateStruct(value), nil
}
