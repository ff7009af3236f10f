package bridge

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/config"
	"matrix-msn/msn/msntest"
)

// world is everything around a bridge, in memory but for the database: it goes on while
// processes of the bridge come and go. It is in a bubble of testing/synctest, and one goroutine
// drives it.
type world struct {
	*testing.T
	network *msntest.Network
	srv     *msntest.Server
	matrix  *fakeMatrix
	trouble trouble
	ledger  *ledger
	b       *testBridge
	rooms   map[string]id.RoomID // by contact, "" for the chat with the bot

	events, txns int
	unpushed     []pushed            // what the homeserver was not answered for, in order
	attempt      []pushed            // what it has tried, and tries again as it was
	unsaid       map[string][]string // by contact, in order
	bots         map[string]*msntest.Bot
}

// contacts are who is written to.
var contacts = []string{bob, carol}

// snapshot is a bridge that was stopped with a login and rooms.
type snapshot struct {
	database    []byte
	rooms       map[string]id.RoomID
	memberships map[id.RoomID]map[id.UserID]event.Membership
	names       map[id.UserID]string
}

var (
	taking sync.Once
	taken  snapshot
)

// newWorld returns a world in which a bridge with a login and rooms was stopped.
func newWorld(t *testing.T, decide func(place, int) verdict) *world {
	w := emptyWorld(t)
	w.trouble.decide = decide
	w.rooms = taken.rooms
	w.matrix.rooms, w.matrix.names = taken.memberships, taken.names
	w.matrix.rooms, w.matrix.names = w.matrix.memberships(), w.matrix.displayNames() // copies
	if err := os.WriteFile(w.b.dbPath, taken.database, 0o600); err != nil {
		t.Fatal(err)
	}
	time.Sleep(24 * time.Hour) // it was stopped in the past
	return w
}

// takeSnapshot makes what worlds begin with. It is to be called outside of a bubble.
func takeSnapshot(t *testing.T) {
	t.Helper()
	taking.Do(func() {
		synctest.Test(t, func(t *testing.T) {
			w := emptyWorld(t)
			w.start()
			login, err := w.b.tryLogin(alice, pass)
			if err != nil {
				t.Fatal(err)
			}
			taken.rooms = map[string]id.RoomID{"": w.b.management()}
			for _, contact := range contacts {
				taken.rooms[contact] = w.b.dm(login, contact)
			}
			synctest.Wait()
			w.b.stop()
			taken.memberships, taken.names = w.matrix.memberships(), w.matrix.displayNames()
			if taken.database, err = os.ReadFile(w.b.dbPath); err != nil {
				t.Fatal(err)
			}
		})
	})
	if taken.database == nil {
		t.Fatal("there is no bridge to begin with")
	}
}

func emptyWorld(t *testing.T) *world {
	network := msntest.NewNetwork()
	w := &world{
		T: t, network: network, srv: newTestServer(t, msntest.WithNetwork(network)), matrix: newFakeMatrix(), ledger: newLedger(),
		unsaid: make(map[string][]string), bots: make(map[string]*msntest.Bot),
	}
	w.srv.Befriend(alice, carol)
	w.srv.Hook(msntest.For(alice, func(r *msntest.Request) msntest.Action {
		if r.Command.Verb == "" {
			return msntest.Action{}
		}
		switch w.trouble.verdict(atService) {
		case fails:
			return msntest.Drop()
		case unheard:
			return msntest.DropAfter()
		}
		return msntest.Action{}
	}))
	w.b = &testBridge{T: t, srv: w.srv, dbPath: filepath.Join(databaseDir(t), "bridge.db"), config: func(c *config.Config) {
		home := c.Services["home"]
		home.Dialects = []string{"MSNP7"} // the last without HTTPS, which needs sockets
		c.Services["home"] = home
	}}
	return w
}

// start starts a process of the bridge. Nothing goes wrong before it has started: it would end
// again, with a sentence.
func (w *world) start() {
	armed := w.trouble.arm(false)
	w.b.process = &process{world: w}
	w.b.start()
	w.trouble.arm(armed)
}

// restart ends the process, if it has not ended itself, and starts another one.
func (w *world) restart() {
	if !w.b.process.awaitStop() {
		w.b.stop()
	}
	w.start()
}

// online has a contact sign in, or out.
func (w *world) online(contact string, online bool) {
	if bot := w.bots[contact]; bot != nil {
		bot.SignOut()
		delete(w.bots, contact)
	}
	if online {
		w.bots[contact] = w.srv.Play(contact, msntest.Script{
			Text: func(_ *msntest.Chat, _, text string) { w.ledger.arrives(contact, text) },
		})
	}
}

// writes has the user write something to a contact, or to the bot.
func (w *world) writes(to, text string, content map[string]any, entry *written) *written {
	w.events++
	evt := said(fmt.Sprint("$w", w.events), w.rooms[to], text)
	for name, value := range content {
		evt["content"].(map[string]any)[name] = value
	}
	entry.evt, entry.room, entry.to, entry.text = id.EventID(fmt.Sprint("$w", w.events)), w.rooms[to], to, text
	w.ledger.writes(entry)
	w.unpushed = append(w.unpushed, evt)
	return entry
}

