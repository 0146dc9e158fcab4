package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records"
)

// revoking are the texts of the two commands that take packs back everywhere.
var revoking = map[bool]struct{ name, short, long, done string }{
	false: {
		"revoke", "Take packs back everywhere, for good",
		"Take packs back everywhere, for good: they are never active again. There is no way to\nundo it; \"orgo release quarantine\" can be undone.", "revoked",
	},
	true: {
		"quarantine", "Take packs back everywhere, until each channel is cleared of them",
		"Take packs back everywhere, until \"orgo channel clear\" ends it on a channel.", "quarantined",
	},
}

// releaseRevoke is release revoke, and release quarantine.
func (a *app) releaseRevoke(quarantine bool) *cobra.Command {
	texts := revoking[quarantine]
	var pack, snapshot, key string
	request := client.Revoke{Quarantine: quarantine}
	cmd := &cobra.Command{
		Use:   texts.name + " [ID] --reason REASON",
		Short: texts.short,
		Long: texts.long + `

Name a release, or with a flag one pack or all that came from something.`,
		Example: strings.ReplaceAll(`  orgo release revoke ID --reason "leaks prices"
  orgo release revoke --pack sha256:DIGEST --reason "leaks prices"
  orgo release revoke --snapshot sha256:DIGEST --reason "the source was forged"
  orgo release revoke --runner-version 1.3.0 --reason "it drops rows"
  orgo release revoke --key KEY_ID --reason "the key is lost"`, "release revoke", "release "+texts.name),
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if request.Reason == "" {
				return Usage("say why with --reason: it goes into the record")
			}
			if len(args) == 1 {
				request.Release = args[0]
			}
			causes := len(args)
			for _, flag := range []string{"pack", "snapshot", "runner-version", "key"} {
				if cmd.Flags().Changed(flag) {
					causes++
				}
			}
			if causes != 1 {
				return Usage("%s takes one of: the id of a release, --pack, --snapshot, --runner-version, --key", cmd.CommandPath())
			}
			var err error
			if request.Pack, err = digestFlag(pack); err != nil {
				return err
			}
			if request.Snapshot, err = digestFlag(snapshot); err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			revoked, err := c.Revoke(cmd.Context(), request, key)
			if err != nil {
				return err
			}
			return a.print(revoked, func(w io.Writer) error { return printRevocation(w, texts.done, revoked) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&pack, "pack", "", "the pack with this digest of its content, sha256:…")
	flags.StringVar(&snapshot, "snapshot", "", "all that were built from this snapshot, sha256:…")
	flags.StringVar(&request.RunnerVersion, "runner-version", "", "all that a runner of this version had a part in")
	flags.StringVar(&request.Key, "key", "", "all that this key signed: outputs of runners, or the attestation of a build")
	addAskFlags(flags, &request.Reason, &key)
	return cmd
}

// digestFlag reads a digest that need not be given.
func digestFlag(text string) (*records.Digest, error) {
	if text == "" {
		return nil, nil
	}
	digest, err := digestOf(text)
	return &digest, err
}

func digestOf(text string) (records.Digest, error) {
	digest, err := records.ParseDigest(text)
	if err != nil {
		return digest, Usage("%v", err)
	}
	return digest, nil
}

func printRevocation(w io.Writer, done string, r client.Revocation) error {
	if len(r.Packs) == 0 {
		_, err := fmt.Fprintln(w, "no pack comes from that")
		return err
	}
	for _, pack := range r.Packs {
		fmt.Fprintf(w, "%s is %s\n", pack, done)
	}
	if len(r.Known) > 0 {
		fmt.Fprintf(w, "  known already to: %s\n", strings.Join(r.Known, ", "))
	}
	if len(r.Channels) == 0 && len(r.Known) > 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "  told to: %s\n", orNot(strings.Join(r.Channels, ", ")))
	return err
}
