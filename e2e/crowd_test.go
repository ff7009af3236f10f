package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/e2e/stack"
	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
)

// crowd is what things go wrong for: Alice on Matrix with a room for each of three friends on MSN, one of them
// encrypted, and one for all of them; on a homeserver, a bridge and a service of its own, with lines between them.
type crowd struct {
	t       *testing.T
	dir     string
	parts   *stack.Stack
	bridge  *stack.Bridge
	options stack.MSNOptions

	mu      sync.Mutex
	service *stack.MSN

	// The lines from the homeserver to the bridge and back, and from the bridge to the service.
	toBridge, toHomeserver, toService *line

	alice   *stack.User
	account string
	friends []*friend
	lanes   []*lane
}

// friend is somebody on MSN, who signs in again when the service was away.
type friend struct {
	account, name string

	mu  sync.Mutex
	all []*stack.Person // the last is the one who is signed in
}

// lane is a room, with those on MSN who hear what Alice writes there, the first of whom answers.
type lane struct {
	name    string
	room    id.RoomID
	ghost   id.UserID
	hearers []*friend
	say     func(ctx context.Context, text string) error
	several bool // the service acknowledges a text when anybody was there for it, which need not be Alice
}

// callEvery is the time between two attempts to call Alice into a conversation of several people.
const callEvery = 4 * time.Second

// crowdOptions change the bridge and the service of a crowd.
type crowdOptions struct {
	id       string
	settings map[string]any
	records  msntest.Option // of the service, if not nil
}

// newCrowd starts everything.
func newCrowd(t *testing.T, opts crowdOptions) *crowd {
	t.Helper()
	dir := filepath.Join(scratch, "stack of "+opts.id)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	fixed, err := fixedServer()
	if err != nil {
		t.Fatal(err)
	}
	c := &crowd{t: t, dir: dir, account: "alice@example.com"}
	c.toService = newLine(t, 0, "")
	c.options = stack.MSNOptions{
		Key: "crowd", Name: "Crowd MSN", Dir: scratch,
		// A connection in which nothing comes is noticed as soon as the client can.
		Server:   append(fixed, msntest.WithQNG(1)),
		Settings: map[string]any{"proxy": c.toService.url(), "hosts": []string{"127.0.0.1"}},
	}
	if opts.records != nil {
		c.options.Server = append(c.options.Server, opts.records)
	}
	if c.service, err = stack.StartMSN(t.Context(), c.options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.at().Close() })
	ports, err := stack.FreePorts(4)
	if err != nil {
		t.Fatal(err)
	}
	c.toBridge = newLine(t, ports[0], fmt.Sprintf("127.0.0.1:%d", ports[1]))
	c.toHomeserver = newLine(t, ports[2], fmt.Sprintf("127.0.0.1:%d", ports[3]))
	settings := stack.Services(c.service)
	settings["appservice.address"] = c.toBridge.url()
	settings["homeserver.address"] = c.toHomeserver.url()
	settings["encryption.allow"] = true
	for key, value := range opts.settings {
		settings[key] = value
	}
	c.parts, err = stack.Start(t.Context(), stack.Options{
		Dir: dir, Homeserver: homeserver, Binary: bridgeBinary, Port: ports[3], Durable: true,
		Bridges: []stack.BridgeOptions{{ID: opts.id, Port: ports[1], Settings: settings}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.parts.Stop(); err != nil {
			t.Error(err)
		}
	})
	c.bridge = c.parts.Bridges[0]
	for _, name := range []string{"Bob", "Carol", "Dave"} {
		c.friends = append(c.friends, &friend{account: strings.ToLower(name) + "@example.com", name: name})
	}
	return c
}

// at returns the service, which a fault may replace.
func (c *crowd) at() *stack.MSN {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.service
}

// gather makes the accounts, signs all in, and makes the rooms.
func (c *crowd) gather() {
	c.t.Helper()
	c.addAccounts()
	var err error
	c.alice, err = c.parts.Homeserver.NewUser(c.t.Context(), "alice", stack.Prepared(encrypting(c.t, filepath.Join(c.dir, c.account+".db"))))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(c.alice.Close)
	management, err := c.alice.OpenChat(c.t.Context(), c.bridge.Bot())
	if err != nil {
		c.t.Fatal(err)
	}
	dialog, err := c.alice.LogIn(c.t.Context(), management, c.bridge.Bot(), c.at().Key(), c.account, password)
	if err != nil {
		c.t.Fatal(err)
	}
	if !dialog.LoggedIn() {
		c.t.Fatalf("the bot has refused the login: %s", dialog.Answer.Content.AsMessage().Body)
	}
	c.friendsCome()
	bob, carol, dave := c.friends[0], c.friends[1], c.friends[2]
	for _, f := range []*friend{bob, carol} {
		c.lanes = append(c.lanes, c.newLane(f, f.name, f.sayTo(c.account), f))
	}
	encrypted := c.encryptedRoom(dave)
	c.lanes = append(c.lanes, &lane{name: "Dave, encrypted", room: encrypted, ghost: c.ghostOf(dave), hearers: []*friend{dave}, say: dave.sayTo(c.account)})
	if *faultRounds <= 1 {
		return // whoever is thrown out of a group waits to be called again, which can take long
	}
	// Services take somebody who calls others all the time for a machine (713).
	var failed error
	var calm time.Time
	group := c.newLane(bob, "All", func(ctx context.Context, text string) error {
		if time.Now().Before(calm) {
			return failed
		}
		if !c.at().Online(c.account) {
			return msn.ErrOffline
		}
		all := bob.now().Client.GroupChat("all", c.account, carol.account, dave.account)
		// Who is thrown out of a conversation of several people comes back when somebody calls them.
		if failed = all.Invite(ctx, c.account); failed != nil {
			calm = time.Now().Add(callEvery)
			return failed
		}
		return all.SendText(ctx, text, "")
	}, bob, carol, dave)
	group.several = true
	c.lanes = append(c.lanes, group)
}

