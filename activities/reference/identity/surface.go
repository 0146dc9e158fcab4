// Package identity says when two mentions are of the same thing: how surface
// forms are compared, and which id a thing has that nobody gave one.
package identity

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Label returns the surface form as labels are compared: in Unicode
// Normalization Form C (UAX #15), every run of white space as one space, and
// none at the ends.
func Label(surface string) string {
	if !tidy(surface) {
		surface = strings.Join(strings.Fields(norm.NFC.String(surface)), " ")
	}
	return surface
}

// Fold returns the surface form as names are compared when case does not count:
// the canonical caseless matching of the Unicode Standard (§3.13, D145) over
// Label. Labels that fold alike are equal but for case.
func Fold(surface string) string {
	label := Label(surface)
	if ascii(label) {
		return strings.ToLower(label)
	}
	folded := cases.Fold().String(norm.NFD.String(label))
	return norm.NFC.String(strings.Map(foldCherokee, folded))
}

// foldCherokee folds the one script whose lower case folds to its upper case
// (UAX #44, CaseFolding.txt). The library swaps the two cases instead.
func foldCherokee(r rune) rune {
	if unicode.Is(unicode.Cherokee, r) {
		return unicode.ToUpper(r)
	}
	return r
}

// tidy reports whether Label has nothing to do, which most often is so.
func tidy(surface string) bool {
	previous := ' '
	for _, r := range surface {
		if r == utf8.RuneError || unicode.IsSpace(r) && (r != ' ' || previous == ' ') {
			return false
		}
		previous = r
	}
	return (surface == "" || previous != ' ') && norm.NFC.IsNormalString(surface)
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
