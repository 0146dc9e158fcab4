package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records/store"
)

func (s *server) registerLedger(api huma.API) {
	open(s, api, huma.Operation{
		OperationID: "get-checkpoint", Method: http.MethodGet, Path: "/v1/ledger/checkpoint", Tags: []string{"ledger"},
		Summary: "Get the newest signed checkpoint of the log",
		Description: "A signed note in the form of C2SP tlog-checkpoint: origin, size, root. It betrays nothing of what is " +
			"recorded, so it needs no token. Keep it: \"orgo audit verify --checkpoint\" then finds whether the log was set back or rewritten.",
	}, s.checkpoint)
	guarded(s, api, huma.Operation{
		OperationID: "prove-inclusion", Method: http.MethodGet, Path: "/v1/ledger/inclusion/{entry}", Tags: []string{"ledger"},
		Summary:     "Prove that an entry is in the log",
		Description: "The leaf as canonical JSON and its audit path (RFC 6962 section 2.1.1) to the root of a log of the given size.",
	}, s.proveInclusion)
	open(s, api, huma.Operation{
		OperationID: "prove-consistency", Method: http.MethodGet, Path: "/v1/ledger/consistency", Tags: []string{"ledger"},
		Summary:     "Prove that a log extends what it was",
		Description: "A consistency proof (RFC 6962 section 2.1.2) between two sizes.",
	}, s.proveConsistency)
}

// mediaNote is the media type of a signed note, which has none of its own.
const mediaNote = "text/plain; charset=utf-8"

type noteAnswer struct {
	ContentType string `header:"Content-Type"`
	Cache       string `header:"Cache-Control"`
	Body        []byte
}

func (s *server) checkpoint(ctx context.Context, _ *struct{}) (*noteAnswer, error) {
	text, err := s.ledger.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	return &noteAnswer{ContentType: mediaNote, Cache: "no-store", Body: text}, nil
}

// Inclusion is the proof that an entry is a leaf of the log.
type Inclusion struct {
	EntryID string          `json:"entry_id"`
	Leaf    int64           `json:"leaf" doc:"number of the leaf, from 0"`
	Size    int64           `json:"size" doc:"of the log that the proof is for"`
	Content json.RawMessage `json:"content" doc:"what the leaf is the hash of, in canonical JSON"`
	Proof   []string        `json:"proof" doc:"hashes in base64, from the leaf upwards"`
}

type inclusionInput struct {
	Entry string `path:"entry" maxLength:"100"`
	Size  int64  `query:"size" minimum:"0" doc:"of the log; 0 is the present one"`
}

func (s *server) proveInclusion(ctx context.Context, caller Identity, in *inclusionInput) (*struct{ Body Inclusion }, error) {
	content, err := s.ledger.LeafContent(ctx, caller.Organization, in.Entry)
	if err != nil {
		return nil, err
	}
	leaf, err := s.ledger.LeafOf(ctx, caller.Organization, in.Entry)
	if errors.Is(err, store.ErrNotFound) {
		return nil, refusef(gates.LedgerPending, "entry %s is recorded and has no leaf yet", in.Entry)
	}
	if err != nil {
		return nil, err
	}
	size, err := s.sizeOr(ctx, in.Size)
	if err != nil {
		return nil, err
	}
	if leaf >= size {
		return nil, invalid("query.size", "a log of %d leaves does not hold leaf %d", size, leaf)
	}
	proof, err := tlog.ProveRecord(size, leaf, s.ledger.Hashes(ctx))
	if err != nil {
		return nil, err
	}
	return &struct{ Body Inclusion }{Inclusion{
		EntryID: in.Entry, Leaf: leaf, Size: size, Content: content, Proof: encodeHashes(proof),
	}}, nil
}

// Consistency is the proof that a log extends what it was.
type Consistency struct {
	From  int64    `json:"from"`
	To    int64    `json:"to"`
	Proof []string `json:"proof" doc:"hashes in base64"`
}

type consistencyInput struct {
	From int64 `query:"from" required:"true" minimum:"1" doc:"the smaller size"`
	To   int64 `query:"to" minimum:"0" doc:"the larger size; 0 is the present one"`
}

func (s *server) proveConsistency(ctx context.Context, in *consistencyInput) (*struct{ Body Consistency }, error) {
	to, err := s.sizeOr(ctx, in.To)
	if err != nil {
		return nil, err
	}
	if in.From > to {
		return nil, invalid("query.from", "a log of %d leaves extends none of %d", to, in.From)
	}
	proof, err := tlog.ProveTree(to, in.From, s.ledger.Hashes(ctx))
	if err != nil {
		return nil, err
	}
	return &struct{ Body Consistency }{Consistency{From: in.From, To: to, Proof: encodeHashes(proof)}}, nil
}

// sizeOr returns size, or that of the log if it is 0.
func (s *server) sizeOr(ctx context.Context, size int64) (int64, error) {
	present, err := s.ledger.LogSize(ctx)
	switch {
	case err != nil:
		return 0, err
	case size == 0:
		return present, nil
	case size > present:
		return 0, invalid("query", "the log has %d leaves, not %d", present, size)
	default:
		return size, nil
	}
}

func encodeHashes(hashes []tlog.Hash) []string {
	encoded := make([]string, len(hashes))
	for i, hash := range hashes {
		encoded[i] = base64.StdEncoding.EncodeToString(hash[:])
	}
	return encoded
}
