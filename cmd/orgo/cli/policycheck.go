package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/mandate"
	"github.com/initkoa/orgo/records/signature"
)

// caseSuffix is what the name of a case ends in.
const caseSuffix = ".case.yaml"

// policyReport is what a check of a bundle found.
type policyReport struct {
	File     string            `json:"file"`
	BundleID string            `json:"bundle_id,omitempty"`
	Digest   string            `json:"digest,omitempty"`
	Rules    int               `json:"rules"`
	Signers  []string          `json:"signers,omitempty"`
	Problems []mandate.Problem `json:"problems"`
	More     int               `json:"more_problems,omitempty"`
	Cases    []caseReport      `json:"cases"`
	Warnings []string          `json:"warnings"`
}

// caseReport is what became of one case.
type caseReport struct {
	File     string            `json:"file"`
	Name     string            `json:"name,omitempty"`
	Gate     gates.Gate        `json:"gate,omitempty"`
	Passed   bool              `json:"passed"`
	Problems []mandate.Problem `json:"problems,omitempty"`
}

func (a *app) policyCheck() *cobra.Command {
	var keys string
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "Check a policy bundle and its cases; needs no server",
		Long: `Check a policy bundle: its form, its rules, and the cases beside it, which are the
files *.case.yaml in its directory. Everything that is wrong is told at once, with
file, line and column. It needs no server.

A case is {name, gate, at, inputs, expect: {verdict, reason_codes}}: the evidence that
a gate looks at, and what the policy must decide on it. A rule that no case reaches,
or that refuses in none, is a warning.

Signatures are checked only with --policy-keys. The exit code is 1 if anything is wrong:
POLICY_INVALID, POLICY_SIGNATURE_INVALID or POLICY_CASE_FAILED.`,
		Example: `  orgo policy check policy.yaml
  orgo policy check policy.yaml --policy-keys keys.yaml -o json`,
		Args: oneFile(),
		RunE: func(_ *cobra.Command, args []string) error {
			trust, err := readTrust(keys)
			if err != nil {
				return err
			}
			return a.checkPolicy(args[0], trust)
		},
	}
	cmd.Flags().StringVar(&keys, "policy-keys", "", "the file with the public keys whose signatures count (default: signatures are not checked)")
	return cmd
}

func readTrust(path string) (mandate.Trust, error) {
	if path == "" {
		return mandate.Trust{Unknown: true}, nil
	}
	text, err := readText(path)
	if err != nil {
		return mandate.Trust{}, err
	}
	keys, err := signature.ParseKeyring(text)
	if err != nil {
		return mandate.Trust{}, Usage("policy keys %s: %v", path, err)
	}
	return mandate.Trust{Keys: keys}, nil
}

// readBundle reads a bundle whose text came from a named place.
func readBundle(named string, text []byte, trust mandate.Trust) (mandate.Bundle, error) {
	bundle, err := mandate.Read(text, trust)
	var refused *mandate.Error
	if errors.As(err, &refused) {
		return bundle, refusedBundle(named, refused)
	}
	return bundle, err
}

func (a *app) checkPolicy(file string, trust mandate.Trust) error {
	text, err := readText(file)
	if err != nil {
		return err
	}
	report := policyReport{File: file, Problems: []mandate.Problem{}, Cases: []caseReport{}, Warnings: []string{}}
	if trust.Unknown && strings.Contains(string(text), "signatures") {
		report.warn("signatures are not checked: name the keys that count with --policy-keys")
	}
	bundle, err := mandate.Read(text, trust)
	var refused *mandate.Error
	switch {
	case errors.As(err, &refused):
		report.Problems, report.More = refused.Problems, refused.More
	case err != nil:
		return err
	default:
		report.BundleID, report.Digest, report.Rules, report.Signers = bundle.Policy.BundleID, bundle.Digest.String(), len(bundle.Policy.Rules), bundle.Signers
		if err := report.runCases(filepath.Dir(file), bundle); err != nil {
			return err
		}
	}
	if err := a.print(report, report.write); err != nil {
		return err
	}
	switch failed := report.failed(); {
	case refused != nil:
		return Refused(refused.Code, "policy bundle %s is refused", file)
	case failed > 0:
		return Refused(gates.PolicyCaseFailed, "%d of %d cases of policy bundle %s failed", failed, len(report.Cases), file)
	default:
		return nil
	}
}

func (r *policyReport) warn(format string, args ...any) {
	r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...))
}

// runCases decides every case in a directory, in the order of their names.
func (r *policyReport) runCases(directory string, bundle mandate.Bundle) error {
	files, err := os.ReadDir(directory)
	if err != nil {
		return Usage("cases: %v", err)
	}
	var outcomes []mandate.Outcome
	for _, file := range files {
		if file.IsDir() || !strings.HasSuffix(file.Name(), caseSuffix) {
			continue
		}
		path := filepath.Join(directory, file.Name())
		text, err := readText(path)
		if err != nil {
			return err
		}
		found, err := mandate.ReadCase(text)
		var refused *mandate.Error
		if errors.As(err, &refused) {
			r.Cases = append(r.Cases, caseReport{File: path, Problems: refused.Problems})
			continue
		}
		if err != nil {
			return err
		}
		outcome := found.Run(bundle.Rules)
		outcomes = append(outcomes, outcome)
		report := caseReport{File: path, Name: outcome.Name, Gate: outcome.Gate, Passed: outcome.Passed}
		if outcome.Problem != nil {
			report.Problems = []mandate.Problem{*outcome.Problem}
		}
		r.Cases = append(r.Cases, report)
	}
	covered := mandate.Cover(bundle.Policy, outcomes)
	for _, rule := range covered.Unreached {
		r.warn("no case reaches rule %s", rule)
	}
	for _, rule := range covered.NeverRefuse {
		r.warn("in no case does rule %s refuse", rule)
	}
	return nil
}

func (r *policyReport) failed() int {
	failed := 0
	for _, c := range r.Cases {
		if !c.Passed {
			failed++
		}
	}
	return failed
}

// write prints the report for people.
func (r *policyReport) write(w io.Writer) error {
	var out strings.Builder
	for _, p := range r.Problems {
		fmt.Fprintf(&out, "%s:%d:%d: %s: %s\n", r.File, p.Line, p.Column, pointerOrAll(p.Pointer), p.Message)
	}
	if r.More > 0 {
		fmt.Fprintf(&out, "and %d more\n", r.More)
	}
	for _, c := range r.Cases {
		if c.Passed {
			fmt.Fprintf(&out, "ok    %s: %s\n", c.File, c.Name)
			continue
		}
		fmt.Fprintf(&out, "FAIL  %s: %s\n", c.File, c.Name)
		for _, p := range c.Problems {
			fmt.Fprintf(&out, "      %s:%d:%d: %s: %s\n", c.File, p.Line, p.Column, pointerOrAll(p.Pointer), p.Message)
		}
	}
	for _, warning := range r.Warnings {
		fmt.Fprintf(&out, "warning: %s\n", warning)
	}
	if len(r.Problems) == 0 {
		fmt.Fprintf(&out, "%s: %d rules, %d of %d cases pass\n%s\n", r.BundleID, r.Rules, len(r.Cases)-r.failed(), len(r.Cases), r.Digest)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func pointerOrAll(pointer string) string {
	if pointer == "" {
		return "document"
	}
	return pointer
}
