package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"os"
	"path/filepath"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/client"
)

// save writes the history of a run, the newest if none is named, in the form in which
// Temporal's tools exchange them: compressed, and without indentation, if path says so.
func save(ctx context.Context, from client.Client, workflowID, runID, path string) error {
	history := &historypb.History{}
	events := from.GetWorkflowHistory(ctx, workflowID, runID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return err
		}
		unnamed(event.GetWorkflowTaskScheduledEventAttributes().GetTaskQueue())
		history.Events = append(history.Events, event)
	}
	packed := strings.HasSuffix(path, ".gz")
	options := temporalproto.CustomJSONMarshalOptions{Indent: " "}
	if packed {
		options.Indent = ""
	}
	data, err := options.Marshal(history)
	if err != nil {
		return err
	}
	data = append(data, '\n')
	if packed {
		if data, err = compressed(data); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

// unnamed takes the name of this machine out of the queue of one worker.
func unnamed(queue *taskqueuepb.TaskQueue) {
	if queue.GetKind() == enumspb.TASK_QUEUE_KIND_STICKY {
		queue.Name = "sticky"
	}
}

func compressed(data []byte) ([]byte, error) {
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	err = w.Close()
	return packed.Bytes(), err
}
