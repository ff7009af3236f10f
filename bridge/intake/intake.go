// Package intake holds the answers to the homeserver's transactions back until the messages
// in them are on disk.
package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/simplevent"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// holdTimeout is how long the homeserver is kept waiting for its answer to a
// transaction, at most. It sends nothing else meanwhile.
const holdTimeout = 10 * time.Second

// maxTransaction bounds what is read of a transaction, in bytes: homeservers put at most a
// hundred events of 64 KiB into one.
const maxTransaction = 32 << 20

// Transactions holds the answers to the homeserver's transactions back until the
// messages in them are on disk: the framework answers when they are in memory, and
// what is there when the bridge is stopped or killed would be lost. What was not
// answered the homeserver sends again.
type Transactions struct {
	bridge *bridgev2.Bridge

	mu      sync.Mutex
	waiting map[id.EventID]*wait
}

// wait is for one event. A homeserver that repeats a transaction has several requests wait
// for the same one.
type wait struct {
	event    id.EventID
	done     chan struct{} // closed when the event is dealt with
	requests int
}

// New returns the Transactions of a bridge.
func New(br *bridgev2.Bridge) *Transactions { return &Transactions{bridge: br} }

func (t *Transactions) expect(events []id.EventID) []*wait {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.waiting == nil {
		t.waiting = make(map[id.EventID]*wait)
	}
	var all []*wait
	for _, evt := range events {
		if t.waiting[evt] == nil {
			t.waiting[evt] = &wait{event: evt, done: make(chan struct{})}
		}
		t.waiting[evt].requests++
		all = append(all, t.waiting[evt])
	}
	return all
}

func (t *Transactions) settled(evt id.EventID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if w := t.waiting[evt]; w != nil {
		close(w.done)
		delete(t.waiting, evt)
	}
}

// awaited reports whether somebody waits for an event.
func (t *Transactions) awaited(evt id.EventID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.waiting[evt] != nil
}

// forget says that a request waits no more. Others may still wait for the same events,
// which are not dealt with by that.
func (t *Transactions) forget(waits []*wait) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, w := range waits {
		if w.requests--; w.requests == 0 && t.waiting[w.event] == w {
			delete(t.waiting, w.event)
		}
	}
}

// Hold returns a handler for the homeserver's transactions that passes
// them to next and holds its answer back as described at Transactions. allowed
// tells the homeserver from others, whose requests go to next unread.
func (t *Transactions) Hold(next http.Handler, allowed func(*http.Request) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !allowed(r) {
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxTransaction))
		if err != nil {
			http.Error(w, "the request could not be read", http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		waits := t.expect(t.lastMessages(body))
		defer t.forget(waits)
		answer := &heldAnswer{header: make(http.Header), status: http.StatusOK}
		next.ServeHTTP(answer, r)
		if answer.status == http.StatusOK && !t.waitForAll(r.Context(), waits) {
			http.Error(w, "the bridge is stopping", http.StatusServiceUnavailable)
			return
		}
		answer.send(w)
	})
}

// waitForAll waits until all events are dealt with, or too long. It reports false
// when the bridge stops first.
func (t *Transactions) waitForAll(ctx context.Context, waits []*wait) bool {
	timer := time.NewTimer(holdTimeout)
	defer timer.Stop()
	for _, w := range waits {
		select {
		case <-w.done:
		case <-timer.C:
			return true
		case <-t.bridge.BackgroundCtx.Done():
			return false
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// lastMessages returns the IDs of the last message of a user in each room in the body
// of a transaction: when a room's loop has come to it, it has to those before. What the
// bridge itself said is no message to wait for, and must not stand for those before it.
func (t *Transactions) lastMessages(body []byte) []id.EventID {
	var transaction struct {
		Events []struct {
			ID       id.EventID `json:"event_id"`
			Room     id.RoomID  `json:"room_id"`
			Type     string     `json:"type"`
			Sender   id.UserID  `json:"sender"`
			StateKey *string    `json:"state_key"`
		} `json:"events"`
	}
	if json.Unmarshal(body, &transaction) != nil {
		return nil // the framework says so
	}
	last := make(map[id.RoomID]id.EventID)
	for _, evt := range transaction.Events {
		if evt.Type == event.EventMessage.Type && evt.ID != "" && evt.StateKey == nil && !t.ours(evt.Sender) {
			last[evt.Room] = evt.ID
		}
	}
	return slices.Collect(maps.Values(last))
}

// ours reports whether a user is the bot or a ghost.
func (t *Transactions) ours(user id.UserID) bool {
	return user == t.bridge.Bot.GetMXID() || t.bridge.IsGhostMXID(user)
}

// Dispatched is to be called for every m.room.message after the framework has seen
// it. The message is dealt with when the room's loop has come to it.
func (t *Transactions) Dispatched(ctx context.Context, evt *event.Event) {
	if !t.awaited(evt.ID) {
		return
	}
	portal, err := t.bridge.GetPortalByMXID(ctx, evt.RoomID)
	if err != nil || portal == nil {
		t.settled(evt.ID)
		return
	}
	login := t.bridge.GetCachedUserLoginByID(portal.Receiver)
	if login == nil {
		t.settled(evt.ID)
		return
	}
	login.QueueRemoteEvent(&simplevent.EventMeta{
		Type:          bridgev2.RemoteEventUnknown,
		PortalKey:     portal.PortalKey,
		PreHandleFunc: func(context.Context, *bridgev2.Portal) { t.settled(evt.ID) },
	})
}

// heldAnswer keeps an answer until it may be sent.
type heldAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *heldAnswer) Header() http.Header         { return a.header }
func (a *heldAnswer) WriteHeader(status int)      { a.status = status }
func (a *heldAnswer) Write(p []byte) (int, error) { return a.body.Write(p) }

func (a *heldAnswer) send(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes()) // the homeserver sends it again when it did not get it
}
