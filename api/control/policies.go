package control

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/mandate"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
)

// PolicyStore is what control over policies needs of the record store.
type PolicyStore interface {
	Append(ctx context.Context, entries ...records.Entry) ([]store.Stored, error)
	Across(ctx context.Context, organization string, span store.Span, q store.AcrossQuery) ([]store.Stored, string, error)
}

// PolicyArtifacts is where bundles lie, by the digest of their canonical form.
type PolicyArtifacts interface {
	PutBytes(ctx context.Context, mediaType string, data []byte) (records.Ref, error)
	ReadAll(ctx context.Context, ref records.Ref, limit int64) ([]byte, error)
}

// Policies is the control over policy bundles. Whatever reads a bundle for a build,
// a registration or a backtest comes through here.
type Policies struct {
	Store     PolicyStore
	Artifacts PolicyArtifacts
	Clock     Clock
	Trust     mandate.Trust
}

var _ api.Policies = Policies{}

// bundleLimit bounds a stored bundle, in bytes.
const bundleLimit = 16 << 20

// Read reads a bundle as it was sent, or one that was registered, and stores it in
// canonical form. Errors are a *mandate.Error, and a *api.Refusal for a digest that
// the organization has not registered.
func (p Policies) Read(ctx context.Context, organization string, named api.PolicyName) (mandate.Bundle, records.Ref, error) {
	sent := named.Sent
	if named.Digest.Valid() {
		var err error
		if sent, err = p.registered(ctx, organization, named.Digest); err != nil {
			return mandate.Bundle{}, records.Ref{}, err
		}
	}
	bundle, err := mandate.Read(sent, p.Trust)
	if err != nil {
		return mandate.Bundle{}, records.Ref{}, err
	}
	ref, err := p.Artifacts.PutBytes(ctx, records.MediaJSON, bundle.Canonical)
	return bundle, ref, err
}

// registered returns the canonical form of a registered bundle. That its content is
// in the artifact store would not be enough: another organization may have put it
// there. An organization has few bundles, so they are gone through.
func (p Policies) registered(ctx context.Context, organization string, digest records.Digest) ([]byte, error) {
	cursor := ""
	for {
		page, next, err := p.List(ctx, organization, cursor, store.MaxPage)
		if err != nil {
			return nil, err
		}
		for _, registered := range page {
			if registered.Bundle.Digest == digest {
				return p.Artifacts.ReadAll(ctx, registered.Bundle, bundleLimit)
			}
		}
		if next == "" {
			return nil, refuse(gates.NotFound, nil, "no policy bundle %s is registered", digest)
		}
		cursor = next
	}
}

// Register makes a bundle known by its digest. One that is registered already stays
// as it was, with who did it first.
func (p Policies) Register(ctx context.Context, organization string, sent []byte, by api.Identity, reason string) (api.PolicyRegistration, error) {
	bundle, ref, err := p.Read(ctx, organization, api.PolicyName{Sent: sent})
	if err != nil {
		return api.PolicyRegistration{}, err
	}
	entry, err := records.NewEntry(records.Entry{
		Organization: organization, Kind: records.KindEvent, Type: records.TypePolicyRegistered,
		Subject: policySubject(organization, bundle.Policy.BundleID), At: p.Clock.Now(), Actor: by.Actor, Reason: reason,
	}, ref.Digest.String(), records.PolicyRegistered{
		BundleID: bundle.Policy.BundleID, Bundle: ref, Policies: bundle.Policies(), Signers: bundle.Signers,
	})
	if err != nil {
		return api.PolicyRegistration{}, err
	}
	stored, err := p.Store.Append(ctx, entry)
	if err != nil {
		return api.PolicyRegistration{}, err
	}
	return registrationOf(stored[0])
}

// List returns a page of what is registered, newest first.
func (p Policies) List(ctx context.Context, organization, cursor string, limit int) ([]api.PolicyRegistration, string, error) {
	page, next, err := p.Store.Across(ctx, organization, store.Policies, store.AcrossQuery{Cursor: cursor, Limit: limit})
	if err != nil {
		return nil, "", err
	}
	list := []api.PolicyRegistration{}
	for _, stored := range page {
		if stored.Type != records.TypePolicyRegistered {
			continue
		}
		registered, err := registrationOf(stored)
		if err != nil {
			return nil, "", err
		}
		list = append(list, registered)
	}
	return list, next, nil
}

// Backtest decides anew what was decided, under another policy, newest first.
func (p Policies) Backtest(ctx context.Context, organization string, rules gates.Ruleset, q api.BacktestQuery) (*gates.Backtest, error) {
	result := gates.NewBacktest(rules)
	query := store.AcrossQuery{Since: q.Since, Limit: store.MaxPage}
	for left := q.Limit; left > 0; {
		page, next, err := p.Store.Across(ctx, organization, store.Decisions, query)
		if err != nil {
			return nil, err
		}
		for _, stored := range page {
			var decision gates.Decision
			if err := json.Unmarshal(stored.Body, &decision); err != nil {
				result.Skipped["is no decision that this version reads"]++
				continue
			}
			if q.Gate != "" && decision.Gate != q.Gate {
				continue
			}
			result.Add(decision, rules)
			if left--; left == 0 {
				return result, nil
			}
		}
		if next == "" {
			break
		}
		query.Cursor = next
	}
	return result, nil
}

func policySubject(organization, bundleID string) records.Subject {
	return records.Subject{Kind: records.SubjectPolicy, ID: records.PolicyID(organization, bundleID)}
}

func registrationOf(stored store.Stored) (api.PolicyRegistration, error) {
	registration := api.PolicyRegistration{At: stored.At, Actor: stored.Actor, Reason: stored.Reason, New: stored.New}
	if err := json.Unmarshal(stored.Body, &registration.PolicyRegistered); err != nil {
		return registration, fmt.Errorf("policy registration %s: %w", stored.ID, err)
	}
	return registration, nil
}
