package chat

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFlight()
		for trid := range uint32(minPackets) {
			if !f.room() {
				t.Fatalf("no room after %d packets", trid)
			}
			f.sent(trid)
		}
		if f.room() || f.empty() {
			t.Error("there is room in a window that is full")
		}
		time.Sleep(packetTime - time.Second)
		f.sent(7) // does not begin the time anew
		if rest := f.rest(); rest != time.Second {
			t.Errorf("the server has %v left", rest)
		}
		if !f.answered(0) || f.answered(0) || f.answered(99) {
			t.Error("a packet is answered once, and nothing else is")
		}
		if rest := f.rest(); rest != packetTime {
			t.Errorf("after an answer the server has %v", rest)
		}
		f.giveUp()
		if !f.room() || !f.empty() || f.answered(1) {
			t.Error("what was given up is still waited for")
		}
	})
}
