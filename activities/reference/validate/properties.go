package validate

import (
	"context"

	"github.com/initkoa/orgo/activities/reference/claim"
	"github.com/initkoa/orgo/activities/reference/identity"
	"github.com/initkoa/orgo/activities/reference/index"
	"github.com/initkoa/orgo/activities/runner"
)

// properties is what is known of properties, by P-id and by folded name.
type properties struct {
	single map[string]bool
	kind   map[string]string
}

// learnProperties reads the config and, before it, the index that it names.
func learnProperties(ctx context.Context, store runner.ArtifactStore, config Config) (properties, error) {
	known := properties{single: map[string]bool{}, kind: map[string]string{}}
	if config.Index != nil {
		for entry, err := range index.Read(ctx, store, config.Index.Ref) {
			if err != nil {
				return properties{}, err
			}
			if entry.SingleValued {
				known.single[entry.ID] = true
			}
			if entry.Datatype != "" {
				known.kind[entry.ID] = entry.Datatype
			}
		}
	}
	for _, property := range config.SingleValued {
		known.single[key(property)] = true
	}
	for _, property := range sortedKeys(config.Datatypes) {
		known.kind[key(property)] = config.Datatypes[property]
	}
	return known, nil
}

// key returns the key of a property that is named by id or by name.
func key(property string) string {
	if _, err := identity.Number(property, 'P'); err == nil {
		return property
	}
	return identity.Fold(property)
}

// singleValued reports whether a subject has at most one value of p.
func (k properties) singleValued(p claim.ResolvedPredicate) bool {
	if len(k.single) == 0 {
		return false
	}
	return p.PID != "" && k.single[p.PID] || k.single[identity.Fold(p.Surface)]
}

// datatype returns the kind of the values of p, if it is known.
func (k properties) datatype(p claim.ResolvedPredicate) (string, bool) {
	if len(k.kind) == 0 {
		return "", false
	}
	if kind, known := k.kind[p.PID]; known {
		return kind, true
	}
	kind, known := k.kind[identity.Fold(p.Surface)]
	return kind, known
}
