package activities

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/signature"
	"github.com/initkoa/orgo/schemas"
)

// readBack reads every output from the store and gathers the evidence on which
// the integrity, contract and validation gates decide.
func (a *Activities) readBack(ctx context.Context, in StageInput, finished records.StageFinished) (StageOutput, error) {
	evidence, err := a.reader.Outputs(ctx, in.Pinned.Stage, in.Contracts, finished.Outputs)
	if err != nil {
		return StageOutput{}, err
	}
	out := StageOutput{Outputs: finished.Outputs, Evidence: evidence}
	for _, output := range finished.Outputs {
		if output.Name == records.OutReport {
			if out.Report, err = a.readReport(ctx, output.Ref); err != nil {
				return StageOutput{}, err
			}
		}
	}
	if in.Pinned.Stage == records.Ingest {
		out.Provenance, err = a.readProvenance(ctx, finished)
	}
	return out, err
}

// output reads one output to its end. Content that is not what it claims is
// evidence, not an error: the gate refuses it.
func (r *Reader) output(
	ctx context.Context, contracts *contractSet, output records.Artifact, spec records.OutputSpec,
) (gates.OutputEvidence, error) {
	evidence := gates.OutputEvidence{Artifact: output}
	content, err := r.artifacts.Open(ctx, output.Ref)
	if err != nil {
		return evidence, missingIsEvidence(err)
	}
	defer content.Close()
	hashed := newHashingReader(content)
	if spec.Role == "" {
		_, err = io.Copy(io.Discard, hashed)
	} else {
		validator, digest := contracts.validator(spec.Role)
		if validator == nil {
			return evidence, runner.Fail(gates.ContractsInvalid, nil, "the contract set has no schema %q", spec.Role)
		}
		evidence.Schema = digest
		err = r.check(ctx, hashed, validator, spec.Lines, &evidence)
	}
	evidence.Found, evidence.Read = hashed.digest(), hashed.read
	if err != nil {
		return evidence, missingIsEvidence(err)
	}
	return evidence, nil
}

// missingIsEvidence keeps absent or changed content from being an error: the
// evidence then lacks the digest, or has another, and the gate refuses.
func missingIsEvidence(err error) error {
	var failure *runner.Failure
	if errors.As(err, &failure) && (failure.Code == gates.ArtifactMissing || failure.Code == gates.DigestMismatch) {
		return nil
	}
	return err
}

const (
	// documentMax bounds one document of an output, in bytes.
	documentMax = 64 << 20
	// lineMax bounds one line of a JSON Lines output, in bytes.
	lineMax = 16 << 20
	// batchLines is how many lines one worker checks at a time.
	batchLines = 128
	// checkers is how many workers check lines at once.
	checkers = 2
	// firstViolations is how many violations are told in full.
	firstViolations = 3
)

// check applies a schema to a document, or to every line, and counts what it
// finds in evidence. Of a document it checks the signatures, too.
func (r *Reader) check(ctx context.Context, from io.Reader, v *schemas.Validator, lines bool, evidence *gates.OutputEvidence) error {
	if lines {
		return checkLines(ctx, from, v, evidence)
	}
	document, err := io.ReadAll(io.LimitReader(from, documentMax+1))
	if err != nil {
		return err
	}
	if len(document) > documentMax {
		return runner.Fail(gates.RunnerOutputTooLarge, nil, "a document has more than %d bytes", documentMax)
	}
	evidence.Documents = 1
	if problem := violation(v, document); problem != "" {
		evidence.Violations = 1
		evidence.First = []string{problem}
	}
	evidence.Signatures = signaturesOf(document, r.trust.Keys)
	evidence.Signed = len(evidence.Signatures)
	return nil
}

// signaturesOf checks the signatures that a document bears. One that has no
// canonical form bears none: a policy that asks for one then refuses it.
func signaturesOf(document []byte, keys signature.Keyring) []gates.SignatureEvidence {
	checked, err := keys.Check(document)
	if err != nil {
		return nil
	}
	var found []gates.SignatureEvidence
	for _, c := range checked {
		found = append(found, gates.SignatureEvidence{KeyID: c.KeyID, Valid: c.Valid})
	}
	return found
}

func violation(v *schemas.Validator, document []byte) string {
	report, err := v.Validate(document)
	switch {
	case err != nil:
		return err.Error()
	case report.Valid():
		return ""
	default:
		return report.Violations[0].String()
	}
}

// batch is a run of lines, numbered from first.
type batch struct {
	first int64
	lines [][]byte
}

// tally gathers what several workers find, so that the result does not depend
// on which of them was faster.
type tally struct {
	mu         sync.Mutex
	violations int64
	first      []numbered
}

type numbered struct {
	line    int64
	problem string
}

func (t *tally) add(line int64, problem string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.violations++
	at := len(t.first)
	for at > 0 && t.first[at-1].line > line {
		at--
	}
	if at >= firstViolations {
		return
	}
	t.first = append(t.first[:at], append([]numbered{{line, problem}}, t.first[at:]...)...)
	t.first = t.first[:min(len(t.first), firstViolations)]
}

func checkLines(ctx context.Context, r io.Reader, v *schemas.Validator, evidence *gates.OutputEvidence) error {
	group, ctx := errgroup.WithContext(ctx)
	batches := make(chan batch, checkers)
	var found tally
	for range checkers {
		group.Go(func() error {
			for b := range batches {
				for i, line := range b.lines {
					if problem := violation(v, line); problem != "" {
						found.add(b.first+int64(i), problem)
					}
				}
			}
			return nil
		})
	}
	group.Go(func() error {
		defer close(batches)
		var err error
		evidence.Documents, err = readBatches(ctx, r, batches)
		return err
	})
	err := group.Wait()
	evidence.Violations = found.violations
	for _, first := range found.first {
		evidence.First = append(evidence.First, fmt.Sprintf("line %d: %s", first.line, first.problem))
	}
	return err
}

// readBatches sends the lines of r in batches and returns how many there were.
func readBatches(ctx context.Context, r io.Reader, batches chan<- batch) (int64, error) {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(make([]byte, 64<<10), lineMax)
	next := batch{first: 1}
	count := int64(0)
	send := func() error {
		if len(next.lines) == 0 {
			return nil
		}
		select {
		case batches <- next:
			next = batch{first: count + 1}
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for scanner.Scan() {
		count++
		next.lines = append(next.lines, bytes.Clone(scanner.Bytes()))
		if len(next.lines) == batchLines {
			if err := send(); err != nil {
				return count, err
			}
		}
	}
	if err := scanner.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			return count, runner.Fail(gates.RunnerOutputTooLarge, err, "line %d has more than %d bytes", count+1, lineMax)
		}
		return count, err
	}
	return count, send()
}
