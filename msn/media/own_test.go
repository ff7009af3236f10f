package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"matrix-msn/msn/chat"
	"matrix-msn/msn/p2p"
	"matrix-msn/msn/slp"
	"matrix-msn/msn/wire"
)

// fetches asks the other side for an object.
func (s *side) fetches(ctx context.Context, o slp.Object) (string, error) {
	var got bytes.Buffer
	err := s.Fetch(ctx, s.other.name, o, &got, nil)
	return got.String(), err
}

// Contacts ask for the display picture at any time, so it is kept however many emoticons were sent since.
func TestDisplayPictureIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		alice, bob := pair(t, true)
		picture := bob.Own(slp.ObjectPicture, []byte("picture"))
		var emoticons []slp.Object
		for i := range 2 * maxOwn {
			emoticons = append(emoticons, bob.Own(slp.ObjectEmoticon, fmt.Append(nil, "emoticon ", i)))
		}
		bob.conn.Do(func() {
			if len(bob.own) > maxOwn {
				t.Errorf("%d objects are kept", len(bob.own))
			}
		})
		if got, err := alice.fetches(t.Context(), picture); err != nil || got != "picture" {
			t.Errorf("%q, %v", got, err)
		}
		last := len(emoticons) - 1
		if got, err := alice.fetches(t.Context(), emoticons[last]); err != nil || got != fmt.Sprint("emoticon ", last) {
			t.Errorf("the last emoticon: %q, %v", got, err)
		}
		if _, err := alice.fetches(t.Context(), emoticons[0]); !errors.Is(err, p2p.ErrDeclined) {
			t.Errorf("the first emoticon: %v", err)
		}
	})
}

// A picture that the user has taken away is given to nobody.
func TestNoDisplayPicture(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		alice, bob := pair(t, true)
		picture := bob.Own(slp.ObjectPicture, []byte("picture"))
		emoticon := bob.Own(slp.ObjectEmoticon, []byte("emoticon"))
		bob.NoPicture()
		if got, err := alice.fetches(t.Context(), picture); !errors.Is(err, p2p.ErrDeclined) {
			t.Errorf("%q, %v", got, err)
		}
		if got, err := alice.fetches(t.Context(), emoticon); err != nil || got != "emoticon" {
			t.Errorf("the emoticon: %q, %v", got, err)
		}
	})
}

// Somebody who writes from one invented endpoint after the other takes nobody else's place in a session, and no more
// memory than that of a few.
func TestInventedEndpoints(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		alice, bob := pair(t, true)
		from := func(account string, n int) chat.Data {
			return chat.Data{From: account, Message: wire.Message{
				Header: wire.Header("").With("P2P-Src", fmt.Sprintf("%s;{00000000-0000-4000-8000-%012d}", account, n)),
				Body:   slp.Packet{Session: 64, ID: uint32(n), Total: 60_000, Data: strings.Repeat("x", 1000), Footer: slp.FooterInk}.Body(), // half of something
			}}
		}
		alice.conn.Do(func() {
			alice.open(bob.name, func(line, error) {})
			for n := range 3 * maxPeers {
				alice.receive(from("mallory@example.com", n), alice.over)
			}
			if n := len(alice.pipes[alice.over].peers); n > maxPlaces {
				t.Errorf("something of %d endpoints is kept", n)
			}
			for n := range 2 * maxPeers { // who are idle
				d := from(fmt.Sprintf("stranger%d@example.com", n), 0)
				d.Message.Body = slp.Packet{Flags: slp.FlagAck}.Body()
				alice.receive(d, alice.over)
			}
			if n := len(alice.pipes[alice.over].peers); n > maxPeers {
				t.Errorf("something of %d endpoints is kept", n)
			}
		})
		sent := make(chan error, 1)
		go func() {
			sent <- alice.SendFile(t.Context(), bob.name, slp.FileInfo{Name: "a", Size: 3}, strings.NewReader("abc"), nil)
		}()
		offer := (<-bob.conn.Events()).(FileOffered).Offer
		if err := offer.Accept(t.Context(), io.Discard, nil); err != nil {
			t.Errorf("taken: %v", err)
		}
		if err := <-sent; err != nil {
			t.Errorf("sent: %v", err)
		}
	})
}
