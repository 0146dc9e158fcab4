package reftest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/reference/claim"
	"github.com/initkoa/orgo/records"
)

// Inputs are what the stages after extract begin with.
type Inputs struct {
	Snapshot records.Artifact
	Claims   records.Artifact
}

// Synthetic stores a corpus as extract would make it from one CSV file with the
// given number of rows: a name, a quantity, a date, a place (one of a thousand),
// and a text. Every third subject says its own Q-id. It is written as it is
// made, so that it takes no memory.
func (b *Bench) Synthetic(t testing.TB, documents int) Inputs {
	t.Helper()
	file := records.SnapshotFile{Path: "in/rows.csv", Digest: records.DigestOf([]byte("rows")), Size: 4, MediaType: "text/csv"}
	reader, pipe := io.Pipe()
	go func() {
		buffered := bufio.NewWriterSize(pipe, 1<<20)
		writer := claim.NewWriter(buffered)
		var err error
		for n := 0; n < documents && err == nil; n++ {
			err = writer.Write(syntheticRow(file, n))
		}
		if err == nil {
			err = buffered.Flush()
		}
		pipe.CloseWithError(err)
	}()
	ref, err := b.Store.Put(context.Background(), records.MediaJSONLines, reader)
	require.NoError(t, err)
	return Inputs{
		Snapshot: b.PutJSON(t, records.OutSnapshot, records.Snapshot{
			Kind: records.SnapshotKind, SchemaVersion: records.SnapshotVersion,
			Files: []records.SnapshotFile{file}, Exclusions: []records.SnapshotExclusion{},
		}),
		Claims: records.Artifact{Name: records.OutClaims, Ref: ref},
	}
}

func syntheticRow(file records.SnapshotFile, n int) claim.Document {
	source := fmt.Sprintf("%s#row=%d", file.Digest, n+2)
	subject := claim.Entity{Surface: fmt.Sprintf("Bridge number %d", n)}
	if n%3 == 0 {
		subject.QID = fmt.Sprintf("Q%d", 1000+n)
	}
	columns := []struct {
		name   string
		object claim.Object
	}{
		{"length", claim.Object{Kind: claim.KindQuantity, Value: claim.Quantity{Amount: float64(n%5000) + 0.5}}},
		{"opened", claim.Object{Kind: claim.KindTime, Value: claim.Time{ISO8601: fmt.Sprintf("%04d-01-01", 1800+n%220), Precision: "year"}}},
		{"place", claim.Object{Kind: claim.KindItem, Value: claim.Entity{Surface: fmt.Sprintf("Town %d", n%1000)}}},
		{"note", claim.Object{Kind: claim.KindString, Value: fmt.Sprintf("carries road %d over a river", n%977)}},
	}
	doc := claim.Document{
		SchemaVersion: claim.SchemaVersion,
		Document:      &claim.Source{DocID: fmt.Sprintf("%s#row=%d", file.Path, n+2), Title: file.Path, SourceID: source, ContentHash: &file.Digest},
		Extraction:    &claim.Extraction{Producer: claim.Producer{Kind: "rules", Name: "orgo-extract", Version: "1.0.0"}},
		Subject:       subject,
	}
	for _, column := range columns {
		doc.Claims = append(doc.Claims, claim.Claim{
			ClaimID:   fmt.Sprintf("%s#row=%d/%s", file.Path, n+2, column.name),
			Predicate: claim.Predicate{Surface: column.name},
			Object:    column.object,
			Evidence:  []claim.Evidence{{Source: claim.EvidenceSource{SourceID: source, Title: file.Path}}},
		})
	}
	return doc
}
