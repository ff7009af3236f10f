package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/database"
)

// maxTransaction bounds what is read of a transaction, in bytes: homeservers put at most a
// hundred events of 64 KiB into one.
const maxTransaction = 32 << 20

// transaction is a transaction of which the events are looked at.
type transaction struct {
	events []json.RawMessage
	rest   map[string]json.RawMessage // all else
}

// envelope is what of an event says what it is.
type envelope struct {
	ID       id.EventID `json:"event_id"`
	Room     id.RoomID  `json:"room_id"`
	Type     string     `json:"type"`
	Sender   id.UserID  `json:"sender"`
	StateKey *string    `json:"state_key"`
	Content  struct {
		DoublePuppet string `json:"fi.mau.double_puppet_source"`
	} `json:"content"`
}

// Receive returns a handler for the homeserver's transactions, which answers when what is in
// them is stored. next is the framework's, which gets what is not stored. allowed tells the
// homeserver from others, whose requests go to next unread.
func (i *Intake) Receive(next http.Handler, allowed func(*http.Request) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !allowed(r) {
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxTransaction))
		if err != nil {
			mautrix.MTooLarge.WithMessage("The transaction could not be read, or is larger than %d bytes", maxTransaction).Write(w)
			return
		}
		txn, err := split(body)
		if err != nil {
			mautrix.MBadJSON.WithMessage("The transaction is no JSON object with a list of events").Write(w)
			return
		}
		if !i.awaitStart(r.Context()) || i.crowded() {
			mautrix.MLimitExceeded.WithMessage("The bridge is starting or stopping, or too many events wait to be dealt with").WithStatus(http.StatusServiceUnavailable).Write(w)
			return
		}
		// The homeserver can give up waiting, but what is begun is brought to its end.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), storeTimeout)
		defer cancel()
		if err := i.take(ctx, txn, forward(next, r)); err != nil {
			i.cfg.Log.Err(err).Msg("Failed to store a transaction, the homeserver sends it again")
			mautrix.MUnknown.WithMessage("The bridge's database does not take the transaction now").WithStatus(http.StatusServiceUnavailable).Write(w)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("{}")) // the homeserver sends it again when it does not get this
	})
}

// awaitStart returns when the start is over, or has taken too long. It reports false for a transaction that is not to wait any more.
func (i *Intake) awaitStart(ctx context.Context) bool {
	i.mu.Lock()
	calledBack := i.calledBack
	i.waiting++
	i.mu.Unlock()
	defer func() {
		i.mu.Lock()
		i.waiting--
		i.mu.Unlock()
	}()
	timer := time.NewTimer(startPatience)
	defer timer.Stop()
	select {
	case <-i.decided.happened:
	case <-calledBack.happened:
		return false
	case <-timer.C:
	case <-ctx.Done():
	}
	return true
}

