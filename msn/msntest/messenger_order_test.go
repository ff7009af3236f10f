package msntest

import (
	"sync"
	"testing"

	"matrix-msn/msn/slp"
	"matrix-msn/msn/wire"
)

// Packets go out in the order in which they were put, whoever sends them: the account, a file that is on its way, or a
// test that accepts or ends one.
func TestPacketsKeepTheirOrder(t *testing.T) {
	t.Parallel()
	const senders, each = 8, 200
	srv := NewServer(t)
	for _, account := range []string{"alice@example.com", "bob@example.com"} {
		srv.AddAccount(account, "secret123")
	}
	srv.Befriend("alice@example.com", "bob@example.com")
	heard := make(chan uint32, senders*each)
	srv.Play("bob@example.com", Script{Message: func(_ *Chat, _ string, m wire.Message) {
		if p, ok := slp.Parse(m.Body); ok {
			heard <- p.ID
		}
	}})
	chat, err := srv.Play("alice@example.com", Script{Messenger: &Messenger{}}).Call(t.Context(), "bob@example.com")
	if err != nil {
		t.Fatal(err)
	}
	m := chat.bot.messenger
	m.mu.Lock()
	l := m.lineTo(chat, "bob@example.com", "")
	m.mu.Unlock()
	last := uint32(0)
	var all sync.WaitGroup
	for range senders {
		all.Go(func() {
			for range each {
				m.mu.Lock()
				last++
				l.put(slp.Packet{ID: last}.Body())
				m.mu.Unlock()
				l.flush()
			}
		})
	}
	all.Wait()
	for want := uint32(1); want <= senders*each; want++ {
		if got := <-heard; got != want {
			t.Fatalf("packet %d comes as number %d", got, want)
		}
	}
}
