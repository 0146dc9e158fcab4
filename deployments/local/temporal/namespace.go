package temporal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"

	enumspb "go.temporal.io/api/enums/v1"
	persistencespb "go.temporal.io/server/api/persistence/v1"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/persistence"
	"go.temporal.io/server/common/persistence/serialization"
	serversql "go.temporal.io/server/common/persistence/sql"
	"go.temporal.io/server/common/persistence/sql/sqlplugin"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/common/resolver"
	"go.temporal.io/server/common/searchattribute/sadefs"
	sqliteschema "go.temporal.io/server/schema/sqlite"
	"google.golang.org/protobuf/types/known/durationpb"
)

// SearchAttributeError says that a custom search attribute cannot be registered.
type SearchAttributeError struct {
	Name   string
	Type   enumspb.IndexedValueType
	Reason string
}

func (e *SearchAttributeError) Error() string {
	return fmt.Sprintf("search attribute %s of type %s: %s", e.Name, e.Type, e.Reason)
}

// ensureNamespace makes the namespace, or adds to an existing one what options ask for, and returns its
// id. It writes the namespace's row before the server starts: the server's own API would make a new
// search attribute usable only after its caches refresh, seconds later.
func ensureNamespace(ctx context.Context, sqlite *config.SQL, options Options, logger serverLogger) (id [16]byte, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("namespace %s: %w", options.Namespace, err)
		}
	}()
	db, err := serversql.NewSQLDB(sqlplugin.DbKindMain, sqlite, resolver.NewNoopResolver(), logger, metrics.NoopMetricsHandler)
	if err != nil {
		return id, err
	}
	defer db.Close()

	detail, row, err := readNamespace(ctx, db, options.Namespace)
	if err != nil {
		return id, err
	}
	detail.Config.Retention = durationpb.New(options.Retention)
	if detail.Config.CustomSearchAttributeAliases, err = withAliases(detail.Config.CustomSearchAttributeAliases, options.SearchAttributes); err != nil {
		return id, err
	}

	blob, err := serialization.NewSerializer().NamespaceDetailToBlob(detail)
	if err != nil {
		return id, err
	}
	write := db.UpdateNamespace
	if row == nil {
		namespaceID, err := primitives.ParseUUID(detail.Info.Id)
		if err != nil {
			return id, err
		}
		row = &sqlplugin.NamespaceRow{ID: namespaceID, Name: options.Namespace}
		write = db.InsertIntoNamespace
	}
	row.Data, row.DataEncoding = blob.Data, blob.EncodingType.String()
	_, err = write(ctx, row)
	return [16]byte(row.ID), err
}

// readNamespace returns the namespace and its row; for one that does not exist, a new one and no row.
func readNamespace(ctx context.Context, db sqlplugin.DB, name string) (*persistencespb.NamespaceDetail, *sqlplugin.NamespaceRow, error) {
	rows, err := db.SelectFromNamespace(ctx, sqlplugin.NamespaceFilter{Name: &name})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, nil, err
	}
	if len(rows) > 0 {
		row := rows[0]
		detail, err := serialization.NewSerializer().NamespaceDetailFromBlob(persistence.NewDataBlob(row.Data, row.DataEncoding))
		return detail, &row, err
	}
	namespace, err := sqliteschema.NewNamespaceConfig(clusterName, name, false, nil)
	if err != nil {
		return nil, nil, err
	}
	return namespace.Detail, nil, nil
}

// withAliases adds to the column→name map of a namespace the names that it lacks. SQL visibility has a
// fixed set of columns of each type (Keyword01…); a custom attribute is a name for one of them.
func withAliases(aliases map[string]string, wanted map[string]enumspb.IndexedValueType) (map[string]string, error) {
	aliases = maps.Clone(aliases)
	if aliases == nil {
		aliases = map[string]string{}
	}
	columnOf := make(map[string]string, len(aliases))
	for column, name := range aliases {
		columnOf[name] = column
	}
	columns := sadefs.GetDBIndexSearchAttributes(nil).CustomSearchAttributes

	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		valueType := wanted[name]
		if column, ok := columnOf[name]; ok {
			if columns[column] != valueType {
				return nil, &SearchAttributeError{Name: name, Type: valueType, Reason: "it exists with type " + columns[column].String()}
			}
			continue
		}
		column, ok := freeColumn(columns, aliases, valueType)
		if !ok {
			return nil, &SearchAttributeError{Name: name, Type: valueType, Reason: "no column of this type is left"}
		}
		aliases[column] = name
	}
	return aliases, nil
}

func freeColumn(columns map[string]enumspb.IndexedValueType, taken map[string]string, valueType enumspb.IndexedValueType) (string, bool) {
	for _, column := range slices.Sorted(maps.Keys(columns)) {
		if _, used := taken[column]; columns[column] == valueType && !used {
			return column, true
		}
	}
	return "", false
}
