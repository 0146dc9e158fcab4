package event_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/event"
)

func TestFilter(t *testing.T) {
	t.Parallel()
	entry := records.Entry{
		Type: "orgo.stage.finished", Subject: records.Subject{Kind: "build", ID: "b"}, Correlation: records.Correlation{Channel: "stable"},
	}
	for name, c := range map[string]struct {
		filter event.Filter
		want   bool
	}{
		"nothing":         {event.Filter{}, true},
		"type":            {event.Filter{Types: []string{"orgo.gate.*", "orgo.stage.finished"}}, true},
		"types below":     {event.Filter{Types: []string{"orgo.stage.*"}}, true},
		"another type":    {event.Filter{Types: []string{"orgo.stage"}}, false},
		"part of a word":  {event.Filter{Types: []string{"orgo.sta.*"}}, false},
		"subject":         {event.Filter{Subject: "build/b"}, true},
		"another subject": {event.Filter{Subject: "build/bb"}, false},
		"channel":         {event.Filter{Channel: "stable"}, true},
		"another channel": {event.Filter{Channel: "stab"}, false},
		"one of two":      {event.Filter{Channel: "stable", Subject: "build/c"}, false},
	} {
		require.NoError(t, c.filter.Check(), name)
		require.Equal(t, c.want, c.filter.Admits(entry), name)
	}
}

func TestWebhookURLs(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]bool{
		"https://example.org/hook": true, "http://127.0.0.1:8080/": true, "http://[::1]/": true, "http://localhost/": true,
		"http://example.org/": false, "ftp://example.org/": false, "https://user@example.org/": false, "https:///path": false,
		"https://example.org/#part": false, "": false, "://": false,
	} {
		err := event.Webhook{URL: url}.CheckURL()
		require.Equal(t, want, err == nil, "%s: %v", url, err)
	}
}

// TestSignature checks the form of Standard Webhooks against values that were
// computed with another implementation (openssl), and refuses every change.
func TestSignature(t *testing.T) {
	t.Parallel()
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	const id, body = "msg_p5jXN8AQM9LWM0D4loKWxJek", `{"test": 2432232314}`
	at := time.Unix(1614265330, 0)
	signature, err := event.SignWebhook(secret, id, at, []byte(body))
	require.NoError(t, err)
	require.Equal(t, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", signature)

	verify := func(secret, id, timestamp, signatures, body string, now time.Time) error {
		return event.VerifyWebhook(secret, id, timestamp, signatures, []byte(body), now, time.Minute)
	}
	require.NoError(t, verify(secret, id, "1614265330", signature, body, at.Add(time.Minute)))
	require.NoError(t, verify(secret, id, "1614265330", "v1,other "+signature, body, at))
	for name, err := range map[string]error{
		"secret":    verify(event.WebhookSecret([]byte("key"), "o", "w"), id, "1614265330", signature, body, at),
		"id":        verify(secret, id+"x", "1614265330", signature, body, at),
		"time":      verify(secret, id, "1614265331", signature, body, at),
		"no time":   verify(secret, id, "", signature, body, at),
		"body":      verify(secret, id, "1614265330", signature, body+" ", at),
		"late":      verify(secret, id, "1614265330", signature, body, at.Add(time.Minute+time.Second)),
		"early":     verify(secret, id, "1614265330", signature, body, at.Add(-time.Minute-time.Second)),
		"none":      verify(secret, id, "1614265330", "", body, at),
		"version":   verify(secret, id, "1614265330", strings.Replace(signature, "v1", "v2", 1), body, at),
		"no secret": verify("whsec_", id, "1614265330", signature, body, at),
	} {
		require.Error(t, err, name)
	}
}

func TestSecretsDiffer(t *testing.T) {
	t.Parallel()
	key := []byte("key")
	secret := event.WebhookSecret(key, "o", "w")
	require.Equal(t, secret, event.WebhookSecret(key, "o", "w"))
	require.NotEqual(t, secret, event.WebhookSecret(key, "ow", ""))
	require.NotEqual(t, secret, event.WebhookSecret(key, "o", "v"))
	require.NotEqual(t, secret, event.WebhookSecret([]byte("another"), "o", "w"))
}
