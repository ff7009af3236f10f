// Package stub is a homeserver that costs next to nothing: it answers what bridges ask, keeps no history, and pushes what
// it is told to.
package stub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"maunium.net/go/mautrix/id"
)

// ServerName is the part behind the colon of its users' IDs.
const ServerName = "localhost"

// Sent is an event that the bridge has put into a room.
type Sent struct {
	Room   id.RoomID
	Sender id.UserID
	Type   string
	Body   string
	At     time.Time
}

// Homeserver is a stub. Its methods may be called from any goroutine.
type Homeserver struct {
	// URL is where it answers.
	URL string

	server  http.Server
	serving sync.WaitGroup
	sent    func(Sent)

	ids                atomic.Int64
	requests, repeated atomic.Int64

	mu       sync.Mutex
	rooms    map[id.RoomID]*room
	presence map[id.UserID]presence
	events   map[transaction]id.EventID  // what each has brought
	hanging  map[id.RoomID]chan struct{} // rooms in which nothing is answered
	bridge   string                      // where transactions go
	token    string
}

// room is what the bridge is told of a room.
type room struct {
	members map[id.UserID]string // memberships
	state   map[string]json.RawMessage
}

// presence is what the bridge has said of a user.
type presence struct {
	Presence string `json:"presence"`
	Text     string `json:"status_msg,omitempty"`
	times    int
}

// transaction is what a request to put an event into a room is known by.
type transaction struct {
	by  id.UserID
	in  id.RoomID
	txn string
}

// Start starts a stub on a free port of 127.0.0.1. sent is called for each event that the bridge puts into a room; it must
// not wait.
func Start(sent func(Sent)) (*Homeserver, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	h := &Homeserver{
		URL: "http://" + listener.Addr().String(), sent: sent,
		rooms: make(map[id.RoomID]*room), presence: make(map[id.UserID]presence), events: make(map[transaction]id.EventID), hanging: make(map[id.RoomID]chan struct{}),
	}
	h.server.Handler = h.handler()
	h.serving.Go(func() { _ = h.server.Serve(listener) }) // it ends with Close
	return h, nil
}

// Close ends it.
func (h *Homeserver) Close() error {
	err := h.server.Close()
	h.serving.Wait()
	return err
}

// Push has transactions go to a bridge.
func (h *Homeserver) Push(bridge, token string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.bridge, h.token = bridge, token
}

// Requests returns how many requests it has got so far.
func (h *Homeserver) Requests() int { return int(h.requests.Load()) }

// Repeated returns how many requests to put an event into a room were repeats of one that it had taken.
func (h *Homeserver) Repeated() int { return int(h.repeated.Load()) }

// once returns the event of a transaction, and whether it was there already.
func (h *Homeserver) once(t transaction) (is id.EventID, known bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if is, known = h.events[t]; known {
		h.repeated.Add(1)
		return is, true
	}
	is = h.newEvent()
	h.events[t] = is
	return is, false
}

// Presence returns how a user is shown, and how often it was told so.
func (h *Homeserver) Presence(user id.UserID) (shown string, times int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.presence[user]
	return p.Presence, p.times
}

// Event is an event as it is pushed.
type Event struct {
	Type      string         `json:"type"`
	ID        id.EventID     `json:"event_id"`
	Room      id.RoomID      `json:"room_id"`
	Sender    id.UserID      `json:"sender"`
	StateKey  *string        `json:"state_key,omitempty"`
	Timestamp int64          `json:"origin_server_ts"`
	Content   map[string]any `json:"content"`
}

// Text returns a text of a user.
func (h *Homeserver) Text(in id.RoomID, sender id.UserID, text string) Event {
	return Event{Type: "m.room.message", ID: h.newEvent(), Room: in, Sender: sender, Timestamp: time.Now().UnixMilli(), Content: map[string]any{"msgtype": "m.text", "body": text}}
}

// Send pushes events to the bridge in one transaction, and returns when it has taken them.
func (h *Homeserver) Send(ctx context.Context, events ...Event) error {
	body, err := json.Marshal(map[string]any{"events": events})
	if err != nil {
		return err
	}
	h.mu.Lock()
	bridge, token := h.bridge, h.token
	h.mu.Unlock()
	url := bridge + "/_matrix/app/v1/transactions/" + strconv.FormatInt(h.ids.Add(1), 36)
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("the bridge answers %s: %s", resp.Status, said)
	}
	return err
}

// Hang has requests to put something into a room wait until over is called.
func (h *Homeserver) Hang(in id.RoomID) (over func()) {
	until := make(chan struct{})
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hanging[in] = until
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.hanging, in)
		close(until)
	}
}

func (h *Homeserver) newEvent() id.EventID {
	return id.EventID("$" + strconv.FormatInt(h.ids.Add(1), 36))
}

// waitWhileHanging waits while a room hangs.
func (h *Homeserver) waitWhileHanging(ctx context.Context, in id.RoomID) error {
	h.mu.Lock()
	until := h.hanging[in]
	h.mu.Unlock()
	if until == nil {
		return nil
	}
	select {
	case <-until:
		return nil
	case <-ctx.Done():
		return errors.New("the bridge has given up")
	}
}

// of returns a room, which is made when it is not there. mu is held.
func (h *Homeserver) of(in id.RoomID) *room {
	r := h.rooms[in]
	if r == nil {
		r = &room{members: make(map[id.UserID]string), state: make(map[string]json.RawMessage)}
		h.rooms[in] = r
	}
	return r
}
