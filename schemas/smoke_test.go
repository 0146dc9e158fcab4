package schemas

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSmoke(t *testing.T) {
	s, err := BuiltinContractSet()
	require.NoError(t, err)
	_, err = s.Validators()
	require.NoError(t, err)
	t.Log(string(s.Manifest()))
	k, err := LoadContractSet(os.DirFS("../../shared/contracts/kristal"), "kristal", "3")
	require.NoError(t, err)
	v, err := k.Validators()
	require.NoError(t, err)
	_, ok := v.Validator("input-snapshot")
	require.True(t, ok)
	m, _ := filepath.Glob("documents/*")
	t.Log(m)
	_, err = ownValidators()
	require.NoError(t, err)
	val, _ := v.Validator("claim-ir")
	r, err := val.Validate([]byte(`{"x":1}`))
	for _, x := range r.Violations {
		t.Log(x)
	}
	t.Log(ValidatePipeline([]byte(`{"spine":[{"name":3}],"q/r":3}`)))
}
