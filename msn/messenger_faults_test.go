package msn

import (
	"bytes"
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

// What Messengers do wrong, and how that ends: with a reason, at a time that is known, and with nothing left
// behind. The clock is that of a bubble.

// idleClose is after what time sessions are left that nobody needs.
const idleClose = 20 * time.Minute

// inBubble signs alice in to a server in memory, where bob has a Messenger.
func inBubble(t *testing.T, m msntest.Messenger) (*Client, *msntest.Bot) {
	t.Helper()
	network := msntest.NewNetwork()
	srv := msntest.NewServer(t, msntest.WithNetwork(network), msntest.WithPlainLogin(0))
	srv.AddAccount("alice@example.com", "secret123")
	srv.AddAccount("bob@example.com", "secret123")
	srv.Befriend("alice@example.com", "bob@example.com")
	bot := srv.Play("bob@example.com", msntest.Script{Messenger: &m})
	web := memoryWeb(t, network)
	addresses := srv.PlainWeb()
	client, err := Login(t.Context(), Config{
		Account: "alice@example.com", Password: "secret123", Server: srv.Addr(), Dialects: []wire.Dialect{18}, Dial: network.Dial, https: web,
		Trust: Trust{AllowPrivate: true}, Timeouts: Timeouts{IdleClose: idleClose},
		Web: WebServices{Login: addresses.Login2, AddressBook: addresses.AddressBook, Sharing: addresses.Sharing, Mailbox: addresses.Mailbox, Post: addresses.Post},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(client) })
	return client, bot
}

// memoryWeb carries requests of web services over a network in memory.
func memoryWeb(t *testing.T, network *msntest.Network) http.RoundTripper {
	web := &http.Transport{DialContext: network.Dial}
	t.Cleanup(web.CloseIdleConnections)
	return web
}

// closed closes a client whose events nobody reads any more.
func closed(c *Client) {
	go func() {
		for range c.Events() {
		}
	}()
	_ = c.Close()
}

// pictureOf waits for the picture of bob.
func pictureOf(t *testing.T, c *Client) Object {
	t.Helper()
	for {
		contact, _ := c.Contact("bob@example.com")
		if o, err := ParseObject(contact.Object); err == nil {
			return o
		}
		waitFor[PresenceChanged](t, c)
	}
}

// bothAges runs a test with Messengers of both ages, each in a bubble.
func bothAges(t *testing.T, test func(t *testing.T, later bool)) {
	t.Helper()
	for _, later := range []bool{false, true} {
		t.Run(fmt.Sprintf("later %t", later), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { test(t, later) })
		})
	}
}

// nothingLeft checks that nothing is under way any more: a session that nobody needs is left.
func nothingLeft(t *testing.T, bot *msntest.Bot) {
	t.Helper()
	time.Sleep(2 * idleClose)
	synctest.Wait()
	if n := bot.Chats(); n != 0 {
		t.Errorf("%d sessions are still open", n)
	}
}

// fault is a way in which data is spoiled, what comes of it, and after what time at most.
type fault struct {
	faults msntest.Faults
	want   error // nil: all arrives
	within time.Duration
}

// only sends packets of data but for those that f takes out or changes.
func only(f func(n int, packet string) []string) msntest.Faults { return msntest.Faults{Data: f} }

// spoilt are the faults that what sends data has, of a picture as of a file of 30,000 bytes.
func spoilt() map[string]fault {
	one := func(packet string) []string { return []string{packet} }
	return map[string]fault{
		"a packet is missing": {only(func(n int, packet string) []string {
			if n == 3 {
				return []string{}
			}
			return one(packet)
		}), ErrBroken, time.Second},
		"the first packet is missing": {only(func(n int, packet string) []string {
			if n == 0 {
				return []string{}
			}
			return one(packet)
		}), ErrBroken, time.Second},
		"it ends in the middle": {only(func(n int, packet string) []string {
			if n >= 7 {
				return []string{}
			}
			return one(packet)
		}), ErrSilent, 3 * time.Minute},
		"nothing comes after the yes": {only(func(int, string) []string { return []string{} }), ErrSilent, 3 * time.Minute},
		"two packets are swapped":     {msntest.Faults{Swaps: 4}, ErrBroken, time.Second},
		"each packet comes twice":     {only(func(_ int, packet string) []string { return []string{packet, packet} }), nil, time.Second},
		"packets that are cut short": {only(func(n int, packet string) []string {
			if n == 2 {
				return []string{"", packet[:1], packet[:7], packet[:8], packet[:47], packet[:52]}
			}
			return one(packet)
		}), ErrBroken, time.Second},
		"a header of another length": {msntest.Faults{Total: 1 << 62}, ErrBroken, time.Second},
		"a header that is longer":    {msntest.Faults{Total: 30_001}, ErrBroken, time.Second},
	}
}

