package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records/person"
)

// StaticTokens knows a fixed list of tokens, of which it holds only the hashes.
type StaticTokens struct{ tokens []knownToken }

type knownToken struct {
	hash     [sha256.Size]byte
	identity Identity
}

// TokenEntry is one entry of a tokens file.
type TokenEntry struct {
	// TokenSHA256 is the lower-case hex of the SHA-256 of the token.
	TokenSHA256  string   `json:"token_sha256"`
	Actor        string   `json:"actor"`
	Organization string   `json:"organization"`
	Roles        []string `json:"roles,omitempty"`
}

// HashToken returns what a tokens file holds of a token.
func HashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// ReadTokensFile reads a tokens file: a JSON array of TokenEntry.
func ReadTokensFile(path string) (*StaticTokens, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("tokens file: %w", err)
	}
	var entries []TokenEntry
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&entries); err != nil {
		return nil, fmt.Errorf("tokens file %s: %w", path, err)
	}
	tokens, err := NewStaticTokens(entries)
	if err != nil {
		return nil, fmt.Errorf("tokens file %s: %w", path, err)
	}
	return tokens, nil
}

// NewStaticTokens checks entries: each has a hash, an actor and an organization, and no
// token belongs to two. No actor has a name that reads like another's of the organization,
// or like Orgo's own, or that can be taken for one by letters of several scripts: one
// person is one name, which may have several tokens (package person).
func NewStaticTokens(entries []TokenEntry) (*StaticTokens, error) {
	tokens := &StaticTokens{}
	seen := map[[sha256.Size]byte]bool{}
	for i, entry := range entries {
		known := knownToken{identity: Identity{Actor: entry.Actor, Organization: entry.Organization, Roles: entry.Roles}}
		n, err := hex.Decode(known.hash[:], []byte(entry.TokenSHA256[:min(len(entry.TokenSHA256), 2*sha256.Size)]))
		if err != nil || n != sha256.Size || len(entry.TokenSHA256) != 2*sha256.Size {
			return nil, fmt.Errorf("entry %d: token_sha256 is not 64 hex digits", i)
		}
		if entry.Actor == "" || entry.Organization == "" {
			return nil, fmt.Errorf("entry %d: actor and organization must be set", i)
		}
		if err := distinguishable(entry, entries[:i]); err != nil {
			return nil, fmt.Errorf("entry %d: %w", i, err)
		}
		if seen[known.hash] {
			return nil, fmt.Errorf("entry %d: the same token appears twice", i)
		}
		seen[known.hash] = true
		tokens.tokens = append(tokens.tokens, known)
	}
	return tokens, nil
}

// distinguishable returns an error for an actor whose name can be taken for another.
func distinguishable(entry TokenEntry, others []TokenEntry) error {
	switch {
	case !person.Somebody(entry.Actor):
		return fmt.Errorf("actor %q reads like one of Orgo's own", entry.Actor)
	case person.Mixed(entry.Actor):
		return fmt.Errorf("actor %q has letters of several scripts, and can be taken for another name", entry.Actor)
	}
	for _, other := range others {
		if other.Organization == entry.Organization && other.Actor != entry.Actor && person.Alike(other.Actor, entry.Actor) {
			return fmt.Errorf("actor %q reads like %q: one person has one name", entry.Actor, other.Actor)
		}
	}
	return nil
}

// Authenticate returns the identity of a token. It takes as long for a wrong
// token as for a right one.
func (t *StaticTokens) Authenticate(_ context.Context, token string) (Identity, error) {
	hash := sha256.Sum256([]byte(token))
	match := -1
	for i := range t.tokens {
		same := subtle.ConstantTimeCompare(hash[:], t.tokens[i].hash[:])
		match = subtle.ConstantTimeSelect(same, i, match)
	}
	if match < 0 {
		return Identity{}, refusef(gates.Unauthorized, "the token is not known")
	}
	return t.tokens[match].identity, nil
}
