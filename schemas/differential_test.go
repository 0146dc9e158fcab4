package schemas

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	peer "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

// The differential test holds the wrapper against another validator, which others
// have written, on schemas and documents that are generated.
const (
	// differentialPairs is how many pairs are compared where ORGO_FUZZ_PAIRS does
	// not say it.
	differentialPairs = 10_000
	// differentialSeed is the seed where ORGO_FUZZ_SEED does not say it.
	differentialSeed = 1
	// documentsPerSchema bounds the documents for one schema: compiling costs more
	// than validating.
	documentsPerSchema = 40
	// documentBytes bounds a document: of a schema that refers to itself twice for
	// the same value, the work doubles with every level.
	documentBytes = 1_000
)

// verdict says whether a validator accepts a document.
type verdict func(document []byte) bool

// compiling makes a validator of a schema, or refuses the schema.
type compiling func(schema []byte) (verdict, error)

// wrapper is what is tested.
func wrapper(schema []byte) (verdict, error) {
	validator, err := compileOne(string(schema))
	if err != nil {
		return nil, err
	}
	return func(document []byte) bool {
		report, err := validator.Validate(document)
		return err == nil && report.Valid()
	}, nil
}

// witness returns the other validator. It asserts formats, as the wrapper does:
// its own checks, or those of the wrapper. It has nothing to fetch from.
func witness(checks map[string]func(any) bool) compiling {
	return func(schema []byte) (verdict, error) {
		const at = "https://example.org/main"
		parsed, err := peer.UnmarshalJSON(bytes.NewReader(schema))
		if err != nil {
			return nil, err
		}
		compiler := peer.NewCompiler()
		compiler.DefaultDraft(peer.Draft2020)
		compiler.AssertFormat()
		compiler.UseLoader(peer.SchemeURLLoader{})
		if checks != nil { // the format regex is what the engine compiles
			compiler.UseRegexpEngine(translating)
		}
		for name, check := range checks {
			compiler.RegisterFormat(&peer.Format{Name: name, Validate: func(value any) error {
				if text, isText := value.(string); isText && !check(text) {
					return fmt.Errorf("is not of the format %s", name)
				}
				return nil
			}})
		}
		if err := compiler.AddResource(at, parsed); err != nil {
			return nil, err
		}
		compiled, err := compiler.Compile(at)
		if err != nil {
			return nil, err
		}
		return func(document []byte) bool {
			value, err := peer.UnmarshalJSON(bytes.NewReader(document))
			return err == nil && compiled.Validate(value) == nil
		}, nil
	}
}

// translating compiles what the wrapper takes for a regular expression.
func translating(pattern string) (peer.Regexp, error) {
	translated, problem := translateRegex(pattern)
	if problem != "" {
		return nil, errors.New(problem)
	}
	return regexp.Compile(translated)
}

// tally is what a comparison found.
type tally struct {
	schemas, refused int // refused: by what is tested
	pairs, accepted  int // of the schemas that it compiles; accepted: by both
	explained        int // pairs of which formatDifferences says why the validators differ
	disagreements    []disagreement
}

func (t *tally) add(other tally) {
	t.schemas += other.schemas
	t.refused += other.refused
	t.pairs += other.pairs
	t.accepted += other.accepted
	t.explained += other.explained
	t.disagreements = append(t.disagreements, other.disagreements...)
}

// disagreement is a pair of which two validators say different things, or a
// schema that only what is tested compiles.
type disagreement struct {
	index            uint64
	schema, document []byte
	problem          string
}

func (d disagreement) String() string {
	return fmt.Sprintf("%s\n  index    %d\n  schema   %s\n  document %s", d.problem, d.index, d.schema, d.document)
}

// compareOne compares validators on the schema of an index and its documents.
func compareOne(t testing.TB, seed, index uint64, tested compiling, witnessed map[string]verdict) tally {
	source := newPairs(seed, index)
	schema := marshal(t, source.schema())
	found := tally{schemas: 1}
	accepts, err := tested(schema)
	if err != nil {
		found.refused++
		return found
	}
	expects, err := witness(nil)(schema)
	if err != nil {
		found.disagreements = []disagreement{{index, schema, nil, "compiles, and should not: " + err.Error()}}
		return found
	}
	seen := map[string]bool{}
	for range documentsPerSchema {
		value := source.document()
		document := marshal(t, value)
		if len(document) > documentBytes || seen[string(document)] {
			continue
		}
		seen[string(document)] = true
		found.pairs++
		got, want := accepts(document), expects(document)
		switch {
		case got && want:
			found.accepted++
		case got == want:
		case explained(t, schema, document, value, got, witnessed):
			found.explained++
		default:
			found.disagreements = append(found.disagreements,
				disagreement{index, schema, document, fmt.Sprintf("accepted: %t, expected: %t", got, want)})
		}
	}
	return found
}

// explained reports whether validators differ because of formats alone, and of
// each text that they take differently, for a format that the schema names,
// formatDifferences says why.
func explained(t testing.TB, schema, document []byte, value any, got bool, witnessed map[string]verdict) bool {
	expects, err := witness(formats)(schema)
	require.NoError(t, err)
	if expects(document) != got {
		return false
	}
	known := formatDifferences()
	for _, text := range textsOf(value) {
		quoted := marshal(t, text)
		for format, takes := range witnessed {
			if !bytes.Contains(schema, fmt.Appendf(nil, `"format":%q`, format)) {
				continue
			}
			if own := formats[format](text); own != takes(quoted) && differenceOf(known, format, text, own) < 0 {
				return false
			}
		}
	}
	return true
}

