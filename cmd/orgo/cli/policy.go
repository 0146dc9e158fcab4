package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates/mandate"
	"github.com/initkoa/orgo/records"
)

func (a *app) policy() *cobra.Command {
	return group("policy", "Check, register and try out policy bundles",
		`  orgo policy check policy.yaml
  orgo policy backtest policy.yaml --since 2026-03-01
  orgo policy register policy.yaml --reason "lower the limit of warnings"`,
		a.policyCheck(), a.policyRegister(), a.policyList(), a.policyDiff(), a.policyBacktest(), a.policySign(), a.policyFacts())
}

// oneFile admits one policy bundle.
func oneFile() cobra.PositionalArgs { return exactly(1, "one policy bundle file") }

// readText reads a file as it is.
func readText(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, Usage("%v", err)
	}
	return text, nil
}

// policyArgument returns a bundle as requests have it: the text of a file, or the
// digest of one that is registered.
func policyArgument(named string) ([]byte, error) {
	if isDigest(named) {
		digest, err := records.ParseDigest(named)
		if err != nil {
			return nil, Usage("%v", err)
		}
		return client.PolicyDigest(digest), nil
	}
	text, err := readText(named)
	if err != nil {
		return nil, err
	}
	return client.PolicyText(text), nil
}

// inFile has the server's refusal of a bundle name the file that the bundle is in:
// what it says of lines and columns is about the text that was sent.
func inFile(err error, file string) error {
	var problem *client.Problem
	if file == "" || isDigest(file) || !errors.As(err, &problem) {
		return err
	}
	for i, e := range problem.Errors {
		if place, is := client.PlaceOf(e); is {
			problem.Errors[i].Location = fmt.Sprintf("%s:%d:%d", file, place.Line, place.Column)
			problem.Errors[i].Message = pointerOrAll(place.Pointer) + ": " + e.Message
		}
	}
	return err
}

func isDigest(named string) bool { return strings.HasPrefix(named, records.SHA256+":") }

// refusedBundle is the error of a bundle that was refused here.
func refusedBundle(file string, refused *mandate.Error) error {
	problem := refusal(refused.Code, "policy bundle %s is refused", file)
	for _, p := range refused.Problems {
		problem.Errors = append(problem.Errors, client.ProblemError{
			Location: fmt.Sprintf("%s:%d:%d", file, p.Line, p.Column), Code: string(p.Code), Message: pointerOrAll(p.Pointer) + ": " + p.Message,
			Value: client.TextPlace{Pointer: p.Pointer, Line: p.Line, Column: p.Column},
		})
	}
	return problem
}

func (a *app) policyRegister() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "register FILE",
		Short: "Register a policy bundle, so that builds can name it by its digest",
		Long: `Register a policy bundle, so that builds can name it by its digest.

The same bundle is registered once. Another content under the same bundle_id is
another version; both stay.`,
		Example: `  orgo policy register policy.yaml --reason "lower the limit of warnings"
  orgo build start --input ./documents --policy sha256:DIGEST`,
		Args: oneFile(),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := readText(args[0])
			if err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			registered, err := c.RegisterPolicy(cmd.Context(), client.RegisterPolicy{Policy: client.PolicyText(text), Reason: reason})
			if err != nil {
				return inFile(err, args[0])
			}
			return a.print(registered, func(w io.Writer) error {
				state := "is registered"
				if !registered.New {
					state = fmt.Sprintf("was registered by %s at %s", registered.RegisteredBy, registered.RegisteredAt.Format(time.RFC3339))
				}
				_, err := fmt.Fprintf(w, "%s %s\n%s\n", registered.BundleID, state, registered.Digest)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the log")
	return cmd
}

func (a *app) policyList() *cobra.Command {
	var limit int
	var cursor string
	cmd := &cobra.Command{
		Use: "list", Short: "List the registered policy bundles, newest first", Example: "  orgo policy list\n  orgo policy list -o json", Args: none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 0 {
				return Usage("--limit must not be negative")
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			list, err := c.Policies(cmd.Context(), limit, cursor)
			if err != nil {
				return err
			}
			return a.print(list, func(w io.Writer) error { return printPolicies(w, list) })
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 0, "at most so many (default: the server's, 50)")
	cmd.Flags().StringVar(&cursor, "cursor", "", "the next page, as the one before says")
	return cmd
}

func printPolicies(w io.Writer, list client.PolicyList) error {
	rows := [][]string{{"BUNDLE", "DIGEST", "POLICIES", "SIGNED BY", "REGISTERED", "BY"}}
	for _, p := range list.Policies {
		versions := make([]string, 0, len(p.Policies))
		for _, policy := range p.Policies {
			versions = append(versions, policy.PolicyID+" "+policy.Version)
		}
		rows = append(rows, []string{p.BundleID, p.Digest, strings.Join(versions, ", "), strings.Join(p.Signers, ", "),
			p.RegisteredAt.Format(time.RFC3339), p.RegisteredBy})
	}
	if err := columns(w, rows); err != nil || list.Next == "" {
		return err
	}
	_, err := fmt.Fprintf(w, "more: --cursor %s\n", list.Next)
	return err
}

// bundleOf reads a bundle from a file, or by its digest from the server.
func (a *app) bundleOf(ctx context.Context, named string) (mandate.Bundle, error) {
	var text []byte
	var err error
	if isDigest(named) {
		text, err = a.fetch(ctx, named)
	} else {
		text, err = readText(named)
	}
	if err != nil {
		return mandate.Bundle{}, err
	}
	return readBundle(named, text, mandate.Trust{Unknown: true})
}

// maxBundle bounds a bundle that is fetched, in bytes.
const maxBundle = 16 << 20

func (a *app) fetch(ctx context.Context, named string) ([]byte, error) {
	digest, err := records.ParseDigest(named)
	if err != nil {
		return nil, Usage("%v", err)
	}
	c, err := a.connect()
	if err != nil {
		return nil, err
	}
	content, err := c.OpenArtifact(ctx, digest)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	return io.ReadAll(io.LimitReader(content, maxBundle))
}