// newLane makes a lane by something that the friend says.
func (c *crowd) newLane(f *friend, name string, say func(context.Context, string) error, hearers ...*friend) *lane {
	c.t.Helper()
	l := &lane{name: name, ghost: c.ghostOf(f), hearers: hearers, say: say}
	mark := c.alice.Mark()
	text := "Hello, " + name
	if err := say(c.t.Context(), text); err != nil {
		c.t.Fatal(err)
	}
	l.room = c.sees(mark, text, stack.Text("", l.ghost, text)).RoomID
	return l
}

// encryptedRoom has Alice make an encrypted chat with a friend's ghost.
func (c *crowd) encryptedRoom(f *friend) id.RoomID {
	c.t.Helper()
	created, err := c.alice.Client.CreateRoom(c.t.Context(), encryptedChat(c.ghostOf(f)))
	if err != nil {
		c.t.Fatal(err)
	}
	c.sees(0, f.name+" joining", stack.Member(created.RoomID, c.ghostOf(f), event.MembershipJoin))
	c.sees(0, "the bridge being ready for it", readyRoom(created.RoomID))
	return created.RoomID
}

// addAccounts makes the accounts, which all know each other.
func (c *crowd) addAccounts() {
	service := c.at()
	service.AddPerson(c.account, password, "Alice")
	for i, f := range c.friends {
		service.AddPerson(f.account, password, f.name)
		service.Befriend(c.account, f.account)
		for _, other := range c.friends[:i] {
			service.Befriend(other.account, f.account)
		}
	}
}

// friendsCome signs the friends in.
func (c *crowd) friendsCome() {
	c.t.Helper()
	for _, f := range c.friends {
		person, err := c.at().SignIn(c.t.Context(), f.account, password)
		if err != nil {
			c.t.Fatal(err)
		}
		c.t.Cleanup(func() { _ = person.Close() })
		f.mu.Lock()
		f.all = append(f.all, person)
		f.mu.Unlock()
	}
}

// online waits until the friends see Alice online.
func (c *crowd) online(since []stack.Mark) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), comesBack)
	defer cancel()
	for i, f := range c.friends {
		if _, err := f.now().WaitEventAfter(ctx, since[i], "Alice online", stack.HeardStatus(c.account, msn.Online)); err != nil {
			c.t.Fatalf("%v\nthe bridge's log ends with\n%s", err, c.bridge.Log())
		}
	}
}

// marks are the places of the friends.
func (c *crowd) marks() (marks []stack.Mark) {
	for _, f := range c.friends {
		marks = append(marks, f.now().Mark())
	}
	return marks
}

func (c *crowd) ghostOf(f *friend) id.UserID { return c.bridge.Ghost(c.at().RemoteID(f.account)) }

// sees waits for what Alice sees after mark.
func (c *crowd) sees(mark stack.Mark, what string, match stack.Match) stack.Seen {
	c.t.Helper()
	seen, err := c.alice.WaitEventAfter(c.t.Context(), mark, what, match)
	if err != nil {
		c.t.Fatalf("%v\nthe bridge's log ends with\n%s", err, c.bridge.Log())
	}
	return seen
}

// now returns the friend's client.
func (f *friend) now() *stack.Person {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.all[len(f.all)-1]
}

// sayTo returns how the friend says something to somebody.
func (f *friend) sayTo(account string) func(context.Context, string) error {
	return func(ctx context.Context, text string) error { return f.now().Say(ctx, account, text) }
}

// heard returns all texts that have ever come to the friend, in order.
func (f *friend) heard() (texts []string) {
	f.mu.Lock()
	all := slices.Clone(f.all)
	f.mu.Unlock()
	for _, person := range all {
		person.Count(0, func(h stack.Heard) bool {
			if message, ok := h.Event.(msn.TextReceived); ok {
				texts = append(texts, message.Text)
			}
			return false
		})
	}
	return texts
}
