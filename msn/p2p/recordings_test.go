package p2p

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/internal/transcript"
	"matrix-msn/msn/slp"
	"matrix-msn/msn/wire"
)

// recorded is a session of a recording.
type recorded struct {
	line          int
	asker, owner  string // who has invited whom
	offer         slp.Offer
	call          string
	asks, answers []string // the packets of both, from the invitation on
	data          []byte   // what went over
	refused       string   // who has said no
}

// sessions finds the sessions of a recording.
func sessions(t *testing.T, rec transcript.Recording) (found []*recorded) {
	joiners := make(map[string]*slp.Joiner)
	open := make(map[string][]*recorded) // by the two people
	for _, r := range rec.Records {
		if r.Kind != transcript.FromClient || !strings.HasPrefix(r.Conn, "SB") {
			continue
		}
		_, payload, _ := strings.Cut(r.Text, "\r\n")
		m := wire.ParseMessage(payload)
		if m.MediaType() != slp.MediaType {
			continue
		}
		p, ok := slp.Parse(m.Body)
		if !ok {
			t.Fatalf("%v is no packet", r)
		}
		to, _, _ := strings.Cut(m.Header.Get("P2P-Dest"), "@")
		board := min(r.Who, to) + " " + max(r.Who, to)
		for _, s := range open[board] {
			if r.Who == s.asker {
				s.asks = append(s.asks, m.Body)
			} else {
				s.answers = append(s.answers, m.Body)
			}
			if p.Session == s.offer.Session && !p.Control() && !(p.Flags == 0 && p.Total == 4) && p.Offset == uint64(len(s.data)) {
				s.data = append(s.data, p.Data...)
			}
		}
		if p.Session != 0 {
			continue
		}
		key := r.Who + board
		if joiners[key] == nil {
			joiners[key] = new(slp.Joiner)
		}
		text, whole := joiners[key].Join(p, time.Now())
		if !whole {
			continue
		}
		message, err := slp.ParseMessage(text)
		if err != nil {
			t.Fatalf("%v: %v", r, err)
		}
		if o, ok := slp.ParseOffer(message); ok {
			known := false
			for _, s := range open[board] {
				known = known || s.call == message.CallID()
			}
			if known {
				continue
			}
			s := &recorded{line: r.Line, asker: r.Who, owner: to, offer: o, call: message.CallID(), asks: []string{m.Body}}
			open[board] = append(open[board], s)
			found = append(found, s)
		}
		for _, s := range open[board] {
			if message.CallID() == s.call && message.Code() == 603 {
				s.refused = r.Who
			}
		}
	}
	return found
}

// Every session of the recordings is played from both sides: the recorded other side gets, or gives,
// what it did then.
func TestRecordings(t *testing.T) {
	transcript.Run(t, func(t *testing.T, rec transcript.Recording) {
		t.Parallel()
		if !strings.Contains(rec.Path, "libpurple") {
			t.Skip("the packets in it were made up to try a server")
		}
		all := sessions(t, rec)
		if len(all) == 0 {
			t.Skip("this recording holds no session")
		}
		for _, s := range all {
			for name, play := range map[string]func(*testing.T, *recorded){"asking": playAsker, "answering": playOwner} {
				t.Run(fmt.Sprintf("line %d %s", s.line, name), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { play(t, s) })
				})
			}
		}
	}, "../testdata/transcripts")
}

// feed gives a side the packets of the recorded one, and returns the data of the session that it sends.
func feed(t *testing.T, s *side, packets []string, session uint32, between func()) (sent []byte) {
	t.Helper()
	take := func() {
		for {
			packet, ok := s.Next(nil)
			if !ok {
				return
			}
			if p, ok := slp.Parse(string(packet)); ok && p.Session == session && p.Flags&slp.FlagObject != 0 {
				if p.Offset != uint64(len(sent)) {
					t.Errorf("data at %d, want %d", p.Offset, len(sent))
				}
				sent = append(sent, p.Data...)
			}
		}
	}
	take()
	for _, body := range packets {
		if _, ok := s.Receive(body); !ok {
			t.Errorf("%q is not read", body)
		}
		between()
		take()
	}
	s.pass(endTime + ackTime + time.Second)
	take()
	s.pass(endTime + time.Second)
	take()
	return sent
}

// playAsker is the side that has invited.
func playAsker(t *testing.T, s *recorded) {
	me, _ := pair(false)
	me.cfg.Self, me.cfg.Peer = s.asker+"@example.com", s.owner+"@example.com"
	c := &call{mine: true, stack: me.Stack, session: s.offer.Session, at: slp.Call{Self: me.cfg.Self, Peer: me.cfg.Peer, ID: s.call}}
	got, from := new(file), reading(s.data)
	if s.offer.Kind == slp.File {
		info, _ := slp.ParseFile(s.offer.Context)
		c.kind, c.total, c.source = isFile, info.Size, from
	} else {
		o, err := slp.ParseObject(string(s.offer.Context))
		if err != nil {
			t.Fatal(err)
		}
		c.kind, c.app, c.total, c.hash, c.sink = isObject, slp.AppObject, o.Size, o.Hash, got
	}
	me.add(c)
	c.within(decideTime, ErrSilent)
	sent := feed(t, me, s.answers, s.offer.Session, func() {})
	switch {
	case s.offer.Kind == slp.File && s.refused == s.owner:
		over(t, "the file", from, ErrDeclined)
	case s.offer.Kind == slp.File && s.refused == s.asker: // who has taken it back
	case s.offer.Kind == slp.File:
		over(t, "the file", from, nil)
		if !bytes.Equal(sent, s.data) || len(sent) == 0 {
			t.Errorf("%d bytes are sent of %d", len(sent), len(s.data))
		}
	default:
		over(t, "the object", got, nil)
		if !bytes.Equal(got.out.Bytes(), s.data) || got.out.Len() == 0 {
			t.Errorf("%d bytes have come of %d", got.out.Len(), len(s.data))
		}
	}
}

// playOwner is the side that was invited.
func playOwner(t *testing.T, s *recorded) {
	me, _ := pair(false)
	me.cfg.Self, me.cfg.Peer = s.owner+"@example.com", s.asker+"@example.com"
	if o, err := slp.ParseObject(string(s.offer.Context)); err == nil {
		me.objects[o.Hash] = s.data
	}
	got := new(file)
	accepted := false
	sent := feed(t, me, s.asks, s.offer.Session, func() {
		if len(me.offers) > 0 && !accepted {
			accepted = true
			me.offers[0].Accept(got, nil)
		}
	})
	switch {
	case s.offer.Kind == slp.File && s.refused != "":
		// Where the sender takes it back it has not come. Where the receiver has said no, we have said
		// yes, and nothing came.
		if len(got.ended) == 1 && !errors.Is(got.ended[0], ErrCancelled) {
			t.Errorf("ended with %v", got.ended)
		}
	case s.offer.Kind == slp.File:
		over(t, "the file", got, nil)
		if !bytes.Equal(got.out.Bytes(), s.data) || got.out.Len() == 0 {
			t.Errorf("%d bytes have come of %d", got.out.Len(), len(s.data))
		}
	case !bytes.Equal(sent, s.data) || len(sent) == 0:
		t.Errorf("%d bytes are sent of %d", len(sent), len(s.data))
	}
}
