package httprunner

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// SignatureHeader is the header of a callback that bears its signature:
// "t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">".
const SignatureHeader = "Orgo-Signature"

// CallbackTolerance is how far the time of a callback may be from the receiver's.
const CallbackTolerance = 5 * time.Minute

// CallbackToken says which call a callback answers. It is the last part of the
// callback's URL, in base64url (RFC 4648 §5). Nothing in it counts before the
// callback's signature was checked with the secret that belongs to the token.
type CallbackToken struct {
	Organization string        `json:"organization"`
	BuildID      string        `json:"build_id"`
	Stage        records.Stage `json:"stage"`
	Generation   int           `json:"generation"`
	Attempt      int           `json:"attempt"`
	Key          string        `json:"key"` // the stage's idempotency key
}

func tokenOf(req runner.Request) CallbackToken {
	return CallbackToken{
		Organization: req.Organization, BuildID: req.BuildID, Stage: req.Stage,
		Generation: req.Generation, Attempt: req.Attempt, Key: req.IdempotencyKey,
	}
}

func (t CallbackToken) encode() (string, error) {
	text, err := json.Marshal(t)
	if err != nil {
		return "", fmt.Errorf("callback token of build %s: %w", t.BuildID, err)
	}
	return base64.RawURLEncoding.EncodeToString(text), nil
}

// ParseCallbackToken reads the last part of a callback's URL.
func ParseCallbackToken(s string) (CallbackToken, error) {
	var token CallbackToken
	text, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err == nil {
		err = json.Unmarshal(text, &token, json.RejectUnknownMembers(true))
	}
	if err != nil || token.BuildID == "" || token.Key == "" {
		return CallbackToken{}, runner.Fail(gates.CallbackUnsigned, err, "the callback's token is not one of ours")
	}
	return token, nil
}

// CallbackSecret returns the secret of one call, as hex: HMAC-SHA256 (RFC 2104),
// keyed with the server's key, of the call's token. As the token holds the build,
// the stage key and the attempt, a service that knows one secret can answer that
// one call and no other.
func CallbackSecret(serverKey []byte, token string) string {
	mac := hmac.New(sha256.New, serverKey)
	mac.Write([]byte("orgo-callback\n" + token))
	return hex.EncodeToString(mac.Sum(nil))
}

// Sign returns the value of SignatureHeader for a callback.
func Sign(secret string, at time.Time, body []byte) string {
	seconds := strconv.FormatInt(at.Unix(), 10)
	return "t=" + seconds + ",v1=" + hex.EncodeToString(signature(secret, seconds, body))
}

func signature(secret, seconds string, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(seconds + "."))
	mac.Write(body)
	return mac.Sum(nil)
}

// VerifyCallback returns nil only if header is a signature of body, made with
// secret at a time not more than tolerance from now. Every other outcome is a
// *runner.Failure with gates.CallbackUnsigned.
func VerifyCallback(secret, header string, body []byte, now time.Time, tolerance time.Duration) error {
	seconds, signed, ok := parseSignature(header)
	if !ok || secret == "" {
		return runner.Fail(gates.CallbackUnsigned, nil, "the callback bears no well-formed %s", SignatureHeader)
	}
	// The comparison takes the same time wherever the difference is.
	if !hmac.Equal(signed, signature(secret, strconv.FormatInt(seconds, 10), body)) {
		return runner.Fail(gates.CallbackUnsigned, nil, "the callback's signature does not fit its body and secret")
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return runner.Fail(gates.CallbackUnsigned, nil, "the callback was signed %s from now; want at most %s; check the clocks", age, tolerance)
	}
	return nil
}

// parseSignature reads exactly the form that Sign writes.
func parseSignature(header string) (seconds int64, signed []byte, ok bool) {
	t, v1, found := strings.Cut(header, ",")
	t, timed := strings.CutPrefix(t, "t=")
	v1, versioned := strings.CutPrefix(v1, "v1=")
	if !found || !timed || !versioned {
		return 0, nil, false
	}
	seconds, err := strconv.ParseInt(t, 10, 64)
	if err != nil || seconds < 0 || strconv.FormatInt(seconds, 10) != t {
		return 0, nil, false
	}
	signed, err = hex.DecodeString(v1)
	return seconds, signed, err == nil && len(signed) == sha256.Size
}