func TestMessengerSpoilsPictures(t *testing.T) {
	faults := spoilt()
	data := bytes.Repeat([]byte("picture "), 3750)
	faults["another picture of the same length"] = fault{msntest.Faults{Instead: bytes.ToUpper(data)}, ErrBroken, time.Second}
	faults["a shorter picture"] = fault{msntest.Faults{Instead: data[1:]}, ErrBroken, time.Second}
	faults["a longer picture"] = fault{msntest.Faults{Instead: append(slices.Clone(data), 1)}, ErrBroken, time.Second}
	faults["no answer at all"] = fault{msntest.Faults{Mute: true}, ErrSilent, 2 * time.Minute}
	faults["nothing is acknowledged"] = fault{msntest.Faults{NoAcks: true}, nil, time.Minute}
	faults["a no after the yes"] = fault{msntest.Faults{Regrets: true}, ErrDeclined, time.Second}
	faults["announced, and not understood"] = fault{msntest.Faults{Deaf: true}, nil, 20 * time.Second}
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			bothAges(t, func(t *testing.T, later bool) {
				c, bot := inBubble(t, msntest.Messenger{Later: later, Picture: data, Faults: f.faults})
				var got bytes.Buffer
				began := time.Now()
				err := c.Fetch(t.Context(), "bob@example.com", pictureOf(t, c), &got, nil)
				took := time.Since(began)
				if !errors.Is(err, f.want) || took > f.within || f.want == nil && !bytes.Equal(got.Bytes(), data) || got.Len() > len(data) {
					t.Errorf("after %v: %v, with %d bytes", took, err, got.Len())
				}
				if err == nil && sha1.Sum(got.Bytes()) != sha1.Sum(data) {
					t.Error("another picture is taken for it")
				}
				nothingLeft(t, bot)
			})
		})
	}
}

func TestMessengerSpoilsFiles(t *testing.T) {
	faults := spoilt()
	data := bytes.Repeat([]byte("file "), 6000)
	faults["nothing is acknowledged"] = fault{msntest.Faults{NoAcks: true}, nil, time.Minute}
	faults["it is not ended"] = fault{msntest.Faults{NoBye: true}, nil, time.Second}
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			bothAges(t, func(t *testing.T, later bool) {
				c, bot := inBubble(t, msntest.Messenger{Later: later, Faults: f.faults})
				chat, err := bot.Call(t.Context(), "alice@example.com")
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				gave := make(chan error, 1)
				go func() { gave <- chat.GiveFile(ctx, "alice@example.com", "a.txt", data) }()
				offered := waitFor[FileOffered](t, c)
				var got bytes.Buffer
				began := time.Now()
				err = offered.Offer.Accept(t.Context(), &got, nil)
				took := time.Since(began)
				if !errors.Is(err, f.want) || took > f.within || f.want == nil && !bytes.Equal(got.Bytes(), data) || got.Len() > len(data) {
					t.Errorf("after %v: %v, with %d bytes", took, err, got.Len())
				}
				cancel()
				<-gave
				nothingLeft(t, bot)
			})
		})
	}
}

func TestMessengerTakesFilesInItsOwnWay(t *testing.T) {
	data := strings.Repeat("file ", 6000)
	for name, test := range map[string]struct {
		fault
		arrives bool
	}{
		"it answers nothing":           {fault{msntest.Faults{Mute: true}, ErrSilent, 11 * time.Minute}, false},
		"it acknowledges nothing":      {fault{msntest.Faults{NoAcks: true}, nil, time.Minute}, true},
		"it does not end it":           {fault{msntest.Faults{NoBye: true}, nil, time.Second}, true},
		"it says no after the yes":     {fault{msntest.Faults{Regrets: true}, ErrCancelled, time.Second}, false},
		"announced and not understood": {fault{msntest.Faults{Deaf: true}, nil, 20 * time.Second}, true},
	} {
		t.Run(name, func(t *testing.T) {
			bothAges(t, func(t *testing.T, later bool) {
				taken := make(chan []byte, 1)
				c, bot := inBubble(t, msntest.Messenger{Later: later, Faults: test.faults, Offered: func(o *msntest.OfferedFile) {
					o.Accept()
					go func() {
						data, _ := o.Wait(t.Context())
						taken <- data
					}()
				}})
				if contact, _ := c.Contact("bob@example.com"); contact.Status == Offline {
					waitFor[PresenceChanged](t, c)
				}
				began := time.Now()
				err := c.SendFile(t.Context(), "bob@example.com", File{Name: "a", Size: uint64(len(data))}, strings.NewReader(data), nil)
				took := time.Since(began)
				if want := test.want; !errors.Is(err, want) && !(errors.Is(want, ErrCancelled) && errors.Is(err, ErrDeclined)) || took > test.within {
					t.Errorf("after %v: %v", took, err)
				}
				if test.arrives && string(<-taken) != data {
					t.Error("bob has got something else")
				}
				nothingLeft(t, bot)
			})
		})
	}
}

// Two users ask a Messenger at once, and one that closes in the middle ends all of it.
func TestClosingWhileAMessengerSends(t *testing.T) {
	bothAges(t, func(t *testing.T, later bool) {
		data := bytes.Repeat([]byte("p"), 30_000)
		c, bot := inBubble(t, msntest.Messenger{Later: later, Picture: data, Faults: only(func(n int, packet string) []string {
			if n >= 5 {
				return []string{}
			}
			return []string{packet}
		})})
		o := pictureOf(t, c)
		results := make(chan error, 4)
		for range 2 {
			go func() { results <- c.Fetch(t.Context(), "bob@example.com", o, io.Discard, nil) }()
		}
		chat, err := bot.Call(t.Context(), "alice@example.com")
		if err != nil {
			t.Fatal(err)
		}
		go func() { _ = chat.GiveFile(t.Context(), "alice@example.com", "a", data) }()
		offer := waitFor[FileOffered](t, c).Offer
		go func() { results <- offer.Accept(t.Context(), io.Discard, nil) }()
		synctest.Wait()
		closed(c)
		for range 3 {
			if err := <-results; err == nil {
				t.Error("something has arrived")
			}
		}
	})
}
