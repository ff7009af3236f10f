package database

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestPositionsGrowWhileTheClockStandsStill(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // where it does
		var p positions
		first := p.next()
		if second := p.next(); first != time.Now().UnixNano() || second != first+1 {
			t.Errorf("%d after %d", second, first)
		}
		time.Sleep(time.Second)
		if third := p.next(); third != time.Now().UnixNano() {
			t.Errorf("a second later %d", third)
		}
	})
}
