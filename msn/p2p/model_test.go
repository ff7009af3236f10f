package p2p

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/slp"
)

// A line that cuts, repeats, swaps, drops and spoils packets. What arrives is whole, or said not to
// have arrived; nothing is left behind, and no more is kept than the limits say.
func TestTransfersOverABadLine(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		for _, later := range []bool{false, true} {
			t.Run(fmt.Sprintf("seed %d version 2 %t", seed, later), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { badLine(t, seed, later) })
			})
		}
	}
}

// attempt is one transfer and what is known of it.
type attempt struct {
	data []byte
	to   *file
	from *file // nil for an object
}

func badLine(t *testing.T, seed uint64, later bool) {
	random := rand.New(rand.NewPCG(seed, 1))
	alice, bob := pair(later)
	bad := []float64{0, 0.002, 0.02, 0.3}[seed%4]
	var attempts []*attempt
	accepted := make(map[*side]int)
	begin := func(from, to *side) {
		a := &attempt{data: content(random.IntN(20_000)), to: new(file)}
		switch random.IntN(3) {
		case 0:
			o := slp.NewObject(to.name, slp.ObjectPicture, a.data)
			if random.IntN(5) > 0 {
				to.objects[o.Hash] = a.data
			}
			from.Fetch(o, a.to, nil)
		default:
			a.from = reading(a.data)
			transfer := from.Send(slp.FileInfo{Name: fmt.Sprint(len(attempts)), Size: uint64(len(a.data))}, a.from, nil)
			if random.IntN(8) == 0 {
				transfer.Stop()
			}
		}
		attempts = append(attempts, a)
	}
	carry := func(from, to *side) bool {
		packet, ok := from.Next(nil)
		if !ok {
			return false
		}
		packets := [][]byte{packet}
		if random.Float64() < bad {
			switch random.IntN(5) {
			case 0:
				packets = nil
			case 1:
				packets = append(packets, packet)
			case 2:
				if next, ok := from.Next(nil); ok {
					packets = [][]byte{next, packet}
				}
			case 3:
				packets[0] = packet[:random.IntN(len(packet))]
			default:
				packet[random.IntN(len(packet))] ^= byte(1 + random.IntN(255))
			}
		}
		for _, p := range packets {
			to.Receive(string(p))
		}
		return true
	}
	for range 400 {
		if random.IntN(20) == 0 {
			begin(alice, bob)
		}
		if random.IntN(20) == 0 {
			begin(bob, alice)
		}
		for _, s := range []*side{alice, bob} {
			for _, o := range s.offers[accepted[s]:] {
				accepted[s]++
				n := 0
				_, _ = fmt.Sscan(o.Name, &n)
				switch {
				case n >= len(attempts) || attempts[n].from == nil || len(attempts[n].to.ended) > 0 || attempts[n].to.out.Len() > 0 || random.IntN(6) == 0:
					o.Decline()
				default:
					o.Accept(attempts[n].to, nil)
				}
			}
		}
		for range random.IntN(12) {
			carry(alice, bob)
			carry(bob, alice)
		}
		if random.IntN(200) == 0 {
			alice.Stop(ErrStopped) // all of it
		}
		if random.IntN(50) == 0 {
			alice.pass(time.Duration(random.IntN(20)) * time.Second)
		}
	}
	for range 40 {
		for carry(alice, bob) || carry(bob, alice) {
		}
		alice.pass(20 * time.Second)
	}
	for n, a := range attempts {
		if a.from != nil && len(a.from.ended) != 1 {
			t.Errorf("%d: the sender was told %v", n, a.from.ended)
		}
		if a.from == nil && len(a.to.ended) != 1 {
			t.Errorf("%d: who asked was told %v", n, a.to.ended)
		}
		if len(a.to.ended) > 1 {
			t.Errorf("%d: the receiver was told %v", n, a.to.ended)
		}
		if len(a.to.ended) == 1 && a.to.ended[0] == nil && a.from == nil && !bytes.Equal(a.to.out.Bytes(), a.data) {
			t.Errorf("%d: another object has come", n)
		}
		if len(a.to.ended) == 1 && a.to.ended[0] == nil && a.to.out.Len() != len(a.data) {
			t.Errorf("%d: %d bytes of %d have come and were said to be all", n, a.to.out.Len(), len(a.data))
		}
		if bad == 0 && a.from != nil && a.from.ended[0] == nil && !bytes.Equal(a.to.out.Bytes(), a.data) {
			t.Errorf("%d: over a good line the file is not what was sent", n)
		}
	}
	for _, s := range []*side{alice, bob} {
		if len(s.calls)+len(s.data)+len(s.control)+len(s.acks) > 0 || len(s.flying) > maxControl || len(s.ended) > maxEnded {
			t.Errorf("%s has left %d calls, %d data, %d flying, %d ended", s.name, len(s.calls), len(s.data), len(s.flying), len(s.ended))
		}
	}
}
