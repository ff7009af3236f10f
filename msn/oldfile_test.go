package msn

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/msntest"
	"matrix-msn/msn/trust"
	"matrix-msn/msn/wire"
)

// withOldBob signs alice in to a server in memory, where bob has a client of MSNP8 or older.
func withOldBob(t *testing.T, direct bool) (*Client, *msntest.Chat) {
	t.Helper()
	network := msntest.NewNetwork()
	srv := msntest.NewServer(t, msntest.WithNetwork(network), msntest.WithDialects(7))
	srv.AddAccount("alice@example.com", "secret123")
	srv.AddAccount("bob@example.com", "secret123")
	srv.Befriend("alice@example.com", "bob@example.com")
	bot := srv.Play("bob@example.com", msntest.Script{})
	c, err := Login(t.Context(), Config{
		Account: "alice@example.com", Password: "secret123", Server: srv.Addr(), Dialects: []wire.Dialect{7}, Dial: network.Dial,
		Trust: Trust{AllowPrivate: true}, DirectFiles: direct,
		Timeouts: Timeouts{IdleClose: time.Minute}, // sooner than anybody decides about a file
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(c) })
	chat, err := bot.Call(t.Context(), "alice@example.com")
	if err != nil {
		t.Fatal(err)
	}
	return c, chat
}

// blocks sends data in blocks, a byte each.
func blocks(data string) func(io.Writer) {
	return func(w io.Writer) {
		for _, b := range []byte(data) {
			if _, err := w.Write([]byte{0, 1, 0, b}); err != nil {
				return
			}
		}
	}
}

func TestFileOfAnOldClient(t *testing.T) {
	t.Parallel()
	data := strings.Repeat("old file ", 1000)
	place := func(fields ...string) wire.Header {
		var h wire.Header
		for i := 0; i < len(fields); i += 2 {
			h = h.With(fields[i], fields[i+1])
		}
		return h
	}
	for name, test := range map[string]struct {
		how    msntest.OldFile
		want   error
		within time.Duration
	}{
		"it comes":                 {msntest.OldFile{}, nil, time.Second},
		"it says another length":   {msntest.OldFile{Size: "9001"}, ErrBroken, time.Second},
		"it ends early":            {msntest.OldFile{Blocks: func(w io.Writer) { blocks("old")(w); _, _ = w.Write([]byte{1, 0, 0}) }}, ErrCancelled, time.Second},
		"it goes silent":           {msntest.OldFile{Blocks: blocks("old")}, ErrSilent, time.Minute},
		"it never ends":            {msntest.OldFile{Blocks: blocks(data + "more")}, nil, time.Second},
		"a block that is longer":   {msntest.OldFile{Blocks: func(w io.Writer) { _, _ = w.Write(append([]byte{0, 255, 255}, make([]byte, 65535)...)) }}, ErrBroken, 3 * time.Second},
		"nothing after the yes":    {msntest.OldFile{Silent: true}, ErrSilent, time.Minute},
		"it is taken back":         {msntest.OldFile{Regrets: true}, ErrCancelled, time.Second},
		"a port of the system":     {msntest.OldFile{Place: place("IP-Address", "127.0.0.1", "Port", "25", "AuthCookie", "1")}, trust.ErrUntrusted, time.Second},
		"a name":                   {msntest.OldFile{Place: place("IP-Address", "localhost", "Port", "6891", "AuthCookie", "1")}, ErrBroken, time.Second},
		"no port":                  {msntest.OldFile{Place: place("IP-Address", "127.0.0.1", "AuthCookie", "1")}, ErrBroken, time.Second},
		"a cookie with a line end": {msntest.OldFile{Place: place("IP-Address", "127.0.0.1", "Port", "6891", "AuthCookie", "1 2")}, ErrBroken, time.Second},
		"a port that nobody has":   {msntest.OldFile{Place: place("IP-Address", "127.0.0.1", "PortX", "11178", "AuthCookie", "1")}, ErrUnreachable, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, chat := withOldBob(t, true)
				ctx, cancel := context.WithCancel(t.Context())
				gave := make(chan error, 1)
				go func() { gave <- chat.GiveOldFile(ctx, "C:\\x\\old.txt", []byte(data), test.how) }()
				offered := waitFor[FileOffered](t, c)
				if offered.Name != "old.txt" || offered.Bytes != uint64(len(data)) || offered.From != "bob@example.com" {
					t.Errorf("offered %+v", offered)
				}
				var got bytes.Buffer
				began := time.Now()
				err := offered.Offer.Accept(t.Context(), &got, nil)
				took := time.Since(began)
				if !errors.Is(err, test.want) || test.want == nil && (err != nil || got.String() != data) || took > test.within || got.Len() > len(data) {
					t.Errorf("after %v: %v, with %d bytes", took, err, got.Len())
				}
				if err := offered.Offer.Accept(t.Context(), io.Discard, nil); !errors.Is(err, ErrNoOffer) {
					t.Errorf("accepted again: %v", err)
				}
				cancel()
				<-gave
			})
		})
	}
}

