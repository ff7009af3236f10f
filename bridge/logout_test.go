package bridge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/database"
	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
)

// whileTelling has something done once, when a logout tells what became of what waits.
func (b *testBridge) whileTelling(do func()) {
	once := new(sync.Once)
	b.matrix.beforeTexts(func(id.RoomID, string) { once.Do(do) })
	b.matrix.mu.Lock()
	defer b.matrix.mu.Unlock()
	b.matrix.leaves = func(*bridgev2.MessageStatus, *bridgev2.MessageStatusEventInfo) bool {
		once.Do(do)
		return false
	}
}

// What is put in while a logout tells of what waits is refused: stored with the login it would be gone with it, without a word. Should
// the login stay, because it could not be deleted, its next start takes it.
func TestNothingIsStoredThatALogoutWouldNotTellOf(t *testing.T) {
	t.Parallel()
	type part interface {
		Farewell(context.Context)
		Start(context.Context)
		Stop()
	}
	outcome := func(b *testBridge, room id.RoomID, evt id.EventID) error {
		return b.conn.db.Intake.SetOutcome(b.ctx, database.Received{EventID: evt, RoomID: room, Sender: fakeUser, Outcome: database.EventRefused, At: time.Now()})
	}
	for name, test := range map[string]struct {
		part  func(*Client) part
		store func(b *testBridge, c *Client, room id.RoomID, id string) error // as if it had been put in before
		put   func(b *testBridge, c *Client, room id.RoomID, id string) error
	}{
		"a text that is sent again": {
			part: func(c *Client) part { return c.outbox },
			store: func(b *testBridge, c *Client, room id.RoomID, id string) error {
				_, err := b.conn.db.MatrixQueue.Put(b.ctx, textFor(c, room, id))
				return err
			},
			put: func(b *testBridge, c *Client, room id.RoomID, evt string) error {
				if err := outcome(b, room, id.EventID(evt)); err != nil {
					return err
				}
				taken, err := c.outbox.PutAgain(b.ctx, textFor(c, room, evt), database.EventRefused)
				return takenOr(taken, err)
			},
		},
		"a file": {
			part: func(c *Client) part { return c.going },
			store: func(b *testBridge, c *Client, room id.RoomID, id string) error {
				_, err := b.conn.db.FileQueue.Put(b.ctx, fileFor(c, room, id))
				return err
			},
			put: func(b *testBridge, c *Client, room id.RoomID, id string) error {
				return c.going.Put(b.ctx, fileFor(c, room, id))
			},
		},
		"a file that is sent again": {
			part: func(c *Client) part { return c.going },
			store: func(b *testBridge, c *Client, room id.RoomID, id string) error {
				_, err := b.conn.db.FileQueue.Put(b.ctx, fileFor(c, room, id))
				return err
			},
			put: func(b *testBridge, c *Client, room id.RoomID, evt string) error {
				if err := outcome(b, room, id.EventID(evt)); err != nil {
					return err
				}
				taken, err := c.going.PutAgain(b.ctx, fileFor(c, room, evt), database.EventRefused)
				return takenOr(taken, err)
			},
		},
		"a page": {
			part: func(c *Client) part { return c.pager },
			store: func(b *testBridge, c *Client, room id.RoomID, id string) error {
				return b.conn.db.Page.Put(b.ctx, pageFor(c, room, id))
			},
			put: func(b *testBridge, c *Client, room id.RoomID, id string) error {
				return c.pager.Put(b.ctx, pageFor(c, room, id))
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newTestBridge(t, newTestServer(t))
			login := b.login()
			room := b.dm(login, bob)
			client := login.Client.(*Client)
			part := test.part(client)
			login.Client.Disconnect()
			if err := test.store(b, client, room, "$waits"); err != nil {
				t.Fatal(err)
			}
			during := errors.New("nothing was told")
			b.whileTelling(func() { during = test.put(b, client, room, "$during") })
			part.Farewell(b.ctx)
			if !errors.Is(during, msn.ErrClosed) {
				t.Errorf("putting it in while what waits is told of: %v", during)
			}
			if err := test.put(b, client, room, "$after"); !errors.Is(err, msn.ErrClosed) {
				t.Errorf("putting it in after that: %v", err)
			}
			for _, table := range []string{"matrix_queue", "file_queue"} {
				if n := b.rows(table); n != 0 {
					t.Errorf("%s holds %d rows", table, n)
				}
			}
			for _, id := range []string{"$during", "$after"} {
				if page, err := b.conn.db.Page.Get(b.ctx, login.ID, id); err != nil || page != nil {
					t.Errorf("of a page is left %+v, %v", page, err)
				}
			}
			part.Start(b.ctx)
			defer part.Stop()
			if err := test.put(b, client, room, "$later"); err != nil {
				t.Errorf("putting it in after the next start: %v", err)
			}
		})
	}
}

