-- +goose Up

-- Up to which leaf a consumer of the log has done what it does.
CREATE TABLE positions (
    consumer TEXT    NOT NULL PRIMARY KEY,
    leaf     INTEGER NOT NULL CHECK (leaf >= 0)
) STRICT, WITHOUT ROWID;
