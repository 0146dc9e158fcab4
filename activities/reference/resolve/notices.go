package resolve

import (
	"fmt"
	"slices"

	"github.com/initkoa/orgo/activities/reference/claim"
	"github.com/initkoa/orgo/activities/reference/document"
)

// remark is one thing to be said about a document.
type remark int

const (
	subjectAmbiguous remark = iota
	predicateAmbiguous
	itemAmbiguous
	itemUnresolved
	propertyUnresolved
	labelOfAnother
	candidatesDropped
	remarkCount
)

// remarks gives the code of each remark, of those that the schema has, and what
// it says about a number of references.
var remarks = [remarkCount]struct{ code, says string }{
	subjectAmbiguous:   {"AMBIGUOUS_SUBJECT", "subject may mean several items"},
	predicateAmbiguous: {"AMBIGUOUS_PREDICATE", "references may mean several properties"},
	itemAmbiguous:      {"LOW_CONFIDENCE_RESOLUTION", "references may mean several items"},
	itemUnresolved:     {"UNRESOLVED_QID", "references are the name of no item that is known"},
	propertyUnresolved: {"UNRESOLVED_PID", "references are the name of no property that is known"},
	labelOfAnother:     {"LOW_CONFIDENCE_RESOLUTION", "references have the id of one item and the name of others"},
	candidatesDropped:  {"LIMIT_REACHED", "references have more candidates than are kept"},
}

// carried are the codes of Claim-IR warnings that the resolved form has too and
// that resolving does not settle.
var carried = []string{"EVIDENCE_WEAK", "VALUE_NORMALIZATION_NEEDED"}

// notices collects the remarks about one document: one notice for each, however
// often it comes, so that a document cannot drown in them.
type notices [remarkCount]struct {
	count int
	path  string // of the first
	name  string // of the first
}

func (n *notices) add(r remark, path, name string) {
	if n[r].count == 0 {
		n[r].path, n[r].name = path, name
	}
	n[r].count++
}

// list returns the notices, after those of the document that still hold.
func (n *notices) list(of []claim.Notice) []claim.Notice {
	var list []claim.Notice
	for _, notice := range of {
		if slices.Contains(carried, notice.Code) {
			list = append(list, notice)
		}
	}
	for r, said := range n {
		if said.count > 0 {
			list = append(list, claim.Notice{
				Code:    remarks[r].code,
				Message: fmt.Sprintf("%d %s; the first is %q", said.count, remarks[r].says, document.Excerpt(said.name)),
				Path:    said.path,
			})
		}
	}
	return list
}
