package api

import (
	"regexp"
	"slices"
	"strings"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
)

// eventFilter admits events. Its zero value admits all.
type eventFilter struct {
	types    []string
	prefixes []string // with the dot at their end
	subject  records.Subject
	channel  string
}

// typePattern is the form of a type, or of all types below a point.
var typePattern = regexp.MustCompile(`^[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)*(\.\*)?$`)

func newEventFilter(in *eventsInput) (eventFilter, error) {
	filter := eventFilter{channel: in.Channel}
	for _, name := range in.Types {
		if !typePattern.MatchString(name) {
			return filter, invalid("query.type", "%q is not a type like orgo.stage.finished, nor orgo.stage.* for all below", name)
		}
		if prefix, wild := strings.CutSuffix(name, "*"); wild {
			filter.prefixes = append(filter.prefixes, prefix)
			continue
		}
		filter.types = append(filter.types, name)
	}
	if in.Subject == "" {
		return filter, nil
	}
	kind, id, found := strings.Cut(in.Subject, "/")
	if !found || kind == "" || id == "" {
		return filter, invalid("query.subject", "%q is not KIND/ID, as build/5f0c1c5e-0000-8000-8000-000000000000", in.Subject)
	}
	filter.subject = records.Subject{Kind: kind, ID: id}
	return filter, nil
}

func (f eventFilter) admits(leaf store.Leaf) bool {
	return (f.subject == records.Subject{} || f.subject == leaf.Subject) &&
		(f.channel == "" || f.channel == leaf.Correlation.Channel) &&
		f.admitsType(leaf.Type)
}

func (f eventFilter) admitsType(name string) bool {
	if len(f.types)+len(f.prefixes) == 0 || slices.Contains(f.types, name) {
		return true
	}
	return slices.ContainsFunc(f.prefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}
