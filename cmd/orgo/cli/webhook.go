package cli

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records/event"
)

func (a *app) webhook() *cobra.Command {
	return group("webhook", "Have events sent to a URL",
		`  orgo webhook create https://example.org/orgo --type 'orgo.build.*'
  orgo webhook list`,
		a.webhookCreate(), a.webhookList(), a.webhookGet(),
		a.webhookAct("redrive", "Send what was set aside once more", (*client.Client).RedriveWebhook),
		a.webhookAct("delete", "End a webhook", (*client.Client).DeleteWebhook))
}

func (a *app) webhookCreate() *cobra.Command {
	var request client.CreateWebhook
	var after int64
	var key string
	cmd := &cobra.Command{
		Use:   "create URL",
		Short: "Have events sent to a URL, in order and each at least once",
		Long: `Have events sent to a URL, in order and each at least once, as CloudEvents.

Deliveries are signed as Standard Webhooks has it, with the secret that is printed.
An event that is not taken (any answer but 2xx) is sent again with growing pauses;
after --max-attempts it is set aside, which is recorded, and the next one follows.
"orgo webhook redrive" sends what was set aside once more.`,
		Example: `  orgo webhook create https://example.org/orgo --type 'orgo.build.*'
  orgo webhook create https://example.org/orgo --after 1041 --idempotency-key audit-sink`,
		Args: exactly(1, "one URL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			request.URL = args[0]
			if cmd.Flags().Changed("after") {
				request.After = &after
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			if key == "" {
				key = args[0]
			}
			created, err := c.CreateWebhook(cmd.Context(), request, key)
			if err != nil {
				return err
			}
			return a.print(created, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "webhook %s\nsecret  %s\n", created.ID, created.Secret)
				return err
			})
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&request.Filter.Types, "type", nil, "only this type, or all below one: 'orgo.stage.*'; repeatable")
	flags.StringVar(&request.Filter.Subject, "subject", "", "only what is about this: build/ID")
	flags.StringVar(&request.Filter.Channel, "channel", "", "only what belongs to this channel")
	flags.Int64Var(&after, "after", 0, "the leaf after which it begins (default: from the beginning)")
	flags.IntVar(&request.MaxAttempts, "max-attempts", 0, "how often an event is sent before it is set aside (default 12, over about half an hour)")
	flags.StringVar(&request.Reason, "reason", "", "why, for the log")
	flags.StringVar(&key, "idempotency-key", "", "the same key is the same webhook (default: the URL)")
	return cmd
}

func (a *app) webhookList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the webhooks, and where each stands", Example: "  orgo webhook list -o json", Args: none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			list, err := c.Webhooks(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(list, func(w io.Writer) error { return printWebhooks(w, list.Webhooks) })
		},
	}
}

func (a *app) webhookGet() *cobra.Command {
	return &cobra.Command{
		Use: "get ID", Short: "Print where a webhook stands, and what was set aside", Example: "  orgo webhook get ID", Args: exactly(1, "the id of one webhook"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			status, err := c.Webhook(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.print(status, func(w io.Writer) error {
				if err := printWebhooks(w, []event.WebhookStatus{status}); err != nil {
					return err
				}
				for _, letter := range status.DeadLetters {
					if _, err := fmt.Fprintf(w, "set aside: leaf %d, entry %s, after %d attempts: %s\n",
						letter.Leaf, letter.EntryID, letter.Attempts, letter.Error); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}

func printWebhooks(w io.Writer, list []event.WebhookStatus) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tURL\tSTATE\tLEAF\tDELIVERED\tSET ASIDE\tLAST ERROR")
	for _, s := range list {
		state := "ACTIVE"
		if s.Deleted {
			state = "DELETED"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%d\t%s\n", s.ID, s.URL, state, s.Cursor, s.Delivered, len(s.DeadLetters), s.LastError)
	}
	return table.Flush()
}

// webhookAct is a command that changes a webhook and says why.
func (a *app) webhookAct(
	verb, short string, act func(*client.Client, context.Context, string, client.WebhookAction) error,
) *cobra.Command {
	var action client.WebhookAction
	cmd := &cobra.Command{
		Use: verb + " ID --reason REASON", Short: short, Args: exactly(1, "the id of one webhook"),
		Example: fmt.Sprintf("  orgo webhook %s ID --reason \"the receiver is mended\"", verb),
		RunE: func(cmd *cobra.Command, args []string) error {
			if action.Reason == "" {
				return Usage("say why with --reason: it goes into the log")
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			if err := act(c, cmd.Context(), args[0], action); err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.streams.Err, "webhook %s: %s\n", args[0], verb)
			return err
		},
	}
	cmd.Flags().StringVar(&action.Reason, "reason", "", "why, for the log")
	return cmd
}
