package e2e

import (
	"database/sql"
	"maps"
	"slices"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3" // the driver of the bridge's database
	"maunium.net/go/mautrix/event"

	"matrix-msn/e2e/stack"
	"matrix-msn/msn"
)

func TestRestartKeepsRoomsAndGhosts(t *testing.T) {
	t.Parallel()
	c := newFriends(t, restartedBridge)
	survives(c, c.bridge.Stop)
}

func TestKillKeepsRoomsAndGhosts(t *testing.T) {
	t.Parallel()
	c := newFriends(t, killedBridge)
	survives(c, c.bridge.Kill)
}

// What was written while the bridge was away comes as soon as it is back, where the homeserver can be asked for that, and not when the
// homeserver tries again by itself. The test ends before others use the bridge.
func TestWhatWasWrittenMeanwhileComesAtOnce(t *testing.T) {
	needs(t, stack.Pings)
	c := newFriends(t, killedBridge)
	room := c.says("Before, from MSN").RoomID
	if err := c.bridge.Kill(); err != nil {
		t.Fatal(err)
	}
	c.writes(room, "Meanwhile, from Matrix")
	// The homeserver tries it after 2, 6 and 14 seconds.
	lasts(8 * time.Second)
	if err := c.bridge.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	back := time.Now()
	heard := c.hears(0, "what was written meanwhile", stack.HeardText(c.account, "Meanwhile, from Matrix"))
	if took := heard.At.Sub(back); took > 4*time.Second {
		t.Errorf("it came %s after the bridge was back", took)
	}
}

// survives shows that a conversation goes on in its room after the bridge was ended and started, with nothing lost
// and nothing twice.
func survives(c *cast, end func() error) {
	c.t.Helper()
	room := c.says("Before, from MSN").RoomID
	c.sends(room, "Before, from Matrix")
	// The space for the login's rooms is made beside the first of them.
	c.sees(0, "the room in its space", func(s stack.Seen) bool {
		return s.Type == event.StateSpaceChild && s.GetStateKey() == room.String()
	})
	rooms, members := c.rooms(), c.members(room)

	mark := c.bob.Mark()
	if err := end(); err != nil {
		c.t.Fatal(err)
	}
	c.bobSees(mark, msn.Offline)
	c.writes(room, "Meanwhile, from Matrix")
	mark = c.bob.Mark()
	if err := c.bridge.Start(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	c.bobSees(mark, msn.Online)
	if after := c.says("After, from MSN"); after.RoomID != room {
		c.t.Error("a message after the restart came into another room")
	}
	c.hears(0, "what was said meanwhile", stack.HeardText(c.account, "Meanwhile, from Matrix"))
	c.sends(room, "After, from Matrix")

	for _, text := range []string{"Before, from Matrix", "Meanwhile, from Matrix", "After, from Matrix"} {
		c.heardOnce(0, text)
	}
	for _, text := range []string{"Before, from MSN", "After, from MSN"} {
		c.sawOnce(0, text, stack.Text("", "", text))
	}
	if now := c.rooms(); !slices.Equal(now, rooms) {
		c.t.Errorf("Alice was in the rooms %v and is in %v", rooms, now)
	}
	if now := c.members(room); !maps.Equal(now, members) {
		c.t.Errorf("in the room were %v and are %v", members, now)
	}
}

// The bridge is killed when the homeserver has a message from MSN and the bridge's database does not know of it: the
// message is sent again, and is there once.
func TestMessageThatOnlyTheHomeserverHasIsThereOnce(t *testing.T) {
	t.Parallel()
	c := newFriends(t, halfwayBridge)
	c.says("Hello")
	c.says("Once, please")
	db, err := sql.Open("sqlite3", "file:"+c.bridge.Database()+"?_busy_timeout=5000")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	// Alice can see a message before the homeserver has answered the bridge. Killed then, the bridge would have a
	// second message half-way beside the one that is made here, which cannot be: one comes after the other.
	waitForEmptyQueue(t, db)
	if err := c.bridge.Kill(); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`INSERT INTO msn_queue (bridge_id, login_id, message_id, position, portal_id, sender, received_at, body, format, group_size, kind, owner)
			SELECT bridge_id, room_receiver, id, 1, room_id, '` + c.bobAccount + `', timestamp/1000000, 'Once, please', '', 1, 'text', 'killed'
			FROM message ORDER BY rowid DESC LIMIT 1`,
		`DELETE FROM message WHERE id=(SELECT message_id FROM msn_queue)`,
	} {
		if result, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		} else if n, err := result.RowsAffected(); err != nil || n != 1 {
			t.Fatalf("%d rows, %v", n, err)
		}
	}
	mark := c.bob.Mark()
	if err := c.bridge.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.bobSees(mark, msn.Online)
	c.says("And another")
	c.sawOnce(0, "the message", stack.Text("", "", "Once, please"))
	waitForEmptyQueue(t, db)
}

// waitForEmptyQueue waits until a bridge has nothing to bring to Matrix any more, a minute at most.
func waitForEmptyQueue(t *testing.T, db *sql.DB) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for left := 1; left > 0; {
		if err := db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM msn_queue`).Scan(&left); err != nil || time.Now().After(deadline) {
			t.Fatalf("%d messages are left in the queue: %v", left, err)
		}
	}
}
