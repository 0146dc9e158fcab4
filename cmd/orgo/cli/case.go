package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records/cases"
)

func (a *app) caseCommand() *cobra.Command {
	commands := []*cobra.Command{a.caseCreate(), a.caseGet(), a.caseList(), a.caseTasks(), a.caseHistory()}
	for _, verb := range caseVerbs {
		commands = append(commands, a.caseVerb(verb))
	}
	commands = append(commands, a.caseBulk(), a.caseExport(), a.caseImport(), a.caseRoute(), a.caseBuild())
	return group("case", "Open, follow and close cases: failures, reviews and requests as governed work",
		`  orgo case list --mine --open
  orgo case create --type question --summary "Which prices hold?"
  orgo case transition ID --to IN_PROGRESS
  orgo case transition ID --to COMPLETED --resolution "the list of May"
  orgo case route ID --explain`,
		commands...)
}

// oneCase admits the id of a Case.
func oneCase() cobra.PositionalArgs { return exactly(1, "the id of one case") }

// oneTask admits the id of a Task.
func oneTask() cobra.PositionalArgs { return exactly(1, "the id of one task") }

func (a *app) caseGet() *cobra.Command {
	return a.formOf(formCommand{
		use: "get ID", short: "Print a case and its tasks", args: oneCase(),
		example: "  orgo case get ID\n  orgo case get ID -o json\n  orgo case get ID --format koa",
		form:    (*client.Client).CaseForm,
		print: func(cmd *cobra.Command, c *client.Client, id string) error {
			found, err := c.Case(cmd.Context(), id)
			if err != nil {
				return err
			}
			return a.print(found, func(w io.Writer) error { return printCase(w, found) })
		},
	})
}

// formCommand is a command that prints something in one of its forms.
type formCommand struct {
	use, short, example string
	args                cobra.PositionalArgs
	form                func(c *client.Client, ctx context.Context, id, format string) (json.RawMessage, error)
	print               func(cmd *cobra.Command, c *client.Client, id string) error
}

// formOf makes the command. The interop form is a document: it has no table.
func (a *app) formOf(f formCommand) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use: f.use, Short: f.short, Example: f.example, Args: f.args,
		RunE: func(cmd *cobra.Command, args []string) error {
			wire, known := recordFormats[format]
			if !known {
				return Usage("format %q is not json or koa", format)
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			if wire == client.FormatOrgo {
				return f.print(cmd, c, args[0])
			}
			document, err := f.form(c, cmd.Context(), args[0], wire)
			if err != nil {
				return err
			}
			return a.printTo(a.streams.Out, document)
		},
	}
	cmd.Flags().StringVar(&format, "format", "json", "json: everything that Orgo knows; koa: the interop form")
	return cmd
}

// listFlags are the flags that lists of Cases and of Tasks share.
type listFlags struct {
	owners, priorities []string
	label, by, cursor  string
	open, mine, due    bool
	limit              int
}

func (f *listFlags) add(flags *pflag.FlagSet, of string) {
	flags.BoolVar(&f.open, "open", false, "only "+of+" that have not ended")
	flags.BoolVar(&f.mine, "mine", false, "only those that you own, or a team that is named like a role of yours")
	flags.StringSliceVar(&f.owners, "owner", nil, "only those of this owner: user:ID, team:ID or service:ID; may be repeated")
	flags.StringSliceVar(&f.priorities, "priority", nil, "only those of this priority: LOW, MEDIUM, HIGH or CRITICAL; may be repeated")
	flags.StringVar(&f.label, "label", "", "only those whose label begins so")
	flags.BoolVar(&f.due, "due", false, "list what is due earliest first, instead of the newest")
	flags.StringVar(&f.by, "due-by", "", "only those that are due by then: a time, or how long from now, as 24h; with it --due is meant")
	flags.IntVar(&f.limit, "limit", 0, "how many to list at once, up to 200 (default 50)")
	flags.StringVar(&f.cursor, "cursor", "", "where to go on: the cursor that the list before ended with")
}

// before returns until when something is due.
func (f *listFlags) before() (time.Time, error) {
	if f.by == "" {
		return time.Time{}, nil
	}
	f.due = true
	return untilTime(f.by, time.Now())
}

// ownersOf reads owners as the command line names them.
func ownersOf(texts []string) ([]cases.Owner, error) {
	var owners []cases.Owner
	for _, text := range texts {
		kind, id, found := strings.Cut(text, ":")
		if !found || id == "" {
			return nil, Usage("owner %q is not like user:ann or team:operators", text)
		}
		owners = append(owners, cases.Owner{Kind: cases.OwnerKind(kind), ID: id})
	}
	return owners, nil
}