// takenOr makes an error of what was not taken.
func takenOr(taken bool, err error) error {
	if err == nil && !taken {
		return errors.New("it was not taken")
	}
	return err
}

func textFor(c *Client, room id.RoomID, evt string) *database.QueuedEvent {
	return &database.QueuedEvent{LoginID: c.account.Login.ID, EventID: id.EventID(evt), RoomID: room, Sender: fakeUser,
		PortalID: c.account.PortalKey(bob).ID, Body: "hello", WrittenAt: time.Now()}
}

func fileFor(c *Client, room id.RoomID, evt string) *database.QueuedFile {
	return &database.QueuedFile{LoginID: c.account.Login.ID, EventID: id.EventID(evt), RoomID: room, Sender: fakeUser,
		PortalID: c.account.PortalKey(bob).ID, Content: "{}", WrittenAt: time.Now()}
}

func pageFor(c *Client, room id.RoomID, page string) *database.Page {
	now := time.Now()
	return &database.Page{LoginID: c.account.Login.ID, PageID: page, To: bob, Text: "Call me", RoomID: room, EventID: "$asked", Sender: fakeUser,
		State: database.PageSending, WrittenAt: now, UpdatedAt: now}
}

// arrives has texts come from MSN of which the homeserver has none yet.
func (b *testBridge) arrives(login *bridgev2.UserLogin, from string, texts ...string) {
	client := login.Client.(*Client)
	for _, text := range texts {
		client.inbox.Put(b.ctx, &database.QueuedMessage{LoginID: login.ID, MessageID: networkid.MessageID(from + "/" + text), PortalID: client.account.PortalKey(from).ID,
			Sender: from, At: time.Now(), Body: text, GroupSize: 1, Kind: database.QueuedText})
	}
}

// textsIn returns the texts in a room, and what the user is told elsewhere of what had not reached its room.
func (b *testBridge) textsIn(room id.RoomID, from int) (texts, lost []string) {
	b.matrix.mu.Lock()
	defer b.matrix.mu.Unlock()
	for _, r := range b.matrix.records[from:] {
		switch {
		case r.kind == "message" && r.room == room && r.msg == event.MsgText:
			texts = append(texts, r.body)
		case r.kind == "message" && r.room != room && strings.Contains(r.body, "when you logged out"):
			lost = append(lost, r.body)
		}
	}
	return texts, lost
}

func TestWhatHasComeBeforeALogoutIsBroughtToMatrix(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	login.Client.Disconnect()
	var texts []string
	for i := range 100 {
		texts = append(texts, fmt.Sprint("text ", i))
	}
	b.arrives(login, bob, texts...)
	from := b.matrix.position()
	login.Logout(b.ctx)
	if got, lost := b.textsIn(room, from); !slices.Equal(got, texts) || len(lost) != 0 {
		t.Errorf("the room has %q, told is %q", got, lost)
	}
}

