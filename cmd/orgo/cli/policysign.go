package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/initkoa/orgo/gates/mandate"
	"github.com/initkoa/orgo/records/signature"
)

func (a *app) policySign() *cobra.Command {
	var keyFile, keyID string
	cmd := &cobra.Command{
		Use:   "sign FILE --key FILE --key-id ID",
		Short: "Sign a policy bundle, and print it",
		Long: `Sign a policy bundle, and print it in canonical JSON with the signature added. What is
signed is the whole bundle without its signatures.

The key is a private one in PEM (PKCS #8): Ed25519, ECDSA on P-256, or RSA of 2048 bits
or more. Servers and workers trust its public half under the same ID, by --policy-keys.`,
		Example: `  openssl genpkey -algorithm ed25519 -out policy.key
  orgo policy sign policy.yaml --key policy.key --key-id policy-2026 > policy.signed.json
  openssl pkey -in policy.key -pubout                       # for the file of --policy-keys`,
		Args: oneFile(),
		RunE: func(_ *cobra.Command, args []string) error {
			if keyFile == "" || keyID == "" {
				return Usage("name the key with --key FILE and --key-id ID")
			}
			text, err := readText(keyFile)
			if err != nil {
				return err
			}
			private, err := signature.ParsePrivate(text)
			if err != nil {
				return Usage("key %s: %v", keyFile, err)
			}
			sent, err := readText(args[0])
			if err != nil {
				return err
			}
			bundle, err := readBundle(args[0], sent, mandate.Trust{Unknown: true})
			if err != nil {
				return err
			}
			signed, err := signature.Sign(bundle.Canonical, keyID, private)
			if err != nil {
				return fmt.Errorf("sign %s: %w", args[0], err)
			}
			_, err = fmt.Fprintf(a.streams.Out, "%s\n", signed)
			return err
		},
	}
	cmd.Flags().StringVar(&keyFile, "key", "", "the file with the private key, in PEM (PKCS #8)")
	cmd.Flags().StringVar(&keyID, "key-id", "", "the name under which the key is trusted")
	return cmd
}
