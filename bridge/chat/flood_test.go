package chat

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"maunium.net/go/mautrix/bridgev2/networkid"
)

// What is too much in a window is told as a number when it ends, less and less often, and also
// when the login is stopped.
func TestFloodsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var said []string
		f := &floods{say: func(_ context.Context, of flooder, more int) {
			mu.Lock()
			defer mu.Unlock()
			said = append(said, fmt.Sprintf("%s %d %d", of.account, of.kind, more))
		}}
		took := func() (got []string) {
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			got, said = said, nil
			return got
		}
		is := func(what string, got []string, want ...string) {
			t.Helper()
			if !slices.Equal(got, want) {
				t.Errorf("%s: told %q, want %q", what, got, want)
			}
		}
		bob, carol := flooder{account: "bob"}, flooder{account: "carol"}
		things := flooder{account: "bob", kind: besidesThing}
		elsewhere := flooder{account: "bob", portal: networkid.PortalKey{ID: "group"}}
		for range 2 {
			if !f.allow(bob, 1) {
				t.Error("the last words of a session that ends are not shown")
			}
		}
		f.Start(t.Context())
		for _, of := range []flooder{bob, carol, things, elsewhere} {
			if !f.allow(of, 1) {
				t.Errorf("the first of %v is not shown", of)
			}
		}
		for range 7 {
			if f.allow(bob, 1) {
				t.Error("a second one is shown")
			}
		}
		time.Sleep(floodWindow - time.Second)
		is("before the end of the window", took())
		time.Sleep(time.Second)
		is("at the end of the window", took(), "bob 0 7")
		if len(f.counts) != 1 {
			t.Errorf("%d are counted on", len(f.counts))
		}
		if !f.allow(carol, 1) || f.allow(bob, 1) {
			t.Error("one who was quiet is not shown, or one who was not is")
		}
		time.Sleep(floodWindow)
		is("in the second window", took())
		time.Sleep(floodWindow)
		is("at the end of the second window", took(), "bob 0 1")
		// Who goes on for a day is told of some thirty times.
		var all int
		for range 24 * 60 {
			f.allow(bob, 1)
			time.Sleep(time.Minute)
			all += len(took())
		}
		if all < 20 || all > 35 {
			t.Errorf("a day is told of %d times", all)
		}
		time.Sleep(2 * maxFloodWindow)
		took()
		if len(f.counts) != 0 || !f.allow(bob, 1) {
			t.Error("who is quiet is not forgotten")
		}
		f.allow(bob, 1)
		f.Stop()
		is("when the login is stopped", took(), "bob 0 1")
		time.Sleep(2 * floodWindow)
		is("afterwards", took())
		// Many people at a time.
		f.Start(t.Context())
		for i := range maxFloods {
			f.allow(flooder{account: fmt.Sprint(i)}, 1)
		}
		if f.allow(flooder{account: "one more"}, 1) || len(f.counts) != maxFloods {
			t.Errorf("%d are counted", len(f.counts))
		}
		f.Stop()
	})
}

func TestSumsOfWhatWasNotShown(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		kind besidesKind
		n    int
		want string
	}{
		{besidesNudge, 1, "Bob sent one more nudge."},
		{besidesNudge, 12, "Bob sent 12 more nudges."},
		{besidesInk, 2, "Bob sent 2 more pictures."},
		{besidesAction, 1, "Bob sent one more line that their Messenger made."},
		{besidesAction, 4, "Bob sent 4 more lines that their Messenger made."},
		{besidesVoice, 1, "Bob sent one more voice clip."},
		{besidesThing, 1, "Bob sent one more thing that the bridge does not carry."},
		{besidesThing, 3, "Bob sent 3 more things that the bridge does not carry."},
	} {
		if got := test.kind.more("Bob", test.n); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}
