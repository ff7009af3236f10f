package bridge

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/simplevent"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// framework answers transactions as the real one does: before their events are
// handled.
func (b *testBridge) framework(room id.RoomID) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		evt := &event.Event{
			Type: event.EventMessage, ID: "$held", RoomID: room, Sender: fakeUser, Timestamp: time.Now().UnixMilli(),
			Content: event.Content{Parsed: &event.MessageEventContent{MsgType: event.MsgText, Body: "hello"}},
		}
		go func() {
			b.conn.RewriteCommand(b.ctx, evt)
			b.br.QueueMatrixEvent(b.ctx, evt)
			b.conn.Dispatched(b.ctx, evt)
		}()
		w.WriteHeader(http.StatusOK)
		fmt.Fprint(w, "{}")
	})
}

// heldTransaction has one message of the user. What comes after it in the room, of the
// bridge itself or no message at all, must neither stand for it nor be waited for.
var heldTransaction = `{"events":[` + strings.Join([]string{
	`{"event_id":"$held","type":"m.room.message","sender":"` + string(fakeUser) + `"}`,
	`{"event_id":"$other","type":"m.room.member"}`,
	`{"event_id":"$state","type":"m.room.message","state_key":"","sender":"` + string(fakeUser) + `"}`,
	`{"event_id":"$ghost","type":"m.room.message","sender":"` + string((*fakeMatrix)(nil).FormatGhostMXID(bob)) + `"}`,
	`{"event_id":"$bot","type":"m.room.message","sender":"` + string(fakeBot) + `"}`,
}, ",") + `]}`

func put(handler http.Handler) <-chan *httptest.ResponseRecorder {
	answered := make(chan *httptest.ResponseRecorder, 1)
	go func() {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodPut, "/_matrix/app/v1/transactions/1", strings.NewReader(heldTransaction)))
		answered <- w
	}()
	return answered
}

func everybody(*http.Request) bool { return true }

// block keeps the loop of a room busy until release is called.
func (b *testBridge) block(login *bridgev2.UserLogin, account string) (release func()) {
	b.Helper()
	busy, free := make(chan struct{}), make(chan struct{})
	login.QueueRemoteEvent(&simplevent.EventMeta{
		Type: bridgev2.RemoteEventUnknown, PortalKey: login.Client.(*Client).account.PortalKey(account),
		PreHandleFunc: func(context.Context, *bridgev2.Portal) { close(busy); <-free },
	})
	<-busy
	return func() { close(free) }
}

func TestTransactionIsAnsweredWhenItsMessagesAreKept(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	release := b.block(login, bob)
	answered := put(b.conn.HoldTransactions(b.framework(room), everybody))
	select {
	case <-answered:
		t.Error("answered while the message is only in memory")
	default:
	}
	release()
	select {
	case w := <-answered:
		if w.Code != http.StatusOK || w.Body.String() != "{}" {
			t.Errorf("answered %d %q", w.Code, w.Body)
		}
	case <-time.After(waitLimit):
		t.Fatal("never answered")
	}
	b.receive(texts, alice+": hello")
}

func TestTransactionThatAStopInterruptsIsNotAnswered(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	defer b.block(login, bob)()
	answered := put(b.conn.HoldTransactions(b.framework(room), everybody))
	b.br.Stop()
	select {
	case w := <-answered:
		if w.Code == http.StatusOK {
			t.Error("the homeserver believes that the message is safe")
		}
	case <-time.After(waitLimit):
		t.Fatal("never answered")
	}
}

func TestTransactionOfAStrangerIsLeftToTheFramework(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	refuse := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	for _, allowed := range []bool{true, false} {
		w := <-put(b.conn.HoldTransactions(refuse, func(*http.Request) bool { return allowed }))
		if w.Code != http.StatusUnauthorized {
			t.Errorf("allowed %v: answered %d", allowed, w.Code)
		}
	}
}

func TestMessageThatReachesNoContactDelaysNothing(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	select {
	case w := <-put(b.conn.HoldTransactions(b.framework("!elsewhere:example.test"), everybody)):
		if w.Code != http.StatusOK {
			t.Errorf("answered %d", w.Code)
		}
	case <-time.After(waitLimit / 4):
		t.Error("held back for nothing")
	}
}
