package control_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	httprunner "github.com/initkoa/orgo/activities/runner/http"
	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/api/control"
	"github.com/initkoa/orgo/gates"
)

type clock struct{}

func (clock) Now() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// A server that was given no key, or a short one, takes no callbacks: anybody
// could work out the secret that it would expect.
func TestServerWithoutAKeyTakesNoCallbacks(t *testing.T) {
	t.Parallel()
	for name, key := range map[string][]byte{"none": nil, "short": []byte("short")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			builds := control.NewBuilds(control.Options{Clock: clock{}, CallbackKey: key})
			body := []byte(`{}`)
			forged := httprunner.Sign(httprunner.CallbackSecret(key, "token"), clock{}.Now(), body)
			err := builds.CompleteCallback(t.Context(), api.Callback{Token: "token", Signature: forged, Body: body})
			var refusal *api.Refusal
			require.ErrorAs(t, err, &refusal)
			require.Equal(t, gates.CallbackUnsigned, refusal.Code)
			require.ErrorContains(t, err, "takes no callbacks")
		})
	}
}
