package stack

import (
	"fmt"
	"os"

	"github.com/initkoa/orgo/gates/mandate"
	"github.com/initkoa/orgo/records/signature"
)

// ReadPolicyKeys reads the public keys whose signatures count. Without a file nobody
// is trusted, and no signature is required.
func ReadPolicyKeys(path string) (mandate.Trust, error) {
	if path == "" {
		return mandate.Trust{}, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return mandate.Trust{}, fmt.Errorf("policy keys: %w", err)
	}
	keys, err := signature.ParseKeyring(text)
	if err != nil {
		return mandate.Trust{}, fmt.Errorf("policy keys %s: %w", path, err)
	}
	return mandate.Trust{Keys: keys}, nil
}
