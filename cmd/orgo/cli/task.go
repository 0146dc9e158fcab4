package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
)

func (a *app) task() *cobra.Command {
	commands := []*cobra.Command{a.taskCreate(), a.taskGet(), a.taskList()}
	for _, verb := range taskVerbs {
		commands = append(commands, a.taskVerb(verb))
	}
	return group("task", "Add, find and do the tasks of cases",
		`  orgo task list --mine --due
  orgo task create --case ID --title "Ask the vendor" --due 24h
  orgo task transition ID --to COMPLETED --resolution "they mended it"`,
		commands...)
}

// taskFlags are the flags of task create.
type taskFlags struct {
	client.AddTask
	caseID, owner      string
	category, priority string
	due, react         time.Duration
	key                string
}

func (a *app) taskCreate() *cobra.Command {
	var f taskFlags
	cmd := &cobra.Command{
		Use: "create --case ID --title TEXT", Short: "Add a task to a case",
		Example: `  orgo task create --case ID --title "Ask the vendor" --owner user:ann --due 24h
  orgo task create --case ID --title "Compare the lists" --key compare   # once, however often it is said`,
		Args: none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.caseID == "" || f.Title == "" {
				return Usage("name with --case the case, and say with --title what is to be done")
			}
			request, err := f.request()
			if err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			task, err := c.AddTask(cmd.Context(), f.caseID, request, f.key)
			if err != nil {
				return err
			}
			return a.print(task, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "task %s is %s, for %s\n  to begin: orgo task transition %s --to IN_PROGRESS\n", task.TaskID, task.Status, ownerText(task.Owner), task.TaskID)
				return err
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.caseID, "case", "", "the id of the case")
	flags.StringVar(&f.Title, "title", "", "what is to be done, in a line")
	flags.StringVar(&f.Description, "description", "", "more of it")
	flags.StringVar(&f.Key, "key", "", "names it within its case: no two have the same (default: a new one)")
	flags.StringVar(&f.Type, "type", "", "what kind of work it is, in a word of your own (default task)")
	flags.StringVar(&f.owner, "owner", "", "who is to do it: user:ID, team:ID or service:ID (default: the first owner of the case)")
	flags.StringVar(&f.category, "category", "", "request, incident, update, report or distribution (default: that of the case)")
	flags.StringVar(&f.priority, "priority", "", "LOW, MEDIUM, HIGH or CRITICAL (default: that of the case)")
	flags.StringVar(&f.Label, "label", "", "as 1000.12.34.Ops.Maintenance (default: that of the case)")
	flags.DurationVar(&f.due, "due", 0, "how long until it has to be done, as 24h")
	flags.DurationVar(&f.react, "react", 0, "how long until somebody has to begin, as 1h")
	addAskFlags(flags, &f.Reason, &f.key)
	return cmd
}

func (f taskFlags) request() (client.AddTask, error) {
	request := f.AddTask
	if f.due < 0 || f.react < 0 {
		return request, Usage("--due and --react are spans from now, above zero")
	}
	request.Category, request.Priority = cases.Category(f.category), cases.Priority(f.priority)
	request.DueWithin, request.ReactWithin = records.Duration(f.due), records.Duration(f.react)
	if f.owner == "" {
		return request, nil
	}
	owners, err := ownersOf([]string{f.owner})
	if err == nil {
		request.Owner = &owners[0]
	}
	return request, err
}

func (a *app) taskGet() *cobra.Command {
	return a.formOf(formCommand{
		use: "get ID", short: "Print a task", args: oneTask(),
		example: "  orgo task get ID\n  orgo task get ID --format koa",
		form:    (*client.Client).TaskForm,
		print: func(cmd *cobra.Command, c *client.Client, id string) error {
			task, err := c.Task(cmd.Context(), id)
			if err != nil {
				return err
			}
			return a.print(task, func(w io.Writer) error { return printTask(w, task) })
		},
	})
}

