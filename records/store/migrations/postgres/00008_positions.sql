-- +goose Up

-- Up to which leaf a consumer of the log has done what it does.
CREATE TABLE positions (
    consumer TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    leaf     BIGINT           NOT NULL CHECK (leaf >= 0)
);
