package event

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// SubjectWebhook is the subject kind of what happens to a webhook.
const SubjectWebhook = "webhook"

// Types of the entries about a webhook.
const (
	TypeWebhookCreated      = "orgo.webhook.created"
	TypeWebhookDeleted      = "orgo.webhook.deleted"
	TypeWebhookDeadLettered = "orgo.webhook.dead-lettered"
	TypeWebhookRedriven     = "orgo.webhook.redriven"
)

// Webhook is where events are sent, and which. It is the body of TypeWebhookCreated.
type Webhook struct {
	ID     string `json:"id"`
	URL    string `json:"url"`
	Filter Filter `json:"filter"`
	// After is the leaf after which it begins.
	After int64 `json:"after"`
	// MaxAttempts is how often an event is sent before it is set aside.
	MaxAttempts int `json:"max_attempts"`
}

// CheckURL returns an error for a URL that no event is sent to: without TLS only
// this machine is trusted.
func (w Webhook) CheckURL() error {
	u, err := url.Parse(w.URL)
	switch {
	case err != nil:
		return fmt.Errorf("is not a url")
	case u.Host == "" || u.User != nil || u.Fragment != "":
		return fmt.Errorf("must be https://HOST[:PORT]/PATH, without user and fragment")
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	default:
		return fmt.Errorf("has scheme %q: only https is sent to, and http on this machine", u.Scheme)
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// DeadLetter is an event that was not taken, however often it was sent. It is the
// body of TypeWebhookDeadLettered.
type DeadLetter struct {
	Leaf     int64  `json:"leaf"`
	EntryID  string `json:"entry_id"`
	Attempts int    `json:"attempts"`
	Error    string `json:"error"`
}

// WebhookStatus is where a webhook stands.
type WebhookStatus struct {
	Webhook
	// Cursor is the leaf that is behind.
	Cursor    int64 `json:"cursor"`
	Delivered int64 `json:"delivered"`
	// Attempts at the event that is due and was not taken so far, and why not.
	Attempts    int          `json:"attempts"`
	LastError   string       `json:"last_error,omitempty"`
	DeadLetters []DeadLetter `json:"dead_letters"`
	Deleted     bool         `json:"deleted"`
}

// WebhookChanged is the body of TypeWebhookDeleted and TypeWebhookRedriven: where the
// webhook stood when an operator changed it, and what was asked for.
type WebhookChanged struct {
	Before WebhookStatus `json:"before"`
	After  WebhookStatus `json:"after"`
}

// The headers of a delivery, as the Standard Webhooks specification has them.
const (
	HeaderWebhookID        = "webhook-id"
	HeaderWebhookTimestamp = "webhook-timestamp"
	HeaderWebhookSignature = "webhook-signature"
)

const secretPrefix = "whsec_"

// WebhookSecret returns what the deliveries of a webhook are signed with, in the
// form of Standard Webhooks. It is derived from the server's key, so that no store
// holds it.
func WebhookSecret(serverKey []byte, organization, id string) string {
	mac := hmac.New(sha256.New, serverKey)
	fmt.Fprintf(mac, "orgo-webhook\n%d:%s%d:%s", len(organization), organization, len(id), id)
	return secretPrefix + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// SignWebhook returns the signature header of a delivery (Standard Webhooks,
// symmetric): HMAC-SHA256 over id, seconds and body, with dots between them.
func SignWebhook(secret, id string, at time.Time, body []byte) (string, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, secretPrefix))
	if err != nil || len(key) == 0 {
		return "", fmt.Errorf("a webhook's secret is %s and base64", secretPrefix)
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%d.", id, at.Unix())
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)), nil
}

// VerifyWebhook returns nil only for a delivery that was signed with the secret, at
// a time not more than tolerance from now. A header may have several signatures,
// with blanks between them.
func VerifyWebhook(secret, id, timestamp, signatures string, body []byte, now time.Time, tolerance time.Duration) error {
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return fmt.Errorf("%s is not a time in seconds", HeaderWebhookTimestamp)
	}
	at := time.Unix(seconds, 0)
	if now.Sub(at).Abs() > tolerance {
		return fmt.Errorf("%s is more than %s away", HeaderWebhookTimestamp, tolerance)
	}
	want, err := SignWebhook(secret, id, at, body)
	if err != nil {
		return err
	}
	for _, signature := range strings.Fields(signatures) {
		if subtle.ConstantTimeCompare([]byte(signature), []byte(want)) == 1 {
			return nil
		}
	}
	return fmt.Errorf("%s has no signature with this secret", HeaderWebhookSignature)
}
