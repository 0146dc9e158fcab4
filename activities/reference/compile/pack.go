package compile

import (
	"context"
	"fmt"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/records"
)

// The files of a Runtime Pack are JSON Lines, sorted, with a fixed number of
// rows each; the shard list says what each file holds, so that a reader finds an
// entity without reading all.
const (
	entitiesTable   = "dictionary/entities"
	propertiesTable = "dictionary/properties"
	statementsTable = "data/statements"
	shardsPath      = "metadata/shards.json"
)

// shardRows is the number of rows in a file: what the row grouping policy
// fixed_rows_100k means.
const shardRows = 100_000

// The roles of files in the manifest. The format is not Parquet, so statements
// are not given that role.
const (
	roleDictionary = "dictionary"
	roleMetadata   = "metadata"
	roleOther      = "other"
)

// packFile is one finished file. First and Last are the ids of the things of
// its first and last row; of statements, of their subjects.
type packFile struct {
	Path  string `json:"path"`
	First string `json:"first"`
	Last  string `json:"last"`
	Rows  int64  `json:"rows"`
	role  string
	ref   records.Ref
}

// table writes rows into as many files as they need.
type table struct {
	ctx   context.Context
	store runner.ArtifactStore
	name  string
	role  string
	limit int64
	open  *sink
	files []packFile
}

// row begins a row about a thing and returns where to write it, with its line
// feed.
func (t *table) row(about string) (*sink, error) {
	if t.open != nil && t.files[len(t.files)-1].Rows == t.limit {
		if err := t.finish(); err != nil {
			return nil, err
		}
	}
	if t.open == nil {
		t.open = newSink(t.ctx, t.store, records.MediaJSONLines)
		path := fmt.Sprintf("%s-%05d.jsonl", t.name, len(t.files))
		t.files = append(t.files, packFile{Path: path, First: about, role: t.role})
	}
	file := &t.files[len(t.files)-1]
	file.Rows++
	file.Last = about
	return t.open, nil
}

// finish ends the file that is open, if one is.
func (t *table) finish() error {
	if t.open == nil {
		return nil
	}
	ref, err := t.open.commit()
	t.open = nil
	t.files[len(t.files)-1].ref = ref
	return err
}

func (t *table) abort() {
	if t.open != nil {
		t.open.abort()
	}
}

// pack is the files of a Runtime Pack.
type pack struct {
	things     [2]*table // by section
	statements *table
}

func newPack(ctx context.Context, store runner.ArtifactStore) *pack {
	create := func(name, role string) *table {
		return &table{ctx: ctx, store: store, name: name, role: role, limit: shardRows}
	}
	return &pack{
		things:     [2]*table{create(entitiesTable, roleDictionary), create(propertiesTable, roleDictionary)},
		statements: create(statementsTable, roleOther),
	}
}

func (p *pack) tables() []*table {
	return []*table{p.statements, p.things[entities], p.things[properties]}
}

func (p *pack) abort() {
	for _, t := range p.tables() {
		t.abort()
	}
}

// shardList is the content of shardsPath.
type shardList struct {
	Kind          string     `json:"kind"`
	SchemaVersion string     `json:"schema_version"`
	Shards        []packFile `json:"shards"`
}

// finish ends all files, adds the list of them, and returns them sorted by path.
func (p *pack) finish(ctx context.Context, store runner.ArtifactStore) ([]packFile, error) {
	files := []packFile{}
	for _, t := range p.tables() { // in the order of their names
		if err := t.finish(); err != nil {
			return nil, err
		}
		files = append(files, t.files...)
	}
	ref, err := putJSON(ctx, store, shardList{Kind: "runtime_pack_shards", SchemaVersion: ExchangeVersion, Shards: files})
	return append(files, packFile{Path: shardsPath, role: roleMetadata, ref: ref}), err
}