func (a *app) taskList() *cobra.Command {
	var f listFlags
	var statuses []string
	var caseID string
	cmd := &cobra.Command{
		Use: "list", Short: "List tasks, newest first or by what is due",
		Long: `List tasks, newest first; with --due what is due earliest comes first. With --mine or --due
those that have ended are left out, unless --status asks for them.`,
		Example: `  orgo task list --mine --due
  orgo task list --mine --due-by 24h
  orgo task list --owner team:operators --status ESCALATED
  orgo task list --case ID -o json`,
		Args: none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			query := client.TaskQuery{
				Statuses: upper[cases.TaskStatus](statuses), Open: f.open || (f.mine || f.due || f.by != "") && len(statuses) == 0,
				Priorities: upper[cases.Priority](f.priorities), Label: f.label, Mine: f.mine, CaseID: caseID, Limit: f.limit, Cursor: f.cursor,
			}
			var err error
			if query.Owners, err = ownersOf(f.owners); err != nil {
				return err
			}
			if query.DueBefore, err = f.before(); err != nil {
				return err
			}
			query.DueFirst = f.due
			c, err := a.connect()
			if err != nil {
				return err
			}
			list, err := c.Tasks(cmd.Context(), query)
			if err != nil {
				return err
			}
			return a.print(list, func(w io.Writer) error { return printTasks(w, list) })
		},
	}
	f.add(cmd.Flags(), "tasks")
	cmd.Flags().StringSliceVar(&statuses, "status", nil, "only those in this state, as PENDING or ESCALATED; may be repeated")
	cmd.Flags().StringVar(&caseID, "case", "", "only those of this case")
	return cmd
}

// taskVerb is a command that does something to a Task.
type taskVerb struct {
	use, short, long, example string
	flags                     func(*pflag.FlagSet, *actFlags)
	action                    func(client.Task, actFlags) (client.TaskAction, error)
	done                      string
}

// askedTaskStatuses are those that somebody may take a Task to.
var askedTaskStatuses = []cases.TaskStatus{cases.TaskInProgress, cases.TaskOnHold, cases.TaskCompleted, cases.TaskFailed, cases.TaskCancelled}

var taskVerbs = []taskVerb{
	{
		use: "transition ID --to STATE", short: "Take a task to another state",
		long: `Take a task to another state. ON_HOLD, FAILED and CANCELLED need a --reason, COMPLETED a
--resolution. Without --version the task is read first, as with orgo case transition.`,
		example: `  orgo task transition ID --to IN_PROGRESS
  orgo task transition ID --to COMPLETED --resolution "they mended it"`,
		flags: func(flags *pflag.FlagSet, f *actFlags) {
			addMoveFlags(flags, f, askedTaskStatuses)
			addVersionFlag(flags, f)
		},
		action: func(t client.Task, f actFlags) (client.TaskAction, error) {
			to, err := stateOf(f.to, askedTaskStatuses)
			return client.MoveTask{To: to, Resolution: f.resolution, Seen: f.seen(t.Version), Remark: client.Remark{Reason: f.reason}}, err
		},
		done: "is moved",
	},
	{
		use: "assign ID --owner OWNER", short: "Change who is to do a task",
		example: "  orgo task assign ID --owner user:ann",
		flags: func(flags *pflag.FlagSet, f *actFlags) {
			flags.StringSliceVar(&f.owners, "owner", nil, "who is to do it from now on: user:ID, team:ID or service:ID")
			addVersionFlag(flags, f)
		},
		action: func(t client.Task, f actFlags) (client.TaskAction, error) {
			owners, err := ownersOf(f.owners)
			if err != nil {
				return nil, err
			}
			if len(owners) != 1 {
				return nil, Usage("name with --owner the one who is to do it from now on")
			}
			return client.AssignTask{Owner: owners[0], Seen: f.seen(t.Version), Remark: client.Remark{Reason: f.reason}}, nil
		},
		done: "is assigned",
	},
	{
		use: "comment ID --text TEXT", short: "Say something about a task",
		example: "  orgo task comment ID --text \"they do not answer\"",
		flags:   addTextFlag,
		action: func(_ client.Task, f actFlags) (client.TaskAction, error) {
			return client.CommentTask{Text: f.text}, f.said()
		},
		done: "has your comment",
	},
}

func (a *app) taskVerb(v taskVerb) *cobra.Command {
	var f actFlags
	cmd := &cobra.Command{
		Use: v.use, Short: v.short, Long: v.long, Example: v.example, Args: oneTask(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := v.action(client.Task{}, f); err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			now, err := c.Task(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			action, err := v.action(now, f)
			if err != nil {
				return err
			}
			after, err := c.ActOnTask(cmd.Context(), args[0], action, f.key)
			if err != nil {
				return a.stale(err, "task", args[0])
			}
			return a.print(after, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "task %s %s; it is %s, for %s, at version %d\n", after.TaskID, v.done, after.Status, ownerText(after.Owner), after.Version)
				return err
			})
		},
	}
	addAskFlags(cmd.Flags(), &f.reason, &f.key)
	v.flags(cmd.Flags(), &f)
	return cmd
}
