package registry

import (
	"github.com/initkoa/orgo/activities/reference/compile"
	"github.com/initkoa/orgo/activities/reference/extract"
	"github.com/initkoa/orgo/activities/reference/ingest"
	"github.com/initkoa/orgo/activities/reference/render"
	"github.com/initkoa/orgo/activities/reference/resolve"
	"github.com/initkoa/orgo/activities/reference/validate"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/records"
)

// ReferenceOptions are what a worker decides about its built-in stages.
type ReferenceOptions struct {
	Clock ingest.Clock
	// InputRoots are the directories below which inputs may lie; nil allows
	// all, an empty list none.
	InputRoots []string
}

// ReferenceStages returns the stages that are built into a worker.
func ReferenceStages(store runner.ArtifactStore, o ReferenceOptions) map[records.Stage]Reference {
	return map[records.Stage]Reference{
		records.Ingest: {ingest.Version, ingest.CheckConfig,
			ingest.New(store, o.Clock, ingest.Settings{AllowedRoots: o.InputRoots})},
		records.Extract:  {extract.Version, extract.CheckConfig, extract.New(store)},
		records.Resolve:  {resolve.Version, resolve.CheckConfig, resolve.New(store)},
		records.Validate: {validate.Version, validate.CheckConfig, validate.New(store)},
		records.Compile:  {compile.Version, compile.CheckConfig, compile.New(store)},
		records.Render:   {render.Version, render.CheckConfig, render.New(store)},
	}
}
