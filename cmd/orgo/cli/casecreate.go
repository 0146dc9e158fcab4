package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
)

// caseCreateFlags are the flags of case create.
type caseCreateFlags struct {
	client.CreateCase
	category, priority, visibility, severity string
	stage                                    string
	refs, owners                             []string
	respond, resolve                         time.Duration
	policy, key                              string
}

func (a *app) caseCreate() *cobra.Command {
	var f caseCreateFlags
	cmd := &cobra.Command{
		Use:   "create --type T --summary TEXT",
		Short: "Open a case",
		Long: `Open a case. Who owns it, by when somebody has to respond and to resolve it, and which
tasks it begins with is decided by the routing rules of the policy, from its reason codes,
cause, stage and channel (see "orgo case route"); flags say otherwise.

The same --idempotency-key with the same request is the same case.`,
		Example: `  orgo case create --type question --summary "Which prices hold?" --owner user:ann
  orgo case create --type outage --summary "Wrong answers" --category incident --severity SEV2 --ref release:ID --channel prod/main
  orgo case create --type change --summary "New list" --due 48h --idempotency-key ticket-7`,
		Args: none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.Type == "" || f.Summary == "" {
				return Usage("say with --type and --summary what it is; see \"%s --help\"", cmd.CommandPath())
			}
			request, err := f.request()
			if err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			found, err := c.CreateCase(cmd.Context(), request, f.key)
			if err != nil {
				return inFile(err, f.policy)
			}
			return a.print(found, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "case %s is %s, owned by %s\n  to begin: orgo case transition %s --to IN_PROGRESS\n",
					found.CaseID, found.Status, ownersText(found.Owners), found.CaseID)
				return err
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.Type, "type", "", "what it is, in a word of your own: question, complaint, change")
	flags.StringVar(&f.Summary, "summary", "", "what it is about, in a line")
	flags.StringVar(&f.Description, "description", "", "more of it")
	flags.StringVar(&f.category, "category", "", "request, incident, update, report or distribution (default request)")
	flags.StringSliceVar(&f.Tags, "tag", nil, "a tag; may be repeated")
	flags.StringArrayVar(&f.refs, "ref", nil, "what it is about: TYPE:REF, as build:ID or url:https://…; may be repeated")
	flags.StringSliceVar(&f.Codes, "code", nil, "a reason code that it is about; may be repeated")
	flags.StringVar(&f.stage, "stage", "", "the stage of a build that it is about, to route it")
	flags.StringVar(&f.Channel, "channel", "", "the channel that it is about, to route it: ENVIRONMENT/CHANNEL")
	flags.StringSliceVar(&f.owners, "owner", nil, "who owns it: user:ID, team:ID or service:ID; may be repeated (default: as routed)")
	flags.StringVar(&f.Label, "label", "", "as 1000.12.34.Ops.Maintenance (default: as routed)")
	flags.StringVar(&f.priority, "priority", "", "LOW, MEDIUM, HIGH or CRITICAL (default: as routed)")
	flags.StringVar(&f.severity, "severity", "", "SEV1 to SEV4 (default: as routed)")
	flags.StringVar(&f.visibility, "visibility", "", "INTERNAL, PRIVATE or PUBLIC (default: as routed)")
	flags.DurationVar(&f.respond, "respond", 0, "how long until somebody has to begin, as 4h (default: as routed)")
	flags.DurationVar(&f.resolve, "due", 0, "how long until it has to end, as 48h (default: as routed)")
	flags.StringVar(&f.policy, "policy", "", "a mandate bundle file, YAML or JSON, or the digest of a registered one, that routes it")
	addAskFlags(flags, &f.Reason, &f.key)
	return cmd
}

func (f caseCreateFlags) request() (client.CreateCase, error) {
	request := f.CreateCase
	request.Category, request.Priority = cases.Category(strings.ToLower(f.category)), cases.Priority(strings.ToUpper(f.priority))
	request.Severity, request.Visibility = strings.ToUpper(f.severity), cases.Visibility(strings.ToUpper(f.visibility))
	request.Stage = records.Stage(f.stage)
	if f.respond < 0 || f.resolve < 0 {
		return request, Usage("--respond and --due are spans from now, above zero")
	}
	request.RespondWithin, request.ResolveWithin = records.Duration(f.respond), records.Duration(f.resolve)
	var err error
	if request.Owners, err = ownersOf(f.owners); err != nil {
		return request, err
	}
	for _, text := range f.refs {
		ref, err := refOf(text)
		if err != nil {
			return request, err
		}
		request.Refs = append(request.Refs, ref)
	}
	if f.policy != "" {
		request.Policy, err = policyArgument(f.policy)
	}
	return request, err
}

// refOf reads a reference as the command line names it.
func refOf(text string) (cases.Ref, error) {
	typ, ref, found := strings.Cut(text, ":")
	if !found || typ == "" || ref == "" {
		return cases.Ref{}, Usage("reference %q is not TYPE:REF, as build:ID", text)
	}
	return cases.Ref{Type: typ, Ref: ref}, nil
}
