// Command collect-claims-worker is a taskqueue runner for the stage extract: it
// hands on the Claim-IR documents that the corpus already holds, in files named
// *.claims.jsonl. See docs/runners.md.
//
//	ORGO_URL=http://127.0.0.1:7700 ORGO_TOKEN=… TEMPORAL_ADDRESS=127.0.0.1:7233 go run ./docs/examples/runners/collect-claims-worker
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"go.temporal.io/sdk/activity"
	temporal "go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// The names that the pipeline file uses.
const (
	taskQueue    = "claims"
	activityName = "collect-claims"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	orgo, err := client.New(client.Options{URL: os.Getenv("ORGO_URL"), Token: os.Getenv("ORGO_TOKEN")})
	if err != nil {
		return err
	}
	server, err := temporal.Dial(temporal.Options{HostPort: os.Getenv("TEMPORAL_ADDRESS")})
	if err != nil {
		return err
	}
	defer server.Close()
	w := worker.New(server, taskQueue, worker.Options{})
	w.RegisterActivityWithOptions(collector{orgo}.collect, activity.RegisterOptions{Name: activityName})
	return w.Run(worker.InterruptCh())
}

type collector struct{ orgo *client.Client }

// collect does the stage. It gets the request and returns the result; content goes
// through the artifact store.
func (c collector) collect(ctx context.Context, req runner.Request) (runner.Result, error) {
	snapshot, found := req.Input(records.OutSnapshot)
	if !found {
		return runner.Result{}, errors.New("the request has no snapshot")
	}
	content, err := c.read(ctx, snapshot.Digest)
	if err != nil {
		return runner.Result{}, err
	}
	var manifest records.Snapshot
	if err := json.Unmarshal(content, &manifest); err != nil {
		return runner.Result{}, fmt.Errorf("snapshot: %w", err)
	}
	var claims bytes.Buffer
	for _, file := range manifest.Files {
		if !strings.HasSuffix(file.Path, ".claims.jsonl") {
			continue
		}
		content, err := c.read(ctx, file.Digest)
		if err != nil {
			return runner.Result{}, fmt.Errorf("%s: %w", file.Path, err)
		}
		claims.Write(content)
		activity.RecordHeartbeat(ctx, file.Path)
	}
	if claims.Len() == 0 {
		return runner.Result{}, sdk.NewNonRetryableApplicationError("no file is named *.claims.jsonl", string(gates.InputEmpty), nil)
	}
	ref, err := c.orgo.PutArtifact(ctx, records.MediaJSONLines, bytes.NewReader(claims.Bytes()))
	if err != nil {
		return runner.Result{}, err
	}
	return runner.Result{Outputs: []records.Artifact{{Name: records.OutClaims, Ref: ref}}}, nil
}

func (c collector) read(ctx context.Context, digest records.Digest) ([]byte, error) {
	content, err := c.orgo.OpenArtifact(ctx, digest)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	return io.ReadAll(content)
}