// What ends the offer of a file of an old client before it is taken, and what its Messenger is told.
func TestOfferOfAnOldClientEnds(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		end  func(c *Client, o *FileOffer, chat *msntest.Chat, takeBack context.CancelFunc)
		gave error
		why  error // nil: it is not told
	}{
		"declined":       {func(_ *Client, o *FileOffer, _ *msntest.Chat, _ context.CancelFunc) { o.Decline(); o.Decline() }, msntest.ErrRefused, nil},
		"taken back":     {func(_ *Client, _ *FileOffer, _ *msntest.Chat, takeBack context.CancelFunc) { takeBack() }, context.Canceled, ErrCancelled},
		"nobody decides": {func(*Client, *FileOffer, *msntest.Chat, context.CancelFunc) { time.Sleep(6 * time.Minute) }, msntest.ErrRefused, ErrSilent},
		"blocked": {func(c *Client, _ *FileOffer, _ *msntest.Chat, _ context.CancelFunc) {
			_ = c.Block(context.Background(), "bob@example.com")
		}, msntest.ErrRefused, ErrBlocks},
		"offered twice": {func(_ *Client, o *FileOffer, chat *msntest.Chat, _ context.CancelFunc) {
			_, _ = chat.OfferFile("b", 1)
			o.Decline()
		}, msntest.ErrRefused, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, chat := withOldBob(t, true)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				gave := make(chan error, 1)
				go func() { gave <- chat.GiveOldFile(ctx, "a", []byte("abc"), msntest.OldFile{}) }()
				o := waitFor[FileOffered](t, c).Offer
				test.end(c, o, chat, cancel)
				if err := <-gave; !errors.Is(err, test.gave) {
					t.Errorf("bob: %v", err)
				}
				synctest.Wait()
				if !errors.Is(o.Why(), test.why) {
					t.Errorf("why: %v", o.Why())
				}
				if err := o.Accept(t.Context(), io.Discard, nil); !errors.Is(err, ErrNoOffer) {
					t.Errorf("accepted: %v", err)
				}
			})
		})
	}
}

// Where the configuration has no such connections, the file is told of and declined at once.
func TestFileOfAnOldClientIsDeclined(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, chat := withOldBob(t, false)
		gave := make(chan error, 1)
		go func() { gave <- chat.GiveOldFile(t.Context(), "old.txt", []byte("abc"), msntest.OldFile{}) }()
		if e := waitFor[InvitationReceived](t, c); e.Offer != OfferFile || e.Name != "old.txt" || e.Bytes != 3 || !e.Declined {
			t.Errorf("%+v", e)
		}
		if err := <-gave; !errors.Is(err, msntest.ErrRefused) {
			t.Errorf("bob: %v", err)
		}
	})
}

// Closing the client ends a file that comes from an old one.
func TestClosingWhileAnOldClientSends(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, chat := withOldBob(t, true)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		gave := make(chan error, 1)
		go func() { gave <- chat.GiveOldFile(ctx, "a", make([]byte, 9000), msntest.OldFile{Blocks: blocks("abc")}) }()
		o := waitFor[FileOffered](t, c).Offer
		taken := make(chan error, 1)
		go func() { taken <- o.Accept(t.Context(), io.Discard, nil) }()
		synctest.Wait()
		closed(c)
		if err := <-taken; err == nil {
			t.Error("it has arrived")
		}
		<-gave
	})
}

// Signing out ends the offer of an old client's that nobody has decided about.
func TestSigningOutEndsTheOfferOfAnOldClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, chat := withOldBob(t, true)
		ctx, cancel := context.WithCancel(t.Context())
		gave := make(chan error, 1)
		go func() { gave <- chat.GiveOldFile(ctx, "a", []byte("abc"), msntest.OldFile{}) }()
		o := waitFor[FileOffered](t, c).Offer
		closed(c)
		select {
		case <-o.Ended():
			if !errors.Is(o.Why(), ErrClosed) {
				t.Errorf("it ended: %v", o.Why())
			}
		default:
			t.Error("the offer has not ended")
		}
		cancel()
		<-gave
	})
}

// Blocking the sender ends a file of an old client's in the middle.
func TestBlockingWhileAnOldClientSends(t *testing.T) {
	t.Parallel()
	for name, how := range map[string]msntest.OldFile{"before it says where": {Silent: true}, "in the middle": {Blocks: blocks("abc")}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, chat := withOldBob(t, true)
				ctx, cancel := context.WithCancel(t.Context())
				gave := make(chan error, 1)
				go func() { gave <- chat.GiveOldFile(ctx, "a", make([]byte, 9000), how) }()
				o := waitFor[FileOffered](t, c).Offer
				taken := make(chan error, 1)
				go func() { taken <- o.Accept(t.Context(), io.Discard, nil) }()
				synctest.Wait()
				at := time.Now()
				if err := c.Block(t.Context(), "bob@example.com"); err != nil {
					t.Fatal(err)
				}
				if err := <-taken; !errors.Is(err, ErrBlocks) || time.Since(at) > time.Second {
					t.Errorf("after %v: %v", time.Since(at), err)
				}
				cancel()
				<-gave
			})
		})
	}
}

// The session in which an old client has offered a file is not left while its answer is waited for.
func TestSessionOfAnOldFileIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, chat := withOldBob(t, true)
		gave := make(chan error, 1)
		go func() { gave <- chat.GiveOldFile(t.Context(), "a", []byte("abc"), msntest.OldFile{}) }()
		o := waitFor[FileOffered](t, c).Offer
		time.Sleep(5*time.Minute - time.Second)
		var got bytes.Buffer
		if err := o.Accept(t.Context(), &got, nil); err != nil || got.String() != "abc" {
			t.Errorf("%d bytes, %v", got.Len(), err)
		}
		<-gave
	})
}
