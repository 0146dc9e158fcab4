package schemas_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/schemas"
)

func TestPlaces(t *testing.T) {
	t.Parallel()
	const block = "a:\n  - b: 1\n    'c/d': [x, y]\né: &n {k: v}\nalias: *n\n"
	const tabs = "{\n\t\"a\": [1,\n\t\t{\"é\": \"\\ud83d\\ude00\", \"b\": true}]\n}"
	for name, c := range map[string]struct {
		document, pointer string
		want              schemas.Place
	}{
		"root":                         {block, "", schemas.Place{Line: 1, Column: 1}},
		"root as a slash":              {block, "/", schemas.Place{Line: 1, Column: 1}},
		"member":                       {block, "/a", schemas.Place{Line: 1, Column: 1}},
		"item":                         {block, "/a/0", schemas.Place{Line: 2, Column: 5}},
		"escaped":                      {block, "/a/0/c~1d", schemas.Place{Line: 3, Column: 5}},
		"item in a line":               {block, "/a/0/c~1d/1", schemas.Place{Line: 3, Column: 16}},
		"not there":                    {block, "/a/0/z/z", schemas.Place{Line: 2, Column: 5}},
		"beyond the list":              {block, "/a/7", schemas.Place{Line: 1, Column: 1}},
		"through an alias":             {block, "/alias/k", schemas.Place{Line: 4, Column: 8}},
		"empty":                        {"", "/a", schemas.Place{Line: 1, Column: 1}},
		"broken":                       {"{{", "/a", schemas.Place{Line: 1, Column: 1}},
		"json that yaml does not read": {tabs, "/a/1/b", schemas.Place{Line: 3, Column: 25}},
		"item of such":                 {tabs, "/a/1", schemas.Place{Line: 3, Column: 3}},
		"not in such":                  {tabs, "/a/1/x/y", schemas.Place{Line: 3, Column: 3}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, schemas.NewPlaces([]byte(c.document)).Of(c.pointer))
		})
	}
	places := schemas.NewPlaces([]byte(block))
	require.Equal(t, "/a/0/c~1d/1", places.At(schemas.Place{Line: 3, Column: 16}))
	require.Equal(t, "/alias", places.At(schemas.Place{Line: 5, Column: 8}))
	require.Empty(t, schemas.NewPlaces(nil).At(schemas.Place{Line: 5, Column: 8}))
}
