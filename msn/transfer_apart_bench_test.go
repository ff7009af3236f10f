package msn_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

// Texts beside a file where the server and the contact are another process, as they are: what is measured is what this
// side does, and not three programs that take the processors from each other. Of a line that is slow
// TestTextsBesideAFile says exactly how late a text is, in fake time.

// partnerVariable is set for the process that is the server and the contact.
const partnerVariable = "MSN_TEST_PARTNER"

func TestMain(m *testing.M) {
	if os.Getenv(partnerVariable) == "" {
		os.Exit(m.Run())
	}
	if err := bePartner(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// bePartner is a server and a contact who takes all files and says again what they are told, until the input ends. It
// prints where the server is.
func bePartner(ctx context.Context) error {
	srv, err := msntest.Start(ctx, msntest.WithRecordLimit(0), msntest.WithPlainLogin(0))
	if err != nil {
		return err
	}
	defer srv.Close()
	for _, account := range []string{alice, bob} {
		srv.AddAccount(account, password)
	}
	srv.Befriend(alice, bob)
	client, err := msn.Login(ctx, configFor(srv, bob, 12))
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	go func() {
		for e := range client.Events() {
			switch e := e.(type) {
			case msn.TextReceived:
				go func() { _ = e.Conversation.SendText(ctx, e.Text, "") }()
			case msn.FileOffered:
				go func() { _ = e.Offer.Accept(ctx, io.Discard, nil) }()
			}
		}
	}()
	fmt.Println(srv.Addr(), srv.PlainNexusURL())
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// withPartnerApart signs alice in to a server of another process.
func withPartnerApart(b *testing.B) *msn.Client {
	b.Helper()
	program, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	partner := exec.Command(program)
	partner.Env, partner.Stderr = append(os.Environ(), partnerVariable+"=1"), os.Stderr
	in, err := partner.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := partner.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := partner.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close()
		_ = partner.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	server, nexus, ok := strings.Cut(strings.TrimSpace(line), " ")
	if err != nil || !ok {
		b.Fatalf("the partner says %q, %v", line, err)
	}
	client, err := msn.Login(b.Context(), msn.Config{
		Account: alice, Password: password, Server: server, NexusURL: nexus, Dialects: []wire.Dialect{12}, Trust: msn.Trust{AllowPrivate: true},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = client.Close() })
	return client
}

// paced is a reader without an end that gives so many bytes a millisecond.
type paced struct {
	tick *time.Ticker
	most int
}

func (p paced) Read(b []byte) (int, error) {
	<-p.tick.C
	return min(len(b), p.most), nil
}

// BenchmarkTextDuringAFileApart is a text there and back, while a file goes out.
func BenchmarkTextDuringAFileApart(b *testing.B) {
	const perSecond = 1000 // milliseconds
	for _, test := range []struct {
		name string
		rate int // of the file, in bytes a second
	}{{"no file", 0}, {"1 MB per s", 1e6}, {"5 MB per s", 5e6}, {"as fast as it goes", 1e9}} {
		b.Run(test.name, func(b *testing.B) {
			client := withPartnerApart(b)
			back := make(chan struct{}, 1)
			go func() {
				for e := range client.Events() {
					if _, ok := e.(msn.TextReceived); ok {
						back <- struct{}{}
					}
				}
			}()
			say := func() time.Duration {
				began := time.Now()
				if err := client.Conversation(bob).SendText(b.Context(), "hello", ""); err != nil {
					b.Fatal(err)
				}
				<-back
				return time.Since(began)
			}
			say()
			var file io.Reader = endless{}
			if test.rate < 1e9 {
				tick := time.NewTicker(time.Millisecond)
				defer tick.Stop()
				file = paced{tick, test.rate / perSecond}
			}
			ctx, cancel := context.WithCancel(b.Context())
			var under sync.WaitGroup
			defer under.Wait()
			defer cancel()
			var sent atomic.Uint64
			if test.rate > 0 {
				flows := make(chan struct{})
				begun := sync.OnceFunc(func() { close(flows) })
				under.Go(func() {
					_ = client.SendFile(ctx, bob, msn.File{Name: "a", Size: 1 << 50}, file, func(done uint64) {
						if sent.Store(done); done > 1<<20 {
							begun()
						}
					})
				})
				<-flows
			}
			var took []time.Duration
			began, before := time.Now(), sent.Load()
			for b.Loop() {
				took = append(took, say())
			}
			carried := float64(sent.Load()-before) / 1e6 / time.Since(began).Seconds()
			slices.Sort(took)
			b.ReportMetric(carried, "MB/s")
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
}
