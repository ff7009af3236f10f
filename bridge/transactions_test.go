package bridge

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/simplevent"
	"maunium.net/go/mautrix/bridgev2/status"
	"maunium.net/go/mautrix/id"

	"matrix-msn/database"
)

// pushed is an event as the homeserver pushes it.
type pushed map[string]any

func said(evt string, room id.RoomID, text string) pushed {
	return pushed{"event_id": evt, "room_id": room, "type": "m.room.message", "sender": fakeUser, "origin_server_ts": time.Now().UnixMilli(),
		"content": map[string]any{"msgtype": "m.text", "body": text}}
}

// framework stands for the framework's own handler, and keeps what it is given.
type framework struct {
	mu     sync.Mutex
	events []string
	paths  map[string]bool
}

func (f *framework) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var txn struct {
		Events []struct {
			ID string `json:"event_id"`
		} `json:"events"`
	}
	_ = json.Unmarshal(body, &txn)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.paths == nil {
		f.paths = make(map[string]bool)
	}
	if f.paths[r.URL.Path] {
		return // as the framework does with an ID that it has seen
	}
	f.paths[r.URL.Path] = true
	for _, evt := range txn.Events {
		f.events = append(f.events, evt.ID)
	}
	fmt.Fprint(w, "{}")
}

func (f *framework) got() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.events, " ")
}

// push hands the bridge a transaction and returns the answer.
func (b *testBridge) push(f *framework, txn string, events ...pushed) int {
	b.Helper()
	body, err := json.Marshal(map[string]any{"events": events})
	if err != nil {
		b.Fatal(err)
	}
	return b.pushBody(f, txn, body)
}

func (b *testBridge) pushBody(f *framework, txn string, body []byte) int {
	w := httptest.NewRecorder()
	b.conn.Receive(f, func(r *http.Request) bool { return r.Header.Get("Authorization") == "" }).
		ServeHTTP(w, httptest.NewRequest(http.MethodPut, "/_matrix/app/v1/transactions/"+txn, bytes.NewReader(body)))
	return w.Code
}

// finished reports whether an event is dealt with, and its content forgotten.
func (b *testBridge) finished(evt id.EventID) bool {
	row, err := b.conn.db.Intake.Get(b.ctx, evt)
	return err == nil && row != nil && row.State == database.ReceivedFinished && row.Content == ""
}

// block keeps the loop of a room busy until release is called.
func (b *testBridge) block(login *bridgev2.UserLogin, account string) (release func()) {
	b.Helper()
	busy, free := make(chan struct{}), make(chan struct{})
	login.QueueRemoteEvent(&simplevent.EventMeta{
		Type: bridgev2.RemoteEventUnknown, PortalKey: login.Client.(*Client).account.PortalKey(account),
		PreHandleFunc: func(context.Context, *bridgev2.Portal) { close(busy); <-free },
	})
	<-busy
	return sync.OnceFunc(func() { close(free) })
}

// The bridge is stopped while a room is stuck: what the homeserver was answered for arrives
// all the same, once, in order, whoever spoke after it.
func TestWhatTheHomeserverWasAnsweredForArrives(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	release := b.block(login, bob)
	defer release()
	var f framework
	ghost := said("$ghost", room, "from MSN")
	ghost["sender"] = (*fakeMatrix)(nil).FormatGhostMXID(bob)
	if code := b.push(&f, "1", said("$1", room, "one"), said("$2", room, "two"), ghost); code != http.StatusOK {
		t.Fatalf("answered %d", code)
	}
	go release() // once the bridge is being stopped
	b.restart()
	if code := b.push(&f, "1", said("$1", room, "one"), said("$2", room, "two"), ghost, said("$3", room, "three")); code != http.StatusOK {
		t.Fatalf("answered %d", code)
	}
	for _, want := range []string{"one", "two", "three"} {
		b.receive(texts, alice+": "+want)
	}
	b.write(room, "the end")
	b.receive(texts, alice+": the end")
}

// A homeserver that was not answered repeats a transaction under its ID, with newer events at
// its end; another repeats an event in the next transaction.
func TestRepeatedEventsDoNothing(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	var f framework
	first := []pushed{said("$1", room, "one"), said("$2", room, "two")}
	var sending sync.WaitGroup
	for range 4 {
		sending.Go(func() { b.push(&f, "1", first...) })
	}
	sending.Wait()
	b.push(&f, "1", append(first, said("$3", room, "three"))...)
	b.push(&f, "2", said("$3", room, "three"), said("$4", room, "four"))
	for _, want := range []string{"one", "two", "three", "four"} {
		b.receive(texts, alice+": "+want)
	}
	b.restart()
	b.push(&f, "1", first...)
	b.push(&f, "3", said("$4", room, "four"), said("$5", room, "five"))
	b.receive(texts, alice+": five")
}

func TestCommandThatMayHaveRunIsNotRunAgain(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	chat := b.management()
	var f framework
	from := b.matrix.position()
	answer := func(r record) bool { return r.kind == "message" && r.sender == fakeBot }
	b.push(&f, "1", said("$cmd", chat, "help page"))
	_, from = b.matrix.wait(b.T, from, "an answer", answer)
	b.push(&f, "2", said("$cmd", chat, "help page"), said("$other", chat, "xyzzy"))
	if r, _ := b.matrix.wait(b.T, from, "an answer", answer); !strings.Contains(r.body, "There is no such command") {
		t.Errorf("a repeated command was run again: %q", r.body)
	}
	b.eventually("the commands to end", func() bool { return b.finished("$other") })
	b.stop()
	b.startWith(func() {
		// As it is when the bridge was killed while it ran one.
		b.exec(`INSERT INTO intake VALUES ('', '$killed', 1, '` + string(chat) + `', '` + string(fakeUser) + `', '', 'begun', '', ` + fmt.Sprint(time.Now().UnixMilli()) + `)`)
	})
	b.waitMessage(0, "The bridge was stopped while it worked on this")
	b.eventually("that to be noted", func() bool { return b.finished("$killed") })
	b.stop()
	b.startWith(func() {
		// As it is when the bridge was killed over the answer to a password prompt.
		b.exec(`INSERT INTO intake VALUES ('', '$password', 1, '` + string(chat) + `', '` + string(fakeUser) + `', '', 'begun', 'secret', ` + fmt.Sprint(time.Now().UnixMilli()) + `)`)
	})
	b.waitMessage(0, "Do not write it again")
}

