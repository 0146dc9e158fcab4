-- +goose Up

-- What releases and channels an organization has, newest first. Each has one entry
-- here, its first: an append of anything else pays nothing.
CREATE INDEX entries_releases ON entries (organization, at, entry_id) WHERE type = 'orgo.release.requested';
CREATE INDEX entries_channels ON entries (organization, at, entry_id)
    WHERE subject_kind = 'channel' AND type = 'orgo.channel.opened';
