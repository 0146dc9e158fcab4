package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/initkoa/orgo/records"
)

// buildRow is a row of the read model of builds: the view as JSON, and beside it
// what lists are filtered and sorted by.
type buildRow struct {
	Organization string `db:"organization"`
	BuildID      string `db:"build_id"`
	Version      int64  `db:"version"`
	State        string `db:"state"`
	PipelineID   string `db:"pipeline_id"`
	CreatedAt    string `db:"created_at"`
	UpdatedAt    string `db:"updated_at"`
	View         string `db:"view"`
}

const buildColumns = `organization, build_id, version, state, pipeline_id, created_at, updated_at, view`

func newBuildRow(view records.BuildView) (buildRow, error) {
	encoded, err := json.Marshal(view)
	if err != nil {
		return buildRow{}, fmt.Errorf("view of build %s: %w", view.BuildID, err)
	}
	return buildRow{
		Organization: view.Organization,
		BuildID:      view.BuildID,
		Version:      view.Version,
		State:        string(view.State),
		PipelineID:   view.PipelineID,
		CreatedAt:    view.CreatedAt.UTC().Format(timeLayout),
		UpdatedAt:    view.UpdatedAt.UTC().Format(timeLayout),
		View:         string(encoded),
	}, nil
}

// args are the row's columns in the order of saveBuildSQL.
func (r buildRow) args() []any {
	return []any{r.Organization, r.BuildID, r.Version, r.State, r.PipelineID, r.CreatedAt, r.UpdatedAt, r.View}
}

func decodeView(buildID string, encoded []byte) (records.BuildView, error) {
	var view records.BuildView
	if err := json.Unmarshal(encoded, &view); err != nil {
		return view, fmt.Errorf("stored view of build %s: %w", buildID, err)
	}
	return view, nil
}

// buildModel is the read model of builds.
type buildModel struct{}

func (buildModel) recall(ctx context.Context, b *batch, id string, last int64) error {
	view, cached := b.tx.views.get(buildKey{b.organization, id}, last)
	if !cached {
		var err error
		if view, err = b.readView(ctx, id, last); err != nil {
			return err
		}
	}
	b.views[id] = view
	return nil
}

func (b *batch) readView(ctx context.Context, buildID string, version int64) (records.BuildView, error) {
	var encoded []byte
	find := b.tx.StmtxContext(ctx, b.tx.findBuild)
	if err := find.QueryRowContext(ctx, b.organization, buildID).Scan(&encoded); err != nil {
		return records.BuildView{}, fmt.Errorf("read the view of build %s: %w", buildID, err)
	}
	view, err := decodeView(buildID, encoded)
	if err != nil {
		return records.BuildView{}, err
	}
	if view.Version != version {
		return records.BuildView{}, fmt.Errorf("the view of build %s is at version %d and its entries are at %d: "+
			"the read model was changed behind the store", buildID, view.Version, version)
	}
	return view, nil
}

func (buildModel) reduce(b *batch, e records.Entry, sequence int64) error {
	view, err := records.ReduceBuild(b.views[e.Subject.ID], e, sequence)
	if err == nil {
		b.views[e.Subject.ID] = view
	}
	return err
}

func (buildModel) encode(b *batch, id string) error {
	row, err := newBuildRow(b.views[id])
	if err == nil {
		b.builds = append(b.builds, row)
	}
	return err
}

func (buildModel) write(ctx context.Context, b *batch) error {
	save := b.tx.StmtxContext(ctx, b.tx.saveBuild)
	for _, row := range b.builds {
		if _, err := save.ExecContext(ctx, row.args()...); err != nil {
			return fmt.Errorf("write the view of build %s: %w", row.BuildID, err)
		}
		b.tx.views.put(buildKey{b.organization, row.BuildID}, b.views[row.BuildID])
	}
	return nil
}

func (buildModel) replay(state any, e records.Entry, sequence int64) (any, error) {
	view, _ := state.(records.BuildView)
	return records.ReduceBuild(view, e, sequence)
}

func (buildModel) erased(ctx context.Context, tx *transaction, state any) error {
	view := state.(records.BuildView)
	if !view.State.Terminal() {
		return &ErasureRefused{EntryID: view.BuildID, What: fmt.Sprintf("build %s has not ended: erase it then", view.BuildID)}
	}
	row, err := newBuildRow(view)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, tx.Rebind(saveBuildSQL), row.args()...)
	return err
}

func (buildModel) compare(ctx context.Context, v *verifier, state any) error {
	want, err := newBuildRow(state.(records.BuildView))
	if err != nil {
		return err
	}
	var have buildRow
	err = v.tx.GetContext(ctx, &have, v.tx.Rebind(`SELECT `+buildColumns+` FROM builds
		WHERE organization = ? AND build_id = ?`), v.at.Organization, v.at.SubjectID)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		v.differ(v.at, "it has entries and no view")
	case err != nil:
		return err
	case have != want:
		v.differ(v.at, "its view is stored as version %d in state %s and folds to version %d in state %s:\n stored %s\n folded %s",
			have.Version, have.State, want.Version, want.State, have.View, want.View)
	}
	if have == want {
		return nil
	}
	return v.save(ctx, saveBuildSQL, want.args()...)
}
