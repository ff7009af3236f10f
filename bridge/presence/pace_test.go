package presence

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/msn"
)

// All keepers together ask the homeserver ten times a second at most, where a status in a profile
// counts as the two requests that it is; and all come to their turn.
func TestKeepersShareOnePace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const contacts = 100
		var pace Pace
		var ks Keepers
		servers := []*fakeServer{newFakeServer(t), newFakeServer(t)}
		kinds := []Kind{Presence, Profile}
		for i, kind := range kinds {
			ks = append(ks, New(Config{Kind: kind, Homeserver: servers[i], Store: newFakeStore(), Log: zerolog.Nop(), Pace: &pace}))
		}
		if err := ks.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer ks.Stop()
		ks.Begin(home, nil)
		for i := range contacts {
			who := networkid.UserID(fmt.Sprint("home/", i))
			ks.Room(home, who)
			ks.Report(home, who, msn.Contact{Status: msn.Busy})
		}
		time.Sleep(time.Minute)
		var at []time.Time
		for i, server := range servers {
			shown := make(map[networkid.UserID]bool)
			for _, r := range server.take() {
				shown[r.ghost] = true
				for range kinds[i].requests {
					at = append(at, r.at)
				}
			}
			if len(shown) != contacts {
				t.Errorf("of %s %d are shown", kinds[i].name, len(shown))
			}
		}
		slices.SortFunc(at, time.Time.Compare)
		// Two go out at once at the end of a second.
		const most = int(10*time.Second/(100*time.Millisecond)) + 1
		for i := range at[:len(at)-most] {
			if span := at[i+most].Sub(at[i]); span < 10*time.Second {
				t.Fatalf("%d requests go out in %v", most+1, span)
			}
		}
	})
}
