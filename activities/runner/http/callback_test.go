package httprunner_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/runner"
	httprunner "github.com/initkoa/orgo/activities/runner/http"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

var serverKey = bytes.Repeat([]byte{7}, 32)

func TestAnswerByCallback(t *testing.T) {
	t.Parallel()
	b := setup(t, httprunner.Options{CallbackURL: "https://orgo.example/v1/callbacks/", CallbackKey: serverKey}, answering(http.StatusAccepted, ""))
	_, err := b.run(t.Context())
	require.ErrorIs(t, err, runner.ErrPending)

	// What follows is the receiver's part: the token comes back in the URL, and the
	// secret that the service was sent belongs to it.
	header := b.calls()[0].header
	token, found := strings.CutPrefix(header.Get("Orgo-Callback-URL"), "https://orgo.example/v1/callbacks/")
	require.True(t, found)
	parsed, err := httprunner.ParseCallbackToken(token)
	require.NoError(t, err)
	require.Equal(t, httprunner.CallbackToken{
		Organization: records.DefaultOrganization, BuildID: "b-1", Stage: records.Extract, Generation: 2, Attempt: 3, Key: "sha256:key",
	}, parsed)
	require.Equal(t, httprunner.CallbackSecret(serverKey, token), header.Get("Orgo-Callback-Secret"))
	require.Less(t, len(token), 1000)

	result, err := httprunner.Decode(t.Context(), b.store, "callback", []byte(goodAnswer))
	require.NoError(t, err)
	require.Equal(t, []records.Artifact{{Name: "claims", Ref: hello}}, result.Outputs)
}

// The form of the signature is fixed; other languages make it from the documentation.
func TestSignatureForm(t *testing.T) {
	t.Parallel()
	mac := hmac.New(sha256.New, []byte("secret"))
	fmt.Fprint(mac, `1700000000.{"outputs":[]}`)
	want := "t=1700000000,v1=" + hex.EncodeToString(mac.Sum(nil))
	require.Equal(t, want, httprunner.Sign("secret", time.Unix(1700000000, 0), []byte(`{"outputs":[]}`)))
}

// Each row is a planted fault. Without the comparison in VerifyCallback, the rows
// from "body" to "secret of another call" would be let through.
func TestVerifyCallback(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	body, secret := []byte(goodAnswer), httprunner.CallbackSecret(serverKey, "token")
	good := httprunner.Sign(secret, now, body)
	const tolerance = httprunner.CallbackTolerance
	sign := func(at time.Time) string { return httprunner.Sign(secret, at, body) }

	for name, at := range map[string]time.Time{"now": now, "late": now.Add(-tolerance), "early": now.Add(tolerance)} {
		require.NoError(t, httprunner.VerifyCallback(secret, sign(at), body, now, tolerance), name)
	}
	tests := map[string]struct {
		secret, header string
		body           []byte
	}{
		"body":                   {secret, good, append(bytes.Clone(body), ' ')},
		"empty body":             {secret, good, nil},
		"time moved":             {secret, strings.Replace(good, "t=1700000000", "t=1700000001", 1), body},
		"zero signature":         {secret, "t=1700000000,v1=" + strings.Repeat("0", 64), body},
		"other secret":           {"other", good, body},
		"secret of another call": {httprunner.CallbackSecret(serverKey, "token2"), good, body},
		"replayed later":         {secret, sign(now.Add(-tolerance - time.Second)), body},
		"from the future":        {secret, sign(now.Add(tolerance + time.Second)), body},
		"from 1970":              {secret, sign(time.Unix(0, 0)), body},
		"far future":             {secret, sign(time.Unix(1<<62, 0)), body},
		"empty secret":           {"", httprunner.Sign("", now, body), body},
		"no header":              {secret, "", body},
		"no signature":           {secret, "t=1700000000", body},
		"empty signature":        {secret, "t=1700000000,v1=", body},
		"no time":                {secret, good[strings.Index(good, "v1="):], body},
		"other version":          {secret, strings.Replace(good, "v1=", "v0=", 1), body},
		"not hex":                {secret, good[:len(good)-1] + "g", body},
		"cut off":                {secret, good[:len(good)-2], body},
		"extended":               {secret, good + "00", body},
		"second signature":       {secret, good + ",v1=" + strings.Repeat("0", 64), body},
		"time not a number":      {secret, strings.Replace(good, "1700000000", "now", 1), body},
		"time with a sign":       {secret, strings.Replace(good, "t=", "t=+", 1), body},
		"negative time":          {secret, sign(time.Unix(-1, 0)), body},
		"space":                  {secret, strings.Replace(good, ",", ", ", 1), body},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := httprunner.VerifyCallback(test.secret, test.header, test.body, now, tolerance)
			require.True(t, requireFailure(t, gates.CallbackUnsigned, err).Final)
			require.NotContains(t, err.Error(), secret)
		})
	}
}

func TestForeignTokens(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"", "*", "bnVsbA==", "bnVsbA", "e30", "e30x", "eyJhIjoxfQ"} {
		_, err := httprunner.ParseCallbackToken(token)
		requireFailure(t, gates.CallbackUnsigned, err)
	}
}
