package p2p

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/slp"
)

// FuzzVersion1 and FuzzVersion2 give a Stack, in which each kind of transfer is under way, packets of the
// other side's as they come: script says which, and what of them is spoilt.
func FuzzVersion1(f *testing.F) { fuzzStack(f, false) }

func FuzzVersion2(f *testing.F) { fuzzStack(f, true) }

func fuzzStack(f *testing.F, later bool) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0}, "")
	f.Add([]byte{1, 1, 1, 2, 9, 200, 3, 40, 1, 5, 1, 1, 1, 1}, "\x00\x00\x00\x00")
	f.Add([]byte{0, 0, 0, 8, 8, 8, 1, 1, 1, 8}, slp.Packet{Session: 5, Total: 1 << 63, Offset: 1<<63 - 1, Data: "x"}.Body())
	f.Add([]byte{0, 0, 8, 0}, slp.Packet2{Payload: true, Kind: slp.FirstOfMessage | slp.DataFile, Session: 7, Remaining: 1<<64 - 1, Data: "x"}.Body())
	f.Fuzz(func(t *testing.T, script []byte, packet string) {
		synctest.Test(t, func(t *testing.T) { playFuzz(t, later, script, packet) })
	})
}

// maxScript bounds a script, so that each run stays short.
const maxScript = 400

func playFuzz(t *testing.T, later bool, script []byte, packet string) {
	alice, bob := pair(later)
	const size = 5000
	picture, sent, taken := new(file), reading(content(size)), new(file)
	data := content(size)
	bob.objects[slp.NewObject(bob.name, slp.ObjectPicture, data).Hash] = data
	alice.Fetch(slp.NewObject(bob.name, slp.ObjectPicture, data), picture, nil)
	alice.Send(slp.FileInfo{Name: "a", Size: size}, sent, nil)
	bob.Send(slp.FileInfo{Name: "b", Size: size}, reading(content(size)), nil)
	random := rand.New(rand.NewPCG(1, 2))
	accepted := false
	for i, op := range script[:min(len(script), maxScript)] {
		var come [][]byte
		if p, ok := alice.Next(nil); ok && op != 7 {
			bob.Receive(string(p))
		}
		if p, ok := bob.Next(nil); ok {
			come = append(come, p)
		}
		switch {
		case op == 1 && len(come) > 0: // twice
			come = append(come, come[0])
		case op == 2: // not at all
			come = nil
		case op == 3: // behind the next one
			if p, ok := bob.Next(nil); ok {
				come = append([][]byte{p}, come...)
			}
		case op == 8:
			come = append(come, []byte(packet))
		case op > 8 && len(come) > 0: // another byte
			at := int(op) % len(come[0])
			come[0][at] ^= script[(i+1)%len(script)]
		case op == 4 && len(alice.offers) > 0 && !accepted:
			_, accepted = alice.offers[0].Accept(taken, nil)
		case op == 5 && len(bob.offers) > 0:
			bob.offers[0].Accept(new(file), nil)
		case op == 6:
			alice.pass(time.Duration(random.IntN(60)) * time.Second)
		}
		for _, p := range come {
			alice.Receive(string(p))
		}
		if len(alice.control) > maxControl+perCall*maxCalls || len(alice.acks) > maxAcks || len(alice.calls) > maxCalls || len(alice.flying) > maxControl {
			t.Fatalf("%d control, %d calls, %d flying", len(alice.control), len(alice.calls), len(alice.flying))
		}
	}
	for range 12 { // in the end all is over
		for p, ok := alice.Next(nil); ok; p, ok = alice.Next(nil) {
			_ = p
		}
		alice.pass(2 * decideTime)
	}
	for what, f := range map[string]*file{"the picture": picture, "the file that is sent": sent} {
		if len(f.ended) != 1 {
			t.Errorf("%s: it has ended %v", what, f.ended)
		}
	}
	if accepted && len(taken.ended) != 1 {
		t.Errorf("the file that comes has ended %v", taken.ended)
	}
	if picture.out.Len() > size || taken.out.Len() > size {
		t.Errorf("%d and %d bytes were taken of %d", picture.out.Len(), taken.out.Len(), size)
	}
	if len(picture.ended) == 1 && picture.ended[0] == nil && picture.out.String() != string(data) {
		t.Error("another picture is taken for it")
	}
	alice.End(nil)
	bob.End(nil)
	alice.owner.Unlock()
	time.Sleep(time.Hour)
	synctest.Wait()
	alice.owner.Lock()
}
