package cli

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/schemas"
)

func TestYAMLReadsBackAsTheSame(t *testing.T) {
	t.Parallel()
	document := `{"id":"00e1","n":1,"f":1.5,"yes":"true","no":null,"list":[{"at":"2000-01-01"},[]],"empty":{},"text":"a\nb: c"}`
	yaml, err := toYAML([]byte(document))
	require.NoError(t, err)
	require.NotContains(t, string(yaml), `{"`)
	again, err := schemas.DecodeYAML(yaml)
	require.NoError(t, err)
	require.JSONEq(t, document, string(again))
}
