package store

import "github.com/initkoa/orgo/records"

// cachedViews bounds a generation of a viewCache.
const cachedViews = 256

// buildKey names a build.
type buildKey struct{ organization, id string }

// viewCache keeps the views of builds that were appended to last, so that an
// append need not read and decode one. A view at a version is used only where
// the locked subject is at that very version: entries never change, so it is then
// the fold of them, whichever process appended them.
//
// It is for a database that never goes back in time under a running process. A
// Postgres that fails over to a standby can, and does without.
//
// It holds two generations; when the younger is full it becomes the older one.
// What a transaction has folded is pending until keep or drop. It is not safe
// for concurrent use.
type viewCache struct {
	young, old, pending map[buildKey]records.BuildView
}

func newViewCache() *viewCache {
	return &viewCache{young: map[buildKey]records.BuildView{}, pending: map[buildKey]records.BuildView{}}
}

// get returns the view of a build at a version, if it is there.
func (c *viewCache) get(key buildKey, version int64) (records.BuildView, bool) {
	for _, views := range []map[buildKey]records.BuildView{c.pending, c.young, c.old} {
		if view, found := views[key]; found {
			return view, view.Version == version
		}
	}
	return records.BuildView{}, false
}

// put adds a view that the transaction under way has written.
func (c *viewCache) put(key buildKey, view records.BuildView) { c.pending[key] = view }

// keep takes over what is pending: the transaction was committed.
func (c *viewCache) keep() {
	for key, view := range c.pending {
		c.young[key] = view
	}
	clear(c.pending)
	if len(c.young) >= cachedViews {
		c.young, c.old = map[buildKey]records.BuildView{}, c.young
	}
}

// drop forgets what is pending: the transaction was rolled back.
func (c *viewCache) drop() { clear(c.pending) }
