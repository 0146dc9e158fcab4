package temporal_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	sdktemporal "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/deployments/local/ports"
	"github.com/initkoa/orgo/deployments/local/temporal"
)

const queue = "test"

var (
	stage   = sdktemporal.NewSearchAttributeKeyKeyword("OrgoStage")
	reasons = sdktemporal.NewSearchAttributeKeyKeywordList("OrgoReasonCode")
)

func options(dir string) temporal.Options {
	return temporal.Options{
		DBPath:       filepath.Join(dir, "temporal.db"),
		FrontendAddr: "127.0.0.1:0",
		SearchAttributes: map[string]enumspb.IndexedValueType{
			"OrgoStage":      enumspb.INDEXED_VALUE_TYPE_KEYWORD,
			"OrgoReasonCode": enumspb.INDEXED_VALUE_TYPE_KEYWORD_LIST,
		},
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
}

func start(t testing.TB, o temporal.Options) *temporal.Server {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	begin := time.Now()
	server, err := temporal.Start(ctx, o)
	require.NoError(t, err)
	t.Logf("ready after %v", time.Since(begin))
	return server
}

func stop(t testing.TB, server *temporal.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	begin := time.Now()
	require.NoError(t, server.Stop(ctx))
	t.Logf("stopped after %v", time.Since(begin))
}

func dial(t testing.TB, server *temporal.Server) client.Client {
	c, err := client.Dial(client.Options{HostPort: server.FrontendAddr(), Namespace: server.Namespace(), Logger: quiet()})
	require.NoError(t, err)
	return c
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// tag is a workflow that sets every kind of search attribute and ends.
func tag(ctx workflow.Context) (string, error) {
	return "done", workflow.UpsertTypedSearchAttributes(ctx,
		stage.ValueSet("compile"), reasons.ValueSet([]string{"STAGE_OUTPUT_CONFLICT", "INPUT_UNREADABLE"}))
}

// listed waits until the server's list shows that the query has count workflows.
func listed(t testing.TB, c client.Client, count int, query string) {
	require.EventuallyWithT(t, func(collect *assertCollector) {
		found, err := c.ListWorkflow(t.Context(), listRequest(query))
		require.NoError(collect, err)
		require.Len(collect, found.Executions, count)
	}, 10*time.Second, 20*time.Millisecond)
}

func TestFirstStartHasSearchAttributesAndWebUIAndKeepsItsWorkflows(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a dir?with #odd%20name")
	require.NoError(t, os.Mkdir(dir, 0o700))
	o := options(dir)
	o.UIAddr = "127.0.0.1:0"
	server := start(t, o)
	page := get(t, server.UIURL()+"/")
	require.Contains(t, page, "<html")
	script := regexp.MustCompile(`/_app/[^"']+\.js`).FindString(page)
	require.NotEmpty(t, script, page)
	require.NotEmpty(t, get(t, server.UIURL()+script))
	require.Contains(t, get(t, server.UIURL()+"/api/v1/namespaces"), `"default"`)

	c := dial(t, server)
	w := worker.New(c, queue, worker.Options{})
	w.RegisterWorkflow(tag)
	require.NoError(t, w.Start())
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "one", TaskQueue: queue}, tag)
	require.NoError(t, err)
	require.NoError(t, run.Get(t.Context(), nil))
	listed(t, c, 1, `OrgoStage = 'compile' AND OrgoReasonCode = 'INPUT_UNREADABLE'`)
	w.Stop()
	c.Close()
	stop(t, server)

	// Another port, one attribute more: both must do.
	o.SearchAttributes["OrgoRelease"] = enumspb.INDEXED_VALUE_TYPE_KEYWORD
	o.UIAddr = ""
	server = start(t, o)
	require.Empty(t, server.UIURL())
	c = dial(t, server)
	var result string
	require.NoError(t, c.GetWorkflow(t.Context(), "one", "").Get(t.Context(), &result))
	require.Equal(t, "done", result)
	listed(t, c, 1, `OrgoStage = 'compile'`)
	listed(t, c, 0, `OrgoRelease = 'r1'`)
	c.Close()
	stop(t, server)
}

func get(t testing.TB, url string) string {
	response, err := http.Get(url)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, "%s: %s", url, body)
	return string(body)
}

func TestAnAttributeCannotChangeItsType(t *testing.T) {
	o := options(t.TempDir())
	stop(t, start(t, o))
	o.SearchAttributes["OrgoStage"] = enumspb.INDEXED_VALUE_TYPE_INT
	_, err := temporal.Start(t.Context(), o)
	var refused *temporal.SearchAttributeError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "OrgoStage", refused.Name)
}

func TestTooManyAttributesOfOneTypeAreRefused(t *testing.T) {
	t.Parallel()
	o := options(t.TempDir())
	for i := range 11 { // ten keyword columns, one of them for OrgoStage
		o.SearchAttributes[fmt.Sprintf("Extra%d", i)] = enumspb.INDEXED_VALUE_TYPE_KEYWORD
	}
	_, err := temporal.Start(t.Context(), o)
	var refused *temporal.SearchAttributeError
	require.ErrorAs(t, err, &refused)
}

func TestABusyPortIsAnErrorThatNamesItsFlag(t *testing.T) {
	t.Parallel()
	for flag, set := range map[string]func(*temporal.Options, string){
		temporal.FrontendFlag: func(o *temporal.Options, addr string) { o.FrontendAddr = addr },
		temporal.UIFlag:       func(o *temporal.Options, addr string) { o.UIAddr = addr },
	} {
		t.Run(flag, func(t *testing.T) {
			t.Parallel()
			o := options(t.TempDir())
			set(&o, occupied(t))
			_, err := temporal.Start(t.Context(), o)
			var busy *ports.BusyError
			require.ErrorAs(t, err, &busy)
			require.Equal(t, flag, busy.Flag)
			require.NoFileExists(t, o.DBPath)
		})
	}
}