// CallBack has transactions that wait for the end of the start refused at once, and returns a moment later, if there are any. It is to be
// called before a homeserver is answered that sends them again when it is: it could not, while it waits for an answer.
func (i *Intake) CallBack(ctx context.Context) {
	i.mu.Lock()
	waiting := i.waiting
	i.calledBack.set()
	i.calledBack = newSign()
	i.mu.Unlock()
	if waiting == 0 {
		return
	}
	timer := time.NewTimer(callBackPause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// split reads a transaction.
func split(body []byte) (txn transaction, err error) {
	if err := json.Unmarshal(body, &txn.rest); err != nil {
		return txn, err
	}
	if events := txn.rest["events"]; len(events) > 0 {
		err = json.Unmarshal(events, &txn.events)
	}
	delete(txn.rest, "events")
	// The framework follows an event that is null.
	txn.events = slices.DeleteFunc(txn.events, func(raw json.RawMessage) bool { return len(raw) == 0 || raw[0] != '{' })
	return txn, err
}

// crowded reports whether nothing can be taken: too much waits for the framework, the bridge
// is just starting or stopping, or another process may have taken its place.
func (i *Intake) crowded() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return !i.accepts || !i.cfg.Store.Held() || len(i.pending)+i.queued() >= MaxPending
}

// take stores what is to be stored of a transaction and queues all of it, in order. forward
// gives the framework a transaction of what is not stored.
func (i *Intake) take(ctx context.Context, txn transaction, forward func(map[string]json.RawMessage)) error {
	var received []*database.Received
	kinds, stored, invites := make([]envelope, len(txn.events)), make([]bool, len(txn.events)), make([]bool, len(txn.events))
	for n, raw := range txn.events {
		if json.Unmarshal(raw, &kinds[n]) != nil {
			kinds[n] = envelope{} // the framework says what is wrong with it
		}
		invites[n] = i.invites(&kinds[n], raw)
		if stored[n] = invites[n] || i.stores(&kinds[n]); stored[n] {
			row := i.row(ctx, &kinds[n], raw)
			if invites[n] {
				row.Secret, row.Free = false, maxUnpushed
			}
			received = append(received, row)
		}
		if err := i.noteEncrypted(ctx, &kinds[n], raw); err != nil {
			return err
		}
	}
	var open []*database.Received
	if len(received) > 0 {
		var err error
		if open, err = i.cfg.Store.Put(ctx, received); err != nil {
			return err
		}
		i.cfg.Metrics.Pushed(len(received))
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	var others []json.RawMessage
	flush := func(rest map[string]json.RawMessage) {
		if len(others) == 0 && len(rest) == 0 {
			return
		}
		part := map[string]json.RawMessage{}
		maps.Copy(part, rest)
		part["events"], _ = json.Marshal(others) // they were read as JSON
		i.pending = append(i.pending, item{call: func() { forward(part) }})
		others = nil
	}
	flush(txn.rest) // keys for what is encrypted among the events, before those
	for n, raw := range txn.events {
		evt := &kinds[n]
		if !stored[n] {
			if evt.ID == "" || !i.others.Contains(evt.ID) {
				i.others.Push(evt.ID, struct{}{})
				others = append(others, raw)
			}
			continue
		}
		at := slices.IndexFunc(open, func(r *database.Received) bool { return r.EventID == evt.ID })
		// It can have been finished since it was read.
		if at < 0 || i.open[evt.ID] != nil || i.closed.Contains(evt.ID) {
			continue // it is known
		}
		flush(nil)
		i.open[evt.ID] = &handed{received: open[at], invites: invites[n]}
		i.pending = append(i.pending, item{received: open[at]})
	}
	flush(nil)
	i.signal()
	return nil
}

// noteEncrypted notes that a room is encrypted, if an event says so. The framework hears of that event too, but later and without
// its being on disk.
func (i *Intake) noteEncrypted(ctx context.Context, evt *envelope, raw json.RawMessage) error {
	if i.cfg.NoteEncrypted == nil || evt.Type != event.StateEncryption.Type || evt.StateKey == nil || *evt.StateKey != "" || evt.Room == "" {
		return nil
	}
	var state struct {
		Content json.RawMessage `json:"content"`
	}
	var named struct {
		Algorithm id.Algorithm `json:"algorithm"`
	}
	if json.Unmarshal(raw, &state) != nil || json.Unmarshal(state.Content, &named) != nil || named.Algorithm != id.AlgorithmMegolmV1 {
		return nil // the framework says what is wrong with it
	}
	// The algorithm counts, be the rest such as nobody can read: clients encrypt then.
	var content event.EncryptionEventContent
	if json.Unmarshal(state.Content, &content) != nil {
		content = event.EncryptionEventContent{Algorithm: named.Algorithm}
	}
	if err := i.cfg.NoteEncrypted(ctx, evt.Room, &content); err != nil && !database.Refuses(err) {
		return err
	}
	return nil
}

// row makes the row of an event.
func (i *Intake) row(ctx context.Context, evt *envelope, raw json.RawMessage) *database.Received {
	return &database.Received{
		EventID: evt.ID, RoomID: evt.Room, Sender: evt.Sender, Content: string(bytes.ToValidUTF8(raw, []byte("\uFFFD"))),
		State: database.ReceivedWaiting, At: time.Now(), Secret: i.cfg.Secret(ctx, evt.Sender, evt.Room),
	}
}

// stores reports whether an event is one to be stored. The framework passes over what the
// bridge itself says, and what it says for users. No ID holds a NUL, with which PostgreSQL would
// refuse all that the homeserver sends.
func (i *Intake) stores(evt *envelope) bool {
	return i.counts(evt) && evt.StateKey == nil && slices.ContainsFunc(Types, func(t event.Type) bool { return t.Type == evt.Type })
}

// counts reports whether an event is a user's, and can be stored.
func (i *Intake) counts(evt *envelope) bool {
	return evt.ID != "" && !strings.ContainsRune(string(evt.ID)+string(evt.Room)+string(evt.Sender), 0) && evt.Content.DoublePuppet == "" && !i.cfg.Ours(evt.Sender)
}

// forward returns a function that gives next a transaction as the request r would, under an
// ID of its own: next passes over those that it has seen.
func forward(next http.Handler, r *http.Request) func(map[string]json.RawMessage) {
	request := r.Clone(zerolog.Ctx(r.Context()).WithContext(context.Background()))
	id := r.PathValue("txnID")
	return func(txn map[string]json.RawMessage) {
		body, err := json.Marshal(txn)
		if err != nil {
			return // it was read as JSON
		}
		own := request.Clone(request.Context())
		own.Body, own.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		own.URL = &url.URL{Path: "/_matrix/app/v1/transactions/" + id + "." + strconv.FormatInt(time.Now().UnixNano(), 36)}
		defer func() {
			// As net/http does, whose goroutine this would be without the intake.
			if broken := recover(); broken != nil {
				zerolog.Ctx(own.Context()).Error().Any("panic", broken).Str("transaction_id", id).
					Bytes(zerolog.ErrorStackFieldName, debug.Stack()).Msg("The framework broke down over a part of a transaction")
			}
		}()
		answer := &unheard{header: make(http.Header), status: http.StatusOK}
		next.ServeHTTP(answer, own)
		if answer.status != http.StatusOK {
			zerolog.Ctx(own.Context()).Error().Int("status", answer.status).Str("transaction_id", id).Msg("The framework refused a part of a transaction")
		}
	}
}

// unheard is an answer that nobody gets: the homeserver has its own.
type unheard struct {
	header http.Header
	status int
}

func (a *unheard) Header() http.Header         { return a.header }
func (a *unheard) WriteHeader(status int)      { a.status = status }
func (a *unheard) Write(p []byte) (int, error) { return len(p), nil }
