package activities

import "sync"

// Cache keeps what was made of content that never changes under its key, so that
// an entry is never stale. Failures are not kept. It is safe for concurrent use.
type Cache[K comparable, V any] struct {
	mu      sync.Mutex
	entries map[K]V
	size    int // at most this many entries; then it starts anew
}

// NewCache returns an empty cache of at most size entries.
func NewCache[K comparable, V any](size int) *Cache[K, V] {
	return &Cache[K, V]{entries: map[K]V{}, size: size}
}

// Get returns the entry of key, made by make if there is none.
func (c *Cache[K, V]) Get(key K, make func() (V, error)) (V, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if entry, found := c.entries[key]; found {
		return entry, nil
	}
	entry, err := make()
	if err != nil {
		return entry, err
	}
	if len(c.entries) >= c.size {
		clear(c.entries)
	}
	c.entries[key] = entry
	return entry, nil
}
