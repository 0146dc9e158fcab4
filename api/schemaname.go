package api

import (
	"path"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/gates/routing"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/index"
	"github.com/initkoa/orgo/records/release"
)

// prefixed are the packages whose types share names: a hold of a release and one of a
// channel are both a Hold.
var prefixed = map[string]bool{
	typeOf[release.Record]().PkgPath(): true,
	typeOf[rollout.Record]().PkgPath(): true,
	typeOf[index.Pack]().PkgPath():     true,
	typeOf[cases.Case]().PkgPath():     true,
	typeOf[routing.Facts]().PkgPath():  true,
}

// schemaName names a type in the OpenAPI document: by its name, after that of its
// package where names are shared.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Name() == "" || !prefixed[t.PkgPath()] {
		return name
	}
	of := path.Base(t.PkgPath())
	return strings.ToUpper(of[:1]) + of[1:] + name
}