// upper reads words of a closed table, in whatever case they are written.
func upper[S ~string](texts []string) []S {
	var all []S
	for _, text := range texts {
		all = append(all, S(strings.ToUpper(text)))
	}
	return all
}

// caseFilterFlags are the flags that select Cases.
type caseFilterFlags struct {
	listFlags
	statuses, severities, types []string
	cause                       string
}

func (f *caseFilterFlags) add(flags *pflag.FlagSet) {
	f.listFlags.add(flags, "cases")
	flags.StringSliceVar(&f.statuses, "status", nil, "only those in this state, as OPEN or WAITING_REVIEW; may be repeated")
	flags.StringSliceVar(&f.severities, "severity", nil, "only those of this severity: SEV1 to SEV4; may be repeated")
	flags.StringSliceVar(&f.types, "type", nil, "only those of this type; may be repeated")
	flags.StringVar(&f.cause, "cause", "", "only those of this cause: KIND/ID, as build/ID")
}

func (f *caseFilterFlags) query() (client.CaseQuery, error) {
	query := client.CaseQuery{
		Statuses: upper[cases.Status](f.statuses), Open: f.open, Priorities: upper[cases.Priority](f.priorities), Severities: upper[string](f.severities),
		Types: f.types, Label: f.label, Mine: f.mine, Limit: f.limit, Cursor: f.cursor,
	}
	var err error
	if query.Owners, err = ownersOf(f.owners); err != nil {
		return query, err
	}
	if query.DueBefore, err = f.before(); err != nil {
		return query, err
	}
	query.DueFirst = f.due
	if f.cause != "" {
		kind, id, found := strings.Cut(f.cause, "/")
		if !found || id == "" {
			return query, Usage("cause %q is not KIND/ID, as build/ID", f.cause)
		}
		query.Cause = &cases.Cause{Kind: kind, ID: id}
	}
	return query, nil
}

func (a *app) caseList() *cobra.Command {
	var f caseFilterFlags
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List cases, newest first or by what is due",
		Example: `  orgo case list --mine --open
  orgo case list --severity SEV1,SEV2 --open --due-by 24h
  orgo case list --owner team:operators --status WAITING_REVIEW -o json`,
		Args: none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			query, err := f.query()
			if err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			list, err := c.Cases(cmd.Context(), query)
			if err != nil {
				return err
			}
			return a.print(list, func(w io.Writer) error { return printCases(w, list) })
		},
	}
	f.add(cmd.Flags())
	return cmd
}

func (a *app) caseTasks() *cobra.Command {
	return &cobra.Command{
		Use: "tasks ID", Short: "Print the tasks of a case", Example: "  orgo case tasks ID", Args: oneCase(),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			found, err := c.Case(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			list := client.TaskList{Tasks: []client.Task{}}
			for _, task := range found.Tasks {
				list.Tasks = append(list.Tasks, client.Task{CaseID: found.CaseID, CaseSummary: found.Summary, CaseVersion: found.Version, Task: task})
			}
			return a.print(list, func(w io.Writer) error { return printTasks(w, list) })
		},
	}
}

func (a *app) caseHistory() *cobra.Command {
	var after int64
	cmd := &cobra.Command{
		Use: "history ID", Short: "Print what happened to a case and its tasks, in order",
		Example: "  orgo case history ID\n  orgo case history ID --after 12 -o json", Args: oneCase(),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			var all client.EntryList
			for all.Next = after; ; {
				page, err := c.CaseHistory(cmd.Context(), args[0], all.Next, 1000)
				if err != nil {
					return err
				}
				all.Entries, all.Next = append(all.Entries, page.Entries...), page.Next
				if len(page.Entries) < 1000 {
					break
				}
			}
			return a.print(all, func(w io.Writer) error { return printCaseHistory(w, all) })
		},
	}
	cmd.Flags().Int64Var(&after, "after", 0, "only what came after this version")
	return cmd
}

// printDone says what became of a Case, and what comes next.
func printDone(w io.Writer, done string, c cases.Case) error {
	_, err := fmt.Fprintf(w, "case %s %s; it is %s, at version %d\n", c.CaseID, done, c.Status, c.Version)
	if err == nil && !c.Status.Terminal() {
		_, err = fmt.Fprintf(w, "  it can become %s: orgo case transition %s --to STATE\n", joined(c.Status.From()), c.CaseID)
	}
	return err
}

func joined[S ~string](all []S) string {
	texts := make([]string, len(all))
	for i, each := range all {
		texts[i] = string(each)
	}
	return strings.Join(texts, ", ")
}
