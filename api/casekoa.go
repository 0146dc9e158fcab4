package api

import (
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/store"
)

func caseKOA(c cases.Case, _ []store.Stored) any { return c }
func taskKOA(_ cases.Case, t cases.Task) any     { return t }