// textsOf returns the strings of a value, and the names of members.
func textsOf(value any) []string {
	var found []string
	switch value := value.(type) {
	case string:
		found = []string{value}
	case []any:
		for _, item := range value {
			found = append(found, textsOf(item)...)
		}
	case map[string]any:
		for name, member := range value {
			found = append(append(found, name), textsOf(member)...)
		}
	}
	return found
}

func marshal(t testing.TB, value any) []byte {
	data, err := json.Marshal(value)
	require.NoError(t, err)
	return data
}

// compare compares at least so many pairs, on two goroutines. It stops early at
// the first disagreement if it is asked to.
func compare(t testing.TB, seed uint64, pairs int, tested compiling, stop bool) tally {
	var (
		total tally
		mu    sync.Mutex
		next  atomic.Uint64
		group sync.WaitGroup
	)
	witnessed := witnessFormats(t)
	work := func() (enough bool) {
		found := compareOne(t, seed, next.Add(1)-1, tested, witnessed)
		mu.Lock()
		defer mu.Unlock()
		total.add(found)
		return total.pairs >= pairs || stop && len(total.disagreements) > 0
	}
	for range 2 {
		group.Go(func() {
			for !work() {
			}
		})
	}
	group.Wait()
	return total
}

// withoutRace skips a test under the race detector.
func withoutRace(t *testing.T) {
	t.Helper()
	if underRace {
		t.Skip("pure computation: it runs without the race detector")
	}
}

// setting returns a number from the environment.
func setting(t *testing.T, variable string, without int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return without
	}
	number, err := strconv.Atoi(text)
	require.NoError(t, err, variable)
	return number
}

// TestDifferential compares the wrapper with another validator. "make
// differential" does it for 1,000,000 pairs.
func TestDifferential(t *testing.T) {
	t.Parallel()
	withoutRace(t)
	pairs := setting(t, "ORGO_FUZZ_PAIRS", differentialPairs)
	begun := time.Now()
	found := compare(t, uint64(setting(t, "ORGO_FUZZ_SEED", differentialSeed)), pairs, wrapper, false)
	rejected := found.pairs - found.accepted - found.explained - len(found.disagreements)
	t.Logf("%d pairs in %s: %.1f%% accepted, %.1f%% rejected, %d explained, %d disagreements; %d schemas, %.1f%% refused",
		found.pairs, time.Since(begun).Round(time.Second), percent(found.accepted, found.pairs), percent(rejected, found.pairs),
		found.explained, len(found.disagreements), found.schemas, percent(found.refused, found.schemas))
	for _, d := range found.disagreements[:min(len(found.disagreements), 20)] {
		t.Error(d)
	}
	require.Greater(t, percent(found.accepted, found.pairs), 25.0, "few documents are accepted: the test goes blind")
	require.Greater(t, percent(rejected, found.pairs), 25.0, "few documents are rejected: the test goes blind")
	require.Greater(t, percent(found.refused, found.schemas), 0.5, "few schemas are refused: the test goes blind")
	require.Less(t, percent(found.refused, found.schemas), 10.0, "many schemas are refused: the test goes blind")
	require.Less(t, percent(found.explained, found.pairs), 1.0, "many differences are explained: the test goes blind")
}

func percent(part, whole int) float64 { return 100 * float64(part) / float64(max(whole, 1)) }

// A validator that ignores one keyword is found out, whichever it is. So every
// keyword that decides anything is generated, and in a way that it does decide.
func TestDifferentialFindsAnIgnoredKeyword(t *testing.T) {
	t.Parallel()
	withoutRace(t)
	for _, name := range sortedKeys(keywords) {
		switch keywords[name].use {
		case defines, annotates:
			continue
		case identifies:
			if name != "$ref" { // without the others a $ref leads nowhere, which is refused
				continue
			}
		case asserts, applies:
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ignorant := func(schema []byte) (verdict, error) {
				var value any
				decoder := json.NewDecoder(bytes.NewReader(schema))
				decoder.UseNumber()
				if err := decoder.Decode(&value); err != nil {
					return nil, err
				}
				return wrapper(marshal(t, without(value, name)))
			}
			found := compare(t, differentialSeed, differentialPairs, ignorant, true)
			require.NotEmpty(t, found.disagreements, "%d pairs do not tell", found.pairs)
		})
	}
}

// without returns a schema without a keyword. Members of that name go too.
func without(value any, keyword string) any {
	switch value := value.(type) {
	case []any:
		for i, item := range value {
			value[i] = without(item, keyword)
		}
	case map[string]any:
		delete(value, keyword)
		for name, member := range value {
			value[name] = without(member, keyword)
		}
	}
	return value
}

// The library by itself, without the wrapper's remedies, is found out too.
func TestDifferentialFindsWhatTheWrapperRemedies(t *testing.T) {
	t.Parallel()
	withoutRace(t)
	bare := func(schema []byte) (verdict, error) {
		if _, err := wrapper(schema); err != nil {
			return nil, err
		}
		compiled, err := compileBare(schema)
		if err != nil {
			return nil, err
		}
		return func(document []byte) bool {
			value, err := decodeJSON(document)
			return err == nil && compiled.ValidateStruct(value).IsValid()
		}, nil
	}
	found := compare(t, differentialSeed, differentialPairs, bare, true)
	require.NotEmpty(t, found.disagreements)
}
