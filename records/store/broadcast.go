package store

import "sync"

// broadcast wakes everybody who waits. A waiter takes its channel before it looks
// at what it waits for, so that nothing between the two is missed.
type broadcast struct {
	mu      sync.Mutex
	channel chan struct{}
}

// wait returns a channel that the next wake closes.
func (b *broadcast) wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.channel == nil {
		b.channel = make(chan struct{})
	}
	return b.channel
}

func (b *broadcast) wake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.channel != nil {
		close(b.channel)
		b.channel = nil
	}
}