func (w *world) text(to, text string) *written { return w.writes(to, text, nil, &written{}) }

func (w *world) edit(of *written, text string) *written {
	return w.writes(of.to, text, map[string]any{
		"body": "* " + text, "m.new_content": map[string]any{"msgtype": "m.text", "body": text},
		"m.relates_to": map[string]any{"rel_type": "m.replace", "event_id": of.evt},
	}, &written{edits: of})
}

// invite has the user give a command that has an effect at the service.
func (w *world) invite(address string) {
	w.writes("", "!invite "+address, nil, &written{effect: func() (times int) {
		for _, mail := range w.srv.Invitations() {
			if mail.To == address {
				times++
			}
		}
		return times
	}})
}

func (w *world) delete(of *written) {
	w.events++
	of.deleted = true
	w.unpushed = append(w.unpushed, pushed{
		"event_id": fmt.Sprint("$w", w.events), "room_id": of.room, "type": "m.room.redaction", "sender": fakeUser, "redacts": of.evt,
		"origin_server_ts": time.Now().UnixMilli(), "content": map[string]any{"redacts": of.evt},
	})
}

// push is the homeserver that hands over what the user wrote, and repeats it until it is
// answered.
func (w *world) push() {
	if w.b.process.hasEnded() {
		return
	}
	if w.attempt == nil {
		if len(w.unpushed) == 0 {
			return
		}
		w.txns++
		w.attempt = slices.Clone(w.unpushed)
	}
	if w.b.push(&framework{}, fmt.Sprint("t", w.txns), w.attempt...) != http.StatusOK || w.b.process.isDead() {
		return
	}
	w.unpushed, w.attempt = w.unpushed[len(w.attempt):], nil
}

// say has contacts say what they have to say, as far as the service takes it.
func (w *world) say() {
	for _, contact := range contacts {
		for len(w.unsaid[contact]) > 0 && w.bots[contact] != nil {
			s := &utterance{from: contact, text: w.unsaid[contact][0], room: w.rooms[contact], harms: w.trouble.sofar().harms, broken: w.b.process.hasBroken()}
			ctx, cancel := context.WithTimeout(w.Context(), 10*time.Second)
			err := w.bots[contact].Say(ctx, alice, s.text)
			cancel()
			if err != nil {
				break
			}
			w.ledger.says(s)
			w.unsaid[contact] = w.unsaid[contact][1:]
			w.rest() // the next one may be said in another conversation, and MSN keeps no order between two
		}
	}
}

// rest waits until everybody waits for something, and notes which texts of contacts are safe.
func (w *world) rest() {
	synctest.Wait()
	if w.b.process.hasEnded() {
		return
	}
	var stored []string
	rows, err := w.b.br.DB.RawDB.QueryContext(w.Context(), "SELECT body FROM msn_queue")
	if err == nil {
		for rows.Next() {
			var text string
			_ = rows.Scan(&text)
			stored = append(stored, text)
		}
		_ = rows.Close()
	}
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	for _, s := range w.ledger.said {
		if !s.safe {
			s.safe = slices.Contains(stored, s.text) || len(w.matrix.all(func(r record) bool { return r.kind == "message" && r.room == s.room && r.body == s.text })) > 0
		}
	}
}

// pass lets time pass.
func (w *world) pass(how time.Duration) {
	const step = 5 * time.Second
	for range how / step {
		w.push()
		w.say()
		w.rest()
		time.Sleep(step)
	}
}

// end puts everything right, starts the bridge anew, and holds the ledger against what is.
func (w *world) end() {
	w.trouble.arm(false)
	for _, contact := range contacts {
		if w.bots[contact] == nil {
			w.online(contact, true)
		}
	}
	w.pass(time.Minute)
	w.restart()
	w.pass(10 * time.Minute)
	wrong := w.ledger.check(w.matrix.all(func(record) bool { return true }), w.trouble.sofar())
	for _, table := range []string{"matrix_queue", "msn_queue", "intake WHERE state<>'finished'"} {
		var left int
		if err := w.b.br.DB.RawDB.QueryRowContext(w.Context(), "SELECT COUNT(*) FROM "+table).Scan(&left); err != nil || left > 0 {
			wrong = append(wrong, fmt.Sprintf("in %s are left %d, %v", table, left, err))
		}
	}
	if len(w.unpushed) > 0 || len(w.unsaid[bob])+len(w.unsaid[carol]) > 0 {
		wrong = append(wrong, fmt.Sprintf("the bridge did not take %v, %v", w.unpushed, w.unsaid))
	}
	w.b.stop()
	for _, sentence := range wrong {
		w.Error(sentence)
	}
	if len(wrong) > 0 {
		w.Log(w.story())
	}
}

// story is what Matrix saw.
func (w *world) story() string {
	var b strings.Builder
	for _, r := range w.matrix.all(func(record) bool { return true }) {
		fmt.Fprintf(&b, "%s %s %s %s %q %q %s\n", r.kind, r.room, r.sender, r.answer, r.body, r.html, r.status)
	}
	for contact, texts := range w.ledger.arrived {
		fmt.Fprintf(&b, "%s got %q\n", contact, texts)
	}
	return b.String()
}
