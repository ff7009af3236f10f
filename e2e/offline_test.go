package e2e

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"matrix-msn/e2e/stack"
	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
)

// What is written for those who are offline is kept by the service, both ways, and comes once: also when the bridge
// is killed after Matrix has a message and before the service was told to remove it.
func TestOfflineMessagesBothWaysOverAKill(t *testing.T) {
	t.Parallel()
	c := newFriendsAt(t, modernBridge, modern)
	room := c.says("Hi Alice!").RoomID
	if err := c.bob.Close(); err != nil {
		t.Fatal(err)
	}

	// From Matrix to Bob, who is offline.
	mark := c.alice.Mark()
	c.writes(room, "Read this when you are back")
	c.sees(mark, "that it is left with the service", stack.Notice(room, "", "Your message is left with"))
	if kept := modern.OfflineMessages(c.bobAccount); len(kept) != 1 || kept[0].Text != "Read this when you are back" {
		t.Fatalf("the service keeps %+v", kept)
	}

	// From Bob to Alice, while the bridge is down. Nothing is removed until the bridge was killed, which is when it
	// asks for the second message to be: it has noted then that Matrix has both.
	if err := c.bridge.Kill(); err != nil {
		t.Fatal(err)
	}
	written := time.Now().Add(-time.Hour).Truncate(time.Second)
	for i, text := range []string{"First, an hour ago", "Then, a minute later"} {
		modern.PutOffline(c.account, msntest.OfflineMessage{
			From: c.bobAccount, FromName: c.bobName, Text: text, At: written.Add(time.Duration(i) * time.Minute), Number: i + 1,
		})
	}
	kept := modern.OfflineMessages(c.account)
	if len(kept) != 2 {
		t.Fatalf("the service keeps %+v", kept)
	}
	var let atomic.Bool
	asked := make(chan struct{}, 10)
	t.Cleanup(modern.Hook(func(r *msntest.Request) msntest.Action {
		if r.Operation != "DeleteMessages" || r.Account != c.account || let.Load() {
			return msntest.Action{}
		}
		if body, err := io.ReadAll(r.HTTP.Body); err != nil || !strings.Contains(string(body), kept[1].ID) {
			return msntest.Respond(http.StatusServiceUnavailable, nil, "later")
		}
		asked <- struct{}{}
		return msntest.Hang()
	}))
	mark = c.alice.Mark()
	if err := c.bridge.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, text := range []string{"First, an hour ago", "Then, a minute later"} {
		seen := c.sees(mark, text, stack.Text(room, c.ghost, text))
		if at, want := time.UnixMilli(seen.Timestamp), written.Add(time.Duration(i)*time.Minute); at.Sub(want).Abs() > time.Second {
			t.Errorf("%q is of %s, want %s", text, at, want)
		}
	}
	<-asked
	if kept := modern.OfflineMessages(c.account); len(kept) != 2 {
		t.Fatalf("the service keeps %+v", kept)
	}
	if err := c.bridge.Kill(); err != nil {
		t.Fatal(err)
	}
	let.Store(true)
	if err := c.bridge.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.bobComes()
	c.hears(0, "Alice being online", stack.HeardStatus(c.account, msn.Online))
	c.sends(room, "Back again")
	c.forgotten()
	for _, text := range []string{"First, an hour ago", "Then, a minute later"} {
		c.sawOnce(0, text, stack.Text("", "", text))
	}
	if texts := c.seenTexts(mark, room); len(texts) != 2 || texts[0] != "First, an hour ago" {
		t.Errorf("in the room came %q", texts)
	}
	c.hears(0, "what was kept for Bob", func(h stack.Heard) bool {
		kept, ok := h.Event.(msn.OfflineReceived)
		return ok && kept.From == c.account && kept.Text == "Read this when you are back"
	})
}

// forgotten waits until the service keeps no more messages for Alice.
func (c *cast) forgotten() {
	c.t.Helper()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for begun := time.Now(); len(c.service.OfflineMessages(c.account)) > 0; <-look.C {
		if time.Since(begun) > stack.DefaultWait {
			c.t.Fatalf("the service still keeps %+v", c.service.OfflineMessages(c.account))
		}
	}
}
