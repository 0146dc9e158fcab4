package control

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/api/serviceerror"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/activities/runner"
	httprunner "github.com/initkoa/orgo/activities/runner/http"
	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/workflows"
)

// CompleteCallback hands the late answer of an http runner to the activity that
// waits for it, once its signature was verified. What the answer says is verified
// like every other output, by the stage's last activity.
func (b *Builds) CompleteCallback(ctx context.Context, late api.Callback) error {
	if len(b.callbackKey) < httprunner.CallbackKeyMin {
		return refuse(gates.CallbackUnsigned, nil,
			"this server takes no callbacks: it has no key of at least %d bytes (--callback-key)", httprunner.CallbackKeyMin)
	}
	secret := httprunner.CallbackSecret(b.callbackKey, late.Token)
	if err := httprunner.VerifyCallback(secret, late.Signature, late.Body, b.clock.Now(), httprunner.CallbackTolerance); err != nil {
		return refuse(gates.CallbackUnsigned, err, "the callback is refused")
	}
	token, err := httprunner.ParseCallbackToken(late.Token)
	if err != nil {
		return refuse(gates.CallbackUnsigned, err, "the callback is refused")
	}
	result, err := httprunner.Decode(ctx, b.artifacts, "callback of "+string(token.Stage), late.Body)
	var failure *runner.Failure
	if err != nil && !errors.As(err, &failure) {
		return err
	}
	var reported error
	if failure != nil {
		reported = activities.ReportFailure(failure, token.Attempt)
	}
	err = b.temporal.CompleteActivityByID(ctx, b.namespace, workflows.BuildWorkflowID(token.Organization, token.BuildID), "",
		workflows.CallActivityID(token.Stage, token.Generation), result, reported)
	var missing *serviceerror.NotFound
	if errors.As(err, &missing) {
		return refuse(gates.InvalidTransition, err, "stage %s of build %s waits for no answer", token.Stage, token.BuildID)
	}
	if err != nil {
		return fmt.Errorf("answer for stage %s of build %s: %w", token.Stage, token.BuildID, err)
	}
	return nil
}
