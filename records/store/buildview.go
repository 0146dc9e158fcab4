package store

import (
	"context"
	"encoding/json"
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

// recallViews gets the views of the builds among the locked subjects that have
// one.
func (b *batch) recallViews(ctx context.Context) error {
	for subject, last := range b.sequences {
		if subject.Kind != records.SubjectBuild || last == 0 {
			continue
		}
		view, cached := b.tx.views.get(buildKey{b.organization, subject.ID}, last)
		if !cached {
			var err error
			if view, err = b.readView(ctx, subject.ID, last); err != nil {
				return err
			}
		}
		b.views[subject.ID] = view
	}
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

// encodeViews makes the rows of the views that were folded into.
func (b *batch) encodeViews() error {
	for _, subject := range subjectsOf(b.added) {
		if subject.Kind != records.SubjectBuild {
			continue
		}
		row, err := newBuildRow(b.views[subject.ID])
		if err != nil {
			return err
		}
		b.builds = append(b.builds, row)
	}
	return nil
}

func (b *batch) writeBuilds(ctx context.Context) error {
	save := b.tx.StmtxContext(ctx, b.tx.saveBuild)
	for _, row := range b.builds {
		if _, err := save.ExecContext(ctx, row.args()...); err != nil {
			return fmt.Errorf("write the view of build %s: %w", row.BuildID, err)
		}
		b.tx.views.put(buildKey{b.organization, row.BuildID}, b.views[row.BuildID])
	}
	return nil
}
