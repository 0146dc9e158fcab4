package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/schemas"
)

const (
	// contractHead is the file that says what set a directory holds.
	contractHead = "contract-set.yaml"
	// unversioned is the version of a set that states none. It is pinned by its
	// digest all the same.
	unversioned = "0.0.0"
)

func (a *app) contracts() *cobra.Command {
	return group("contracts", "Check and pin the schemas that stages are held to",
		`  orgo contracts check ./schemas
  orgo contracts pin ./schemas
  orgo contracts list`,
		a.contractsPin(), a.contractsCheck(), a.contractsList())
}

// directoryOfContracts says what a directory has to hold.
const directoryOfContracts = `The directory has a JSON Schema (2020-12) for each role, ROLE.schema.json, and may have
a contract-set.yaml with name, version, source and commit; without it the set has the
directory's name and version ` + unversioned + `. Each schema is digested in canonical form
(RFC 8785), and the set's digest is that of the manifest that lists them, so white space
and the order of members do not count.`

func (a *app) contractsPin() *cobra.Command {
	return &cobra.Command{
		Use:   "pin DIR",
		Short: "Store a directory of schemas at the server, and print its digest",
		Long: `Store a directory of schemas at the server, and print its digest.

` + directoryOfContracts + `

The set is checked first, as "orgo contracts check" does. To pin the same set again
changes nothing, and prints who pinned it first.`,
		Example: `  orgo contracts pin ./schemas
  orgo contracts pin ./schemas -o json`,
		Args: exactly(1, "one directory of schemas"),
		RunE: func(cmd *cobra.Command, args []string) error {
			set, err := loadContracts(args[0])
			if err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			pinned, err := c.PinContracts(cmd.Context(), contractsToSend(set))
			if err != nil {
				return err
			}
			if own := records.DescribeContracts(set).Manifest; !pinned.Manifest.Same(own) {
				return Refused(gates.DigestMismatch, "contract set %s has digest %s, and the server pinned %s", args[0], own.Digest, pinned.Manifest.Digest)
			}
			return a.print(pinned, func(w io.Writer) error {
				return columns(w, append(contractRows(pinned.ContractsPinned),
					[]string{"pinned", fmt.Sprintf("%s by %s", pinned.PinnedAt.Format(time.RFC3339), pinned.PinnedBy)}))
			})
		},
	}
}

// contractsCheck needs no server.
func (a *app) contractsCheck() *cobra.Command {
	return &cobra.Command{
		Use:   "check DIR",
		Short: "Check a directory of schemas, and print the digest it would be pinned by",
		Long: `Check a directory of schemas, and print the digest it would be pinned by. It needs no server.

` + directoryOfContracts + `

A schema is refused, with its place, where a document could pass it unseen: a $ref
that leads nowhere in the set, a keyword or format that is not checked, a keyword whose
value is malformed, a regular expression that cannot be run.`,
		Example: `  orgo contracts check ./schemas
  orgo contracts check ./schemas -o json`,
		Args: exactly(1, "one directory of schemas"),
		RunE: func(_ *cobra.Command, args []string) error {
			set, err := loadContracts(args[0])
			if err != nil {
				return err
			}
			described := records.DescribeContracts(set)
			return a.print(described, func(w io.Writer) error { return columns(w, contractRows(described)) })
		},
	}
}

