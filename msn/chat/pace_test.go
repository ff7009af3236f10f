package chat

import (
	"testing"
	"testing/synctest"
	"time"
)

// What goes out in a time is what the rate allows, whenever and in whatever pieces it is sent; who has sent nothing for long
// gets nothing ahead for that.
func TestPacketsAreSpreadOverTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p pace
		send := func(d time.Duration) (bytes int) {
			for end := time.Now().Add(d); time.Now().Before(end); {
				if rest := p.rest(); rest > 0 {
					time.Sleep(rest)
					continue
				}
				p.sent(1400)
				bytes += 1400
			}
			return bytes
		}
		ahead := int(paceBurst.Seconds() * packetRate)
		for _, pause := range []time.Duration{0, time.Hour, time.Millisecond} {
			time.Sleep(pause)
			if got := send(10 * time.Second); got < 10*packetRate-ahead || got > 10*packetRate+ahead+2*1400 {
				t.Errorf("after %s %d bytes went in ten seconds", pause, got)
			}
		}
	})
}
