package extract

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/initkoa/orgo/activities/reference/claim"
	"github.com/initkoa/orgo/records"
)

// What is written by hand is what records.Canonical writes, for every document
// that the types can hold. This test and TestClaimID share generators, which must
// not be drawn from at one time: neither is parallel.
func TestDocumentsAreCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := documents.Draw(t, "document")
		got, err := appendDocument(nil, &doc)
		require.NoError(t, err)
		want, err := records.Canonical(doc)
		require.NoError(t, err)
		require.Equal(t, string(want), string(got))
	})
}

func TestDocumentThatHasNoCanonicalFormIsRefused(t *testing.T) {
	t.Parallel()
	_, err := appendDocument(nil, &claim.Document{Subject: claim.Entity{Surface: "\xff"}})
	require.Error(t, err)
	_, err = appendDocument(nil, &claim.Document{Claims: []claim.Claim{{Object: claim.Object{Value: func() {}}}}})
	require.Error(t, err)
}

// A claim's id is the hash of exactly these members.
func TestClaimID(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		about, made := entities.Draw(t, "subject"), claims.Draw(t, "claim")
		made.Evidence = []claim.Evidence{{Source: claim.EvidenceSource{SourceID: "s", Title: texts.Draw(t, "title")}}}
		want, err := records.CanonicalDigest(struct {
			Object     claim.Object         `json:"object"`
			Predicate  claim.Predicate      `json:"predicate"`
			Qualifiers []claim.Qualifier    `json:"qualifiers,omitempty"`
			Source     claim.EvidenceSource `json:"source"`
			Subject    claim.Entity         `json:"subject"`
		}{made.Object, made.Predicate, made.Qualifiers, made.Evidence[0].Source, about})
		require.NoError(t, err)
		var h hasher
		h.begin(about)
		require.Equal(t, want.Value, h.claimID(&made))
		require.Equal(t, want.Value, h.claimID(&made))
		require.Len(t, want.Value, hex.EncodedLen(32))
	})
}

var (
	texts = rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "plain", "\"\\/\b\u2028\u007f<&>", "\x00\x1f", "é", "𝄞"}))
	// Those that extract makes quantities of: canonical JSON takes all of them.
	numbers = rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{
		0, 1, -1, 1e21, 1e22, 1e20, 1e-6, 1e-7, 5e-324, 0.1, 1.5, 9007199254740991, 36028797018963968, math.MaxFloat64,
	})).Filter(func(f float64) bool {
		_, _, ok := decimal(strconv.FormatFloat(f, 'e', -1, 64), true)
		return ok
	})
	entities = rapid.Custom(func(t *rapid.T) claim.Entity {
		return claim.Entity{
			QID: texts.Draw(t, "qid"), Surface: texts.Draw(t, "surface"), Lang: texts.Draw(t, "lang"),
			Candidates: rapid.SliceOfN(candidates, 0, 2).Draw(t, "candidates"),
		}
	})
	candidates = rapid.Custom(func(t *rapid.T) claim.Candidate {
		return claim.Candidate{ID: texts.Draw(t, "id"), Score: numbers.Draw(t, "score")}
	})
	predicates = rapid.Custom(func(t *rapid.T) claim.Predicate {
		return claim.Predicate{
			PID: texts.Draw(t, "pid"), Surface: texts.Draw(t, "surface"), Lang: texts.Draw(t, "lang"),
			Candidates: rapid.SliceOfN(candidates, 0, 2).Draw(t, "candidates"),
		}
	})
	quantities = rapid.Custom(func(t *rapid.T) claim.Quantity {
		return claim.Quantity{
			Amount: numbers.Draw(t, "amount"), UnitQID: texts.Draw(t, "unit"),
			LowerBound: rapid.Ptr(numbers, true).Draw(t, "lower"), UpperBound: rapid.Ptr(numbers, true).Draw(t, "upper"),
		}
	})
	times = rapid.Custom(func(t *rapid.T) claim.Time {
		return claim.Time{ISO8601: texts.Draw(t, "iso"), Precision: texts.Draw(t, "precision"), Calendar: texts.Draw(t, "calendar")}
	})
	objects = rapid.Custom(func(t *rapid.T) claim.Object {
		return claim.Object{Kind: texts.Draw(t, "kind"), Value: rapid.OneOf(
			texts.AsAny(), entities.AsAny(), quantities.AsAny(), times.AsAny(),
			rapid.Just(claim.Text{Text: "t\n", Lang: "en"}).AsAny(), rapid.Just(claim.Coord{Lat: -0.5, Lon: 1, Globe: "Q2"}).AsAny(),
			rapid.Just(json.Number("12")).AsAny(),
		).Draw(t, "value")}
	})
	claims = rapid.Custom(func(t *rapid.T) claim.Claim {
		return claim.Claim{
			ClaimID: texts.Draw(t, "id"), Predicate: predicates.Draw(t, "predicate"), Object: objects.Draw(t, "object"),
			Qualifiers: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) claim.Qualifier {
				return claim.Qualifier{Predicate: predicates.Draw(t, "predicate"), Object: objects.Draw(t, "object")}
			}), 0, 2).Draw(t, "qualifiers"),
			Evidence: rapid.SampledFrom(evidence).Draw(t, "evidence"),
		}
	})
	// A few lists, so that claims share them as they do in a row.
	evidence = [][]claim.Evidence{
		nil,
		{{Source: claim.EvidenceSource{SourceID: "s#row=1", Title: "ü"}}},
		{{Source: claim.EvidenceSource{SourceID: "s"}, Quote: "\"q\""}, {Source: claim.EvidenceSource{SourceID: "t"}}},
	}
	documents = rapid.Custom(func(t *rapid.T) claim.Document {
		doc := claim.Document{
			SchemaVersion: texts.Draw(t, "version"), Subject: entities.Draw(t, "subject"),
			Claims: append([]claim.Claim{}, rapid.SliceOfN(claims, 0, 4).Draw(t, "claims")...),
			Warnings: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) claim.Notice {
				return claim.Notice{Code: texts.Draw(t, "code"), Message: texts.Draw(t, "message"), Path: texts.Draw(t, "path")}
			}), 0, 2).Draw(t, "warnings"),
		}
		if rapid.Bool().Draw(t, "has source") {
			digest := records.DigestOf(nil)
			doc.Document = &claim.Source{
				DocID: texts.Draw(t, "doc"), Title: texts.Draw(t, "title"), SourceID: texts.Draw(t, "source"),
				ContentHash: rapid.SampledFrom([]*records.Digest{nil, &digest}).Draw(t, "hash"),
			}
			doc.Extraction = &claim.Extraction{Producer: claim.Producer{Kind: texts.Draw(t, "producer")}}
		}
		return doc
	})
)