func (a *app) contractsList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the contract sets that the server knows", Example: "  orgo contracts list -o json", Args: none(),
		Long: `List the contract sets that the server knows: the built-in one, then those that were
pinned, in that order. A set is known by its digest: one name and version may come twice.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			list, err := c.Contracts(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(list, func(w io.Writer) error { return printContracts(w, list.Sets) })
		},
	}
}

func printContracts(w io.Writer, sets []client.PinnedContracts) error {
	rows := [][]string{{"NAME", "VERSION", "SCHEMAS", "DIGEST", "PINNED"}}
	for _, set := range sets {
		pinned := "built in"
		if !set.Builtin {
			pinned = fmt.Sprintf("%s by %s", set.PinnedAt.Format(time.RFC3339), set.PinnedBy)
		}
		rows = append(rows, []string{set.Name, set.Version, strconv.Itoa(len(set.Roles)), set.Manifest.Digest.String(), pinned})
	}
	return columns(w, rows)
}

func contractRows(set records.ContractsPinned) [][]string {
	return [][]string{
		{"contracts", set.Name + "@" + set.Version},
		{"digest", set.Manifest.Digest.String()},
		{"schemas", strings.Join(set.Roles, ", ")},
	}
}

// loadContracts reads a directory of schemas as a contract set and compiles it. A
// directory that is not there is bad usage; a set that cannot be used is refused,
// with the place of the fault.
func loadContracts(directory string) (schemas.ContractSet, error) {
	absolute, err := filepath.Abs(directory)
	if err != nil {
		return schemas.ContractSet{}, Usage("contracts %s: %v", directory, err)
	}
	switch info, err := os.Stat(absolute); {
	case err != nil:
		return schemas.ContractSet{}, Usage("contracts: %v", err)
	case !info.IsDir():
		return schemas.ContractSet{}, Usage("contracts %s: is a file; name the directory that holds the schemas", directory)
	}
	set, err := schemas.LoadContractSet(os.DirFS(absolute), filepath.Base(absolute), unversioned)
	if err == nil {
		_, err = set.Validators()
	}
	if err != nil {
		return schemas.ContractSet{}, refusedContracts(gates.ContractsInvalid, directory, placeInDirectory(directory, err), err.Error())
	}
	if !schemas.ExactVersion(set.Version()) {
		return schemas.ContractSet{}, refusedContracts(gates.PinFloating, directory, filepath.Join(directory, contractHead),
			fmt.Sprintf("version %q is not an exact version, x.y.z", set.Version()))
	}
	return set, nil
}

func refusedContracts(code gates.Code, directory, place, message string) error {
	reason, _ := gates.Lookup(code)
	return &client.Problem{
		Title: reason.Meaning, ReasonCode: string(code), Class: string(reason.Class), Remedy: reason.Remedy,
		Detail: fmt.Sprintf("the contract set in %s cannot be used", directory),
		Errors: []client.ProblemError{{Location: place, Code: string(code), Message: message}},
	}
}

// placeInDirectory returns FILE#POINTER for a fault in a schema, and
// FILE:LINE:COLUMN for one in the head of the set.
func placeInDirectory(directory string, err error) string {
	file, pointer := schemas.PositionOf(err)
	var inYAML *schemas.YAMLError
	switch path := filepath.Join(directory, file); {
	case file == "":
		return directory
	case errors.As(err, &inYAML) && inYAML.Line > 0:
		return fmt.Sprintf("%s:%d:%d", path, inYAML.Line, inYAML.Column)
	case pointer == "":
		return path
	default:
		return path + "#" + pointer
	}
}

// contractsOf returns the contract set that a build is asked to be held to: a
// directory of schemas, or the digest of a set that was pinned.
func contractsOf(chosen string) (json.RawMessage, error) {
	if digest, err := records.ParseDigest(chosen); err == nil {
		return json.Marshal(client.PinnedChoice{Pinned: digest.String()})
	}
	set, err := loadContracts(chosen)
	if err != nil {
		return nil, err
	}
	return json.Marshal(contractsToSend(set))
}

// contractsToSend returns a set in the form in which the server takes it.
func contractsToSend(set schemas.ContractSet) client.ContractSet {
	sent := client.ContractSet{
		ContractHead: client.ContractHead{Name: set.Name(), Version: set.Version(), Source: set.Source(), Commit: set.Commit()},
		Schemas:      map[string]json.RawMessage{},
	}
	files := set.Files()
	for i, entry := range set.Entries() {
		sent.Schemas[entry.File] = files[i]
	}
	return sent
}
