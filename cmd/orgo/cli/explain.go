package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
)

// explain needs no server: the table of reason codes is part of the program.
func (a *app) explain() *cobra.Command {
	return &cobra.Command{
		Use:   "explain [CODE]",
		Short: "Explain a reason code, or list them all",
		Example: `  orgo explain VALIDATION_FAILED
  orgo explain`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return Usage("orgo explain takes one reason code, or none to list all")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.listReasons()
			}
			return a.explainCode(strings.ToUpper(args[0]))
		},
	}
}

func (a *app) listReasons() error {
	list := client.ReasonList{}
	rows := [][]string{{"CODE", "CLASS", "SEVERITY", "MEANING"}}
	for _, reason := range gates.Reasons() {
		list.Reasons = append(list.Reasons, reasonOf(reason))
		rows = append(rows, []string{string(reason.Code), string(reason.Class), string(reason.Severity), reason.Meaning})
	}
	return a.print(list, func(w io.Writer) error { return columns(w, rows) })
}

func (a *app) explainCode(code string) error {
	reason, known := gates.Lookup(gates.Code(code))
	if !known {
		return &client.Problem{
			Title: "no such reason code", ReasonCode: string(gates.NotFound),
			Detail: fmt.Sprintf("there is no reason code %s", code), Remedy: "\"orgo explain\" lists all",
		}
	}
	again := "may help"
	if reason.Final {
		again = "cannot help"
	}
	return a.print(reasonOf(reason), func(w io.Writer) error {
		return columns(w, [][]string{
			{string(reason.Code), "(" + string(reason.Class) + ")"},
			{"meaning", reason.Meaning},
			{"remedy", reason.Remedy},
			{"severity", string(reason.Severity)},
			{"cleared by", string(reason.ClearedBy)},
			{"trying again", again},
		})
	})
}

func reasonOf(r gates.Reason) client.Reason {
	return client.Reason{Code: string(r.Code), Class: string(r.Class), Severity: string(r.Severity), Meaning: r.Meaning,
		Remedy: r.Remedy, ClearedBy: string(r.ClearedBy), Final: r.Final}
}