// Of what does not get to Matrix in time the user is told, with whom to ask for it.
func TestWhatHasNotReachedItsRoomAtALogoutIsTold(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	management := b.management()
	login.Client.Disconnect()
	b.matrix.mu.Lock()
	b.matrix.maxBody = 1000
	b.matrix.making = func() error { return errors.New("no room for now") }
	b.matrix.mu.Unlock()
	b.arrives(login, bob, strings.Repeat("x", 2000), "short")
	b.arrives(login, carol, "one", "two")
	from := b.matrix.position()
	login.Logout(b.ctx)
	got, lost := b.textsIn(room, from)
	want := "3 messages from Home had not reached their rooms when you logged out, and may be lost: ask Bob Builder (bob@example.com) and carol@example.com to send again what you do not see there."
	if !slices.Equal(got, []string{"short"}) || !slices.Equal(lost, []string{want}) {
		t.Errorf("the room has %q, told is %q", got, lost)
	}
	if told, _ := b.waitMessage(from, "when you logged out"); told.room != management {
		t.Errorf("it is told in %s", told.room)
	}
}

// Who signs in anew while the same account is being logged out is told so, and nobody stays signed in whom no login owns.
func TestSignInAnewInTheMiddleOfALogout(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t)
	b := newTestBridge(t, srv)
	login := b.login()
	b.management()
	login.Client.Disconnect()
	b.matrix.mu.Lock()
	b.matrix.making = func() error { return errors.New("no room for now") }
	b.matrix.mu.Unlock()
	b.arrives(login, carol, "hello")
	asked, answer := make(chan struct{}), make(chan struct{})
	ask := sync.OnceFunc(func() { close(asked) })
	srv.Hook(msntest.For(alice, func(r *msntest.Request) msntest.Action {
		if r.Command.Verb == "USR" {
			ask()
			<-answer
		}
		return msntest.Action{}
	}))
	failed := make(chan error, 1)
	go func() {
		_, err := b.tryLogin(alice, pass)
		failed <- err
	}()
	<-asked
	var err error
	b.whileTelling(func() {
		close(answer)
		err = <-failed
	})
	login.Logout(b.ctx)
	if err == nil || !strings.Contains(err.Error(), "logged out") {
		t.Errorf("who signs in anew is told %v", err)
	}
	if b.br.GetCachedUserLoginByID(login.ID) != nil {
		t.Error("there is a login")
	}
	b.eventually("nobody to be signed in", func() bool { return !srv.Online(alice) })
}

// What comes in the middle of a logout is told of, and not stored with a login that will be gone. One that stays after all brings it.
func TestWhatComesInTheMiddleOfALogoutIsTold(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	client := login.Client.(*Client)
	room := b.dm(login, bob)
	b.management()
	login.Client.Disconnect()
	b.arrives(login, bob, "before")
	from := b.matrix.position()
	b.whileTelling(func() { b.arrives(login, bob, "during") })
	client.LogoutRemote(b.ctx)
	want := "1 message from Home had not reached its room when you logged out, and may be lost: if you do not see it there, ask Bob Builder (bob@example.com) to send it again."
	if got, lost := b.textsIn(room, from); !slices.Equal(got, []string{"before"}) || !slices.Equal(lost, []string{want}) {
		t.Errorf("the room has %q, told is %q", got, lost)
	}
	b.arrives(login, bob, "after")
	if n := b.rows("msn_queue"); n != 0 {
		t.Errorf("%d messages are stored", n)
	}
	client.inbox.Start(b.ctx)
	defer client.inbox.Stop()
	b.waitMessage(from, "after")
	b.arrives(login, bob, "later")
	b.waitMessage(from, "later")
	if got, _ := b.textsIn(room, from); !slices.Equal(got, []string{"before", "during", "after", "later"}) {
		t.Errorf("the room has %q", got)
	}
	client.inbox.Stop()
	b.arrives(login, bob, "while it is stopped")
	if n := b.rows("msn_queue"); n != 1 {
		t.Errorf("%d messages are stored", n)
	}
}
