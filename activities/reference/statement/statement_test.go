package statement

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/initkoa/orgo/activities/reference/claim"
	"github.com/initkoa/orgo/activities/reference/identity"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/schemas"
)

func subject(t require.TestingT) identity.Ref {
	ref, err := identity.Entity(claim.ResolvedEntity{Status: claim.StatusResolved, QID: "Q1"}, "d")
	require.NoError(t, err)
	return ref
}

func stating(value any, qualifiers ...claim.ResolvedQualifier) claim.ResolvedClaim {
	return claim.ResolvedClaim{
		ClaimID:    "c",
		Predicate:  claim.ResolvedPredicate{Status: claim.StatusResolved, PID: "P1"},
		Object:     object(value),
		Qualifiers: qualifiers,
	}
}

func object(value any) claim.Object {
	kind := ""
	switch value.(type) {
	case claim.ResolvedEntity:
		kind = claim.KindItem
	case string:
		kind = claim.KindString
	case claim.Quantity:
		kind = claim.KindQuantity
	case claim.Time:
		kind = claim.KindTime
	case claim.Text:
		kind = claim.KindMonolingualText
	case claim.Coord:
		kind = claim.KindCoord
	}
	return claim.Object{Kind: kind, Value: value}
}

func qualifier(pid string, value any) claim.ResolvedQualifier {
	return claim.ResolvedQualifier{
		Predicate: claim.ResolvedPredicate{Status: claim.StatusResolved, PID: pid},
		Object:    object(value),
	}
}

func TestForms(t *testing.T) {
	t.Parallel()
	for want, value := range map[string]any{
		`{"kind":"item","value":"Q7"}`:                                       claim.ResolvedEntity{Status: "resolved", QID: "Q7", Surface: "seven"},
		`{"kind":"string","value":"a\"\u0001<é"}`:                            "a\"\x01<é",
		`{"kind":"quantity","value":{"amount":1e+21}}`:                       claim.Quantity{Amount: 1e21},
		`{"kind":"quantity","value":{"amount":0,"unit_qid":"Q2"}}`:           claim.Quantity{Amount: math.Copysign(0, -1), UnitQID: "Q2"},
		`{"kind":"time","value":{"iso8601":"1890-03-04","precision":"day"}}`: claim.Time{ISO8601: "1890-03-04", Precision: "day"},
		`{"kind":"monolingual_text","value":{"lang":"en","text":"x"}}`:       claim.Text{Text: "x", Lang: "en"},
		`{"kind":"coord","value":{"globe":"moon","lat":1.5,"lon":-2}}`:       claim.Coord{Lat: 1.5, Lon: -2, Globe: "moon"},
		`{"kind":"coord","value":{"lat":0,"lon":0.1}}`:                       claim.Coord{Lon: 0.1},
	} {
		s, err := Of(subject(t), stating(value), "d")
		require.NoError(t, err)
		require.Equal(t, want, string(s.Object))
		canonical, err := schemas.CanonicalizeJSON(s.Object)
		require.NoError(t, err)
		require.Equal(t, string(canonical), string(s.Object))
	}
}

func TestWhatIsTheSame(t *testing.T) {
	t.Parallel()
	id := func(c claim.ResolvedClaim, document string) ID {
		s, err := Of(subject(t), c, document)
		require.NoError(t, err)
		return s.ID()
	}
	named := claim.ResolvedEntity{Status: "unresolved", Surface: "Tay Bridge"}
	require.Equal(t, id(stating(named), "d1"), id(stating(claim.ResolvedEntity{Status: "unresolved", Surface: "tay  bridge"}), "d2"))
	ambiguous := claim.ResolvedEntity{Status: "ambiguous", Surface: "Tay Bridge"}
	require.NotEqual(t, id(stating(ambiguous), "d1"), id(stating(ambiguous), "d2"))
	a, b := qualifier("P2", "x"), qualifier("P10", claim.Quantity{Amount: 1})
	require.Equal(t, id(stating("v", a, b), "d"), id(stating("v", b, a, b), "d"), "qualifiers are a set")
	require.NotEqual(t, id(stating("v", a), "d"), id(stating("v"), "d"))
	require.NotEqual(t, id(stating("1"), "d"), id(stating(claim.Quantity{Amount: 1}), "d"))
}

func TestWhatHasNoForm(t *testing.T) {
	t.Parallel()
	noPredicate := stating("x")
	noPredicate.Predicate = claim.ResolvedPredicate{Status: "unresolved"}
	for _, c := range []claim.ResolvedClaim{
		stating(nil), stating(12), stating(claim.Entity{QID: "Q1"}), stating("\xff"), stating(claim.Quantity{Amount: math.NaN()}),
		stating(claim.ResolvedEntity{Status: "resolved"}), stating("x", qualifier("P0", "x")), stating("x", qualifier("P1", nil)), noPredicate,
	} {
		_, err := Of(subject(t), c, "d")
		require.Error(t, err)
	}
}

// The bytes written here are those that the general encoder would write.
func TestCanonicalAsTheEncoderWouldWriteIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		// Made by reflection, so that a member that is added is seen here.
		value := rapid.OneOf(
			rapid.Just(any(text)), rapid.Make[claim.Quantity]().AsAny(), rapid.Make[claim.Time]().AsAny(),
			rapid.Make[claim.Text]().AsAny(), rapid.Make[claim.Coord]().AsAny(),
		).Draw(t, "value")
		s, err := Of(subject(t), stating(value, qualifier("P3", text)), "d")
		require.NoError(t, err)
		want, err := records.Canonical(object(value))
		require.NoError(t, err)
		require.Equal(t, string(want), string(s.Object))
		canonical, err := schemas.CanonicalizeJSON(s.Qualifiers)
		require.NoError(t, err)
		require.Equal(t, string(canonical), string(s.Qualifiers))

		evidence := rapid.Make[claim.Evidence]().Draw(t, "evidence")
		written, err := AppendEvidence(nil, text, &evidence)
		require.NoError(t, err)
		canonical, err = schemas.CanonicalizeJSON(written)
		require.NoError(t, err)
		require.Equal(t, string(canonical), string(written))
		encoded, err := records.Canonical(struct {
			ClaimID string `json:"claim_id"`
			claim.Evidence
		}{text, evidence})
		require.NoError(t, err)
		require.Equal(t, string(encoded), string(written))

		candidate := rapid.Make[claim.Candidate]().Draw(t, "candidate")
		written, err = AppendCandidate(nil, candidate)
		require.NoError(t, err)
		encoded, err = records.Canonical(candidate)
		require.NoError(t, err)
		require.Equal(t, string(encoded), string(written))
	})
	label, err := AppendLabel(nil, "Tay Bridge", "en")
	require.NoError(t, err)
	require.Equal(t, `{"lang":"en","text":"Tay Bridge"}`, string(label))
	bare, err := AppendEvidence(nil, "c", nil)
	require.NoError(t, err)
	require.Equal(t, `{"claim_id":"c"}`, string(bare))
}
