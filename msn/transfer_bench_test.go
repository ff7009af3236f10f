package msn_test

import (
	"context"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
)

// benchPair is two users of a server whose connections are in memory, and what bob is offered and told.
func benchPair(b *testing.B) (from *msn.Client, offers <-chan msn.FileOffered, texts <-chan string) {
	b.Helper()
	srv := msntest.NewServer(b, msntest.WithRecordLimit(0))
	for _, account := range []string{alice, bob} {
		srv.AddAccount(account, password)
	}
	srv.Befriend(alice, bob)
	offered, told := make(chan msn.FileOffered, 1), make(chan string, 1)
	in := func(account string) *msn.Client {
		client, err := msn.Login(b.Context(), configFor(srv, account, 12))
		if err != nil {
			b.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			for e := range client.Events() {
				switch e := e.(type) {
				case msn.FileOffered:
					offered <- e
				case msn.TextReceived:
					told <- e.Text
				}
			}
		}()
		b.Cleanup(func() {
			_ = client.Close()
			<-done
		})
		return client
	}
	from = in(alice)
	in(bob)
	return from, offered, told
}

// endless is a reader without an end.
type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }

// transfer begins a file and returns when it is over.
func transfer(b *testing.B, from *msn.Client, offers <-chan msn.FileOffered, size uint64) (wait func()) {
	sent, received := make(chan error, 1), make(chan error, 1)
	go func() { sent <- from.SendFile(b.Context(), bob, msn.File{Name: "a", Size: size}, endless{}, nil) }()
	offer := (<-offers).Offer
	go func() { received <- offer.Accept(b.Context(), io.Discard, nil) }()
	return func() {
		if err := <-received; err != nil {
			b.Error(err)
		}
		if err := <-sent; err != nil {
			b.Error(err)
		}
	}
}

// BenchmarkFileOverASwitchboard is a file of 20 MB from one client to another by the test server, by TCP on
// loopback.
func BenchmarkFileOverASwitchboard(b *testing.B) {
	from, offers, _ := benchPair(b)
	const size = 20 << 20
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		transfer(b, from, offers, size)()
	}
}

// BenchmarkTextDuringAFile is a text on its way while a file goes the same way, and without one.
func BenchmarkTextDuringAFile(b *testing.B) {
	for name, busy := range map[string]bool{"quiet": false, "busy": true} {
		b.Run(name, func(b *testing.B) {
			from, offers, texts := benchPair(b)
			say := func() time.Duration {
				began := time.Now()
				if err := from.Conversation(bob).SendText(b.Context(), "hello", ""); err != nil {
					b.Fatal(err)
				}
				<-texts
				return time.Since(began)
			}
			say()
			if busy { // for as long as that takes
				ctx, cancel := context.WithCancel(b.Context())
				var under sync.WaitGroup
				defer under.Wait()
				defer cancel()
				under.Go(func() { _ = from.SendFile(ctx, bob, msn.File{Name: "a", Size: 1 << 50}, endless{}, nil) })
				offer := (<-offers).Offer
				under.Go(func() { _ = offer.Accept(ctx, io.Discard, nil) })
			}
			var took []time.Duration
			for b.Loop() {
				took = append(took, say())
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
}
