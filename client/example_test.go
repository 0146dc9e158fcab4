package client_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records"
)

// Start a build from CI and see it through. The key makes a repeated CI step
// find the build that it started before.
func Example() {
	server := httptest.NewServer(exampleServer())
	defer server.Close()

	ctx := context.Background()
	c, err := client.New(client.Options{URL: server.URL, Token: "secret"})
	if err != nil {
		fmt.Println(err)
		return
	}
	build, err := c.Start(ctx, client.StartBuild{
		Inputs:  []records.Input{{URI: "file:///data/documents"}},
		Trigger: client.BuildTrigger{Type: records.TriggerWebhook, Reason: "commit 4f2a"},
	}, "ci-run-7001")
	if err != nil {
		fmt.Println(err)
		return
	}
	for view, err := range c.Watch(ctx, build.BuildID) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(view.State, view.Stage)
	}
	// Output:
	// PENDING pin
	// RUNNING validate
	// PASSED
}

// exampleServer answers as a server does while a build runs.
func exampleServer() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/builds", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"build_id":"b","version":1,"state":"PENDING","stage":"pin"}`)
	})
	mux.HandleFunc("GET /v1/builds/b", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, map[string]string{
			"":  `{"build_id":"b","version":1,"state":"PENDING","stage":"pin"}`,
			"1": `{"build_id":"b","version":6,"state":"RUNNING","stage":"validate"}`,
			"6": `{"build_id":"b","version":9,"state":"PASSED"}`,
		}[r.URL.Query().Get("after_version")])
	})
	return mux
}
