package stageconfig_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/reference/stageconfig"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

type settings struct {
	Name  string   `json:"name,omitempty"`
	Items []string `json:"items,omitempty"`
	Limit struct {
		Size int `json:"size"`
	} `json:"limit"`
}

func TestDecodeKeepsDefaults(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"", "{}", ` {"items":["a"]} `} {
		got := settings{Name: "default"}
		require.NoError(t, stageconfig.Decode(records.Ingest, []byte(raw), &got))
		require.Equal(t, "default", got.Name)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for raw, pointer := range map[string]string{
		`{"nmae":"x"}`:             "/nmae",
		`{"Name":"x"}`:             "/Name",
		`{"name":1}`:               "/name",
		`{"name":"a","name":"b"}`:  "/name",
		`{"items":["a",2]}`:        "/items/1",
		`{"limit":{"size":"big"}}`: "/limit/size",
		`{"limit":{"depth":1}}`:    "/limit/depth",
		`{"limit":{"size":1.5}}`:   "/limit/size",
		`{"items":["a"`:            "/items",
	} {
		var got settings
		err := stageconfig.Decode(records.Ingest, []byte(raw), &got)
		var failure *runner.Failure
		require.True(t, errors.As(err, &failure), raw)
		require.Equal(t, gates.PinInvalid, failure.Code, raw)
		require.True(t, failure.Final, raw)
		require.JSONEq(t, `{"stage":"ingest","pointer":"`+pointer+`"}`, string(failure.Details), raw)
	}
	for _, raw := range []string{`null`, `[]`, `"x"`, `7`, ` `, `{} {}`} {
		var got settings
		require.Error(t, stageconfig.Decode(records.Ingest, []byte(raw), &got), raw)
	}
}