func TestAnswerToAPasswordPromptIsNeverOnDisk(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	chat := b.management()
	var f framework
	for i, text := range []string{"login", alice, pass} {
		evt := fmt.Sprint("$", i)
		b.push(&f, evt, said(evt, chat, text))
		b.eventually("the bot to have answered", func() bool { return b.finished(id.EventID(evt)) })
	}
	b.waitState(status.StateConnected)
	b.stop()
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(b.dbPath + suffix)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if bytes.Contains(content, []byte(`"`+pass+`"`)) {
			t.Errorf("the password stands in %q", "bridge.db"+suffix)
		}
	}
	b.start()
}

func TestWhatIsNotStoredGoesToTheFrameworkInItsPlace(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	var f framework
	state := func(evt string) pushed {
		return pushed{"event_id": evt, "room_id": room, "type": "m.room.message", "state_key": "", "sender": fakeUser, "content": map[string]any{}}
	}
	own := said("$own", room, "from another endpoint")
	own["content"].(map[string]any)["fi.mau.double_puppet_source"] = "bridge"
	for range 2 {
		if code := b.push(&f, "1", state("$s1"), said("$1", room, "one"), state("$s2"), own, state("$s3")); code != http.StatusOK {
			t.Fatalf("answered %d", code)
		}
	}
	b.eventually("the framework to get the rest", func() bool { return f.got() == "$s1 $s2 $own $s3" })
	if evt, err := b.conn.db.Intake.Get(b.ctx, "$own"); evt != nil || err != nil {
		t.Errorf("stored was %v, %v", evt, err)
	}
	if code := b.pushBody(&f, "2", []byte(`{"de.sorunome.msc2409.ephemeral":[{"type":"m.typing"}]}`)); code != http.StatusOK {
		t.Errorf("answered %d", code)
	}
	b.eventually("that to go on", func() bool { f.mu.Lock(); defer f.mu.Unlock(); return len(f.paths) == 3 })
}

func TestTransactionsThatCannotBeTakenAreRefused(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	var f framework
	for _, body := range []string{"", "[]", "null1", `{"events":{}}`, `{"events":"x"}`, strings.Repeat("[", 1000)} {
		if code := b.pushBody(&f, "1", []byte(body)); code != http.StatusBadRequest {
			t.Errorf("%.20q: answered %d", body, code)
		}
	}
	if code := b.pushBody(&f, "1", []byte(`{"ephemeral":[null],"events":[null,1,{},{"event_id":7},{"type":"m.room.message","event_id":""}]}`)); code != http.StatusOK {
		t.Errorf("events that are none: answered %d", code)
	}
	// The database takes nothing: the homeserver has to come again, and then it is not lost.
	b.exec(`ALTER TABLE intake RENAME TO elsewhere`)
	if code := b.push(&f, "2", said("$1", room, "one")); code != http.StatusServiceUnavailable {
		t.Errorf("without a table: answered %d", code)
	}
	b.exec(`ALTER TABLE elsewhere RENAME TO intake`)
	if code := b.push(&f, "2", said("$1", room, "one")); code != http.StatusOK {
		t.Errorf("answered %d", code)
	}
	b.receive(texts, alice+": one")
}

func TestTransactionOfAStrangerIsLeftToTheFramework(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	called := false
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { called = true; w.WriteHeader(http.StatusForbidden) })
	w := httptest.NewRecorder()
	b.conn.Receive(next, func(*http.Request) bool { return false }).
		ServeHTTP(w, httptest.NewRequest(http.MethodPut, "/_matrix/app/v1/transactions/1", strings.NewReader("{}")))
	if !called || w.Code != http.StatusForbidden {
		t.Errorf("answered %d", w.Code)
	}
}

// The framework breaks down over an event: what comes after it is dealt with all the same.
func TestEventThatBreaksTheFrameworkDownEndsNothing(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	broken := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("an event that nobody expected") })
	w := httptest.NewRecorder()
	body := `{"events":[{"event_id":"$s","type":"m.room.name","state_key":""},{"event_id":"$1","room_id":"` + string(room) +
		`","type":"m.room.message","sender":"` + string(fakeUser) + `","content":{"msgtype":"m.text","body":"after it"}}]}`
	b.conn.Receive(broken, func(*http.Request) bool { return true }).
		ServeHTTP(w, httptest.NewRequest(http.MethodPut, "/_matrix/app/v1/transactions/1", strings.NewReader(body)))
	if w.Code != http.StatusOK {
		t.Errorf("answered %d", w.Code)
	}
	b.receive(texts, alice+": after it")
}

// A bridge that is not the one that uses the database yet, or not any more, answers for nothing.
func TestTransactionsBeforeTheStartAndAfterTheStopAreForLater(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	var f framework
	b.conn.StopIntake()
	if code := b.push(&f, "1", said("$1", "!r:x", "one")); code != http.StatusServiceUnavailable {
		t.Errorf("answered %d", code)
	}
	if evt, err := b.conn.db.Intake.Get(b.ctx, "$1"); evt != nil || err != nil {
		t.Errorf("stored was %v, %v", evt, err)
	}
}
