// Package person says when two names are one person's. Names come from whoever issues
// tokens, and Orgo does not know who is behind them: where two persons have to agree, and
// where only one may do something, names that a reader takes for one are one person's.
package person

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/initkoa/orgo/records"
)

// Alike reports whether two names read the same: compatibility forms (Unicode
// NFKC), case, spaces and what cannot be seen make no difference.
func Alike(a, b string) bool { return a == b || Reading(a) == Reading(b) }

// Reading returns the form that all names have in common which read the same. It is for
// comparing, and for nothing that is shown.
func Reading(name string) string {
	if plain(name) {
		return name
	}
	shown := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.In(r, unicode.C, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) {
			return -1
		}
		return r
	}, norm.NFKC.String(name))
	return norm.NFKC.String(cases.Fold().String(shown))
}

// plain reports whether a name is its own reading, as most are.
func plain(name string) bool {
	return !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || 'A' <= r && r <= 'Z' })
}

// scripts are those whose letters are taken for each other's.
var scripts = []*unicode.RangeTable{unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Armenian, unicode.Cherokee, unicode.Coptic}

// Mixed reports whether a name has letters of several of them, as only a name has that
// is made to be taken for another.
func Mixed(name string) bool {
	used := 0
	for _, script := range scripts {
		if strings.ContainsFunc(name, func(r rune) bool { return unicode.Is(script, r) }) {
			used++
		}
	}
	return used > 1
}

// AnyAlike reports whether a name reads like one of others.
func AnyAlike(name string, others ...string) bool {
	return slices.ContainsFunc(others, func(other string) bool { return other != "" && Alike(other, name) })
}

// AsOne writes every name as the first of those before it, or of known, that reads the
// same.
func AsOne(names []string, known ...string) []string {
	var written []string
	for _, name := range names {
		before := slices.Concat(known, written)
		if at := slices.IndexFunc(before, func(other string) bool { return other != "" && Alike(other, name) }); at >= 0 {
			name = before[at]
		}
		written = append(written, name)
	}
	return written
}

// Somebody reports whether an actor is a person, and not Orgo itself, nor a name that reads
// like one of Orgo's own.
func Somebody(name string) bool {
	reading := Reading(name)
	return reading != "" && reading != records.SystemActor && !strings.HasPrefix(reading, records.SystemActor+"/")
}
