package msn_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"matrix-msn/msn"
	"matrix-msn/msn/wire"
)

// TestLiveTransfers has the two accounts of a live server ask each other for a picture, and send each
// other files; see TestLiveServer.
func TestLiveTransfers(t *testing.T) {
	cfg, peer := liveConfig(t)
	for _, d := range liveDialects(t, cfg) {
		t.Run(d.String(), func(t *testing.T) {
			if d < wire.FirstObjects || peer.Account == "" {
				t.Skip("pictures and files need MSNP9 and MSN_TEST_PEER")
			}
			cfg.Dialects, peer.Dialects = []wire.Dialect{d}, []wire.Dialect{d}
			a := signIn(t, cfg)
			arrange(t, signIn(t, peer), strings.ToLower(a.Account()), func() *user { return signIn(t, peer) })
			b := signIn(t, peer)
			a.waitPresence(strings.ToLower(b.Account()), msn.Online)
			for _, pair := range [][2]*user{{a, b}, {b, a}} { // an earlier run may have left it otherwise
				if contact, _ := pair[0].Contact(strings.ToLower(pair[1].Account())); !contact.Lists.Has(msn.ListBlock) {
					continue
				}
				if err := pair[0].Allow(t.Context(), strings.ToLower(pair[1].Account())); err != nil {
					t.Fatal(err)
				}
			}
			livePicture(t, a, b)
			began := time.Now()
			for _, pair := range [][2]*user{{a, b}, {b, a}} {
				liveFile(t, pair[0], pair[1])
			}
			t.Logf("two files of 1 MB took %v", time.Since(began))
			liveRefusals(t, a, b)
		})
	}
}

func livePicture(t *testing.T, a, b *user) {
	t.Helper()
	picture := content(5505)
	object, err := b.SetPicture(t.Context(), picture)
	if err != nil {
		t.Fatal(err)
	}
	// Some servers tell of a new picture only with another status.
	for _, status := range []msn.Status{msn.Busy, msn.Online} {
		if err := b.SetStatus(t.Context(), status); err != nil {
			t.Fatal(err)
		}
	}
	seen := wait(a, "the picture", func(e msn.PresenceChanged) bool {
		o, err := msn.ParseObject(e.Contact.Object)
		return err == nil && o.Hash == object.Hash
	})
	o, _ := msn.ParseObject(seen.Contact.Object)
	var got bytes.Buffer
	if err := a.Fetch(t.Context(), strings.ToLower(b.Account()), o, &got, nil); err != nil || !bytes.Equal(got.Bytes(), picture) {
		t.Errorf("picture: %d bytes, %v", got.Len(), err)
	}
}

func liveFile(t *testing.T, from, to *user) {
	t.Helper()
	data := content(1 << 20)
	sent := make(chan error, 1)
	go func() {
		sent <- from.SendFile(t.Context(), strings.ToLower(to.Account()), msn.File{Name: "holiday ♥.bin", Size: uint64(len(data))}, bytes.NewReader(data), nil)
	}()
	offered := wait(to, "the offer", anyOf[msn.FileOffered])
	var got bytes.Buffer
	received := make(chan error, 1)
	go func() { received <- offered.Offer.Accept(t.Context(), &got, nil) }()
	from.say(to.Account(), "meanwhile")
	to.waitText("meanwhile")
	if err := <-received; err != nil || !bytes.Equal(got.Bytes(), data) || offered.Name != "holiday ♥.bin" {
		t.Errorf("%q: %d bytes, %v", offered.Name, got.Len(), err)
	}
	if err := <-sent; err != nil {
		t.Errorf("sent: %v", err)
	}
}

// liveRefusals has files declined, taken back and stopped.
func liveRefusals(t *testing.T, a, b *user) {
	t.Helper()
	send := func() (<-chan error, context.CancelFunc) {
		ctx, cancel := context.WithCancel(t.Context())
		t.Cleanup(cancel)
		sent := make(chan error, 1)
		go func() {
			sent <- a.SendFile(ctx, strings.ToLower(b.Account()), msn.File{Name: "a.bin", Size: 1 << 20}, bytes.NewReader(content(1<<20)), nil)
		}()
		return sent, cancel
	}
	sent, _ := send()
	wait(b, "the offer", anyOf[msn.FileOffered]).Offer.Decline()
	if err := <-sent; !errors.Is(err, msn.ErrDeclined) {
		t.Errorf("declined: %v", err)
	}
	sent, cancel := send()
	offer := wait(b, "the offer", anyOf[msn.FileOffered]).Offer
	cancel()
	<-offer.Ended()
	if err := <-sent; !errors.Is(err, context.Canceled) || !errors.Is(offer.Why(), msn.ErrCancelled) {
		t.Errorf("taken back: %v, %v", err, offer.Why())
	}
	sent, _ = send()
	ctx, stop := context.WithCancel(t.Context())
	err := wait(b, "the offer", anyOf[msn.FileOffered]).Offer.Accept(ctx, io.Discard, func(done uint64) {
		if done > 100_000 {
			stop()
		}
	})
	stop()
	if other := <-sent; !errors.Is(err, context.Canceled) || !errors.Is(other, msn.ErrCancelled) {
		t.Errorf("stopped: %v, %v", err, other)
	}
}
