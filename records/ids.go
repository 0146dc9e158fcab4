package records

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// DefaultOrganization is the organization of a local stack.
const DefaultOrganization = "00000000-0000-4000-8000-000000000001"

// BuildID returns the id of the build that an idempotency key names in an
// organization: a UUID of version 8 (RFC 9562 §5.8) derived from both. The
// same key is therefore the same build, whoever asks and however often.
func BuildID(organization, idempotencyKey string) string {
	return deriveID("build", organization, idempotencyKey)
}

// deriveID hashes parts, unambiguously joined, into a version 8 UUID.
func deriveID(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	var u [16]byte
	copy(u[:], h.Sum(nil))
	u[6] = u[6]&0x0f | 0x80 // version 8
	u[8] = u[8]&0x3f | 0x80 // variant 10
	s := hex.EncodeToString(u[:])
	return strings.Join([]string{s[0:8], s[8:12], s[12:16], s[16:20], s[20:32]}, "-")
}

// WebhookID returns the id of the webhook that an idempotency key stands for.
func WebhookID(organization, idempotencyKey string) string {
	return deriveID("webhook", organization, idempotencyKey)
}

// NodeStateID returns the id of what a node's state was at a time: a state that is
// told twice has the same.
func NodeStateID(organization, node string, at time.Time) string {
	return deriveID("node-state", organization, node, at.UTC().Format(time.RFC3339Nano))
}

// CaseID returns the id of the Case of a number that a cause has in an organization.
func CaseID(organization, causeKind, cause string, ordinal int) string {
	return deriveID("case", organization, causeKind, cause, strconv.Itoa(ordinal))
}

// TaskID returns the id of the Task of a key in a Case.
func TaskID(caseID, key string) string { return deriveID("task", caseID, key) }
