package intake

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

const (
	// keyTimeout is how long an encrypted event without a key may still become a message: longer
	// than the 25 seconds for which the framework waits for the key.
	keyTimeout = 30 * time.Second
	// keyPatience is for how long the events of a session are worth that wait, one after the other.
	// Those that come later and have no key still cannot be read at once.
	keyPatience = 2 * time.Minute
	// chatPatience is the same for all that one user writes in a room, whatever the session.
	chatPatience = 10 * time.Minute
	// maxMissed is how many sessions are known whose keys were waited for.
	maxMissed = 1024
	// maxLine is how much may wait behind one event. What comes then passes it.
	maxLine = 500
)

// errKeyLost is that an event cannot be read and the framework is not to wait for its key.
var errKeyLost = errors.New("the key of the session has not come")

// line is what one user has written in a room behind an encrypted event of theirs that is not read yet, or an invitation that is not
// handled yet. The framework waits for a key in a goroutine of its own, and what came later would overtake the
// event. Others in the room do not wait: nobody is to keep them from writing.
type line struct {
	first id.EventID
	items []item
	late  *time.Timer // hands them on in any case; nil for an encrypted event
}

// readFirst has what the sender of an encrypted event writes behind it wait until the event is read.
func (i *Intake) readFirst(evt *event.Event) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.lines[chatOf{evt.Sender, evt.RoomID}] = &line{first: evt.ID}
}

// queue puts an item into the line of its chat, and reports false when there is none. mu is held.
func (i *Intake) queue(next item) bool {
	if next.received == nil {
		return false
	}
	if h := i.open[next.received.EventID]; h != nil && h.invites {
		return false // it has what comes behind it wait itself
	}
	line := i.lines[chatOf{next.received.Sender, next.received.RoomID}]
	if line == nil {
		return false
	}
	line.items = append(line.items, next)
	if len(line.items) >= maxLine {
		i.passOn(chatOf{next.received.Sender, next.received.RoomID}, line.first)
	}
	return true
}

// queued returns how many items are in lines. mu is held.
func (i *Intake) queued() (items int) {
	for _, line := range i.lines {
		items += len(line.items)
	}
	return items
}

// passOn hands on what waits behind an event. mu is held.
func (i *Intake) passOn(chat chatOf, evt id.EventID) {
	line := i.lines[chat]
	if line == nil || line.first != evt {
		return
	}
	delete(i.lines, chat)
	if line.late != nil {
		line.late.Stop()
	}
	if len(line.items) == 0 {
		return
	}
	// What is handed on again came earlier than what was in the line before it.
	slices.SortStableFunc(line.items, func(a, b item) int { return cmp.Compare(a.received.Position, b.received.Position) })
	i.pending = append(line.items, i.pending...)
	i.signal()
}

// Decrypts decrypts an event.
type Decrypts func(context.Context, *event.Event) (*event.Event, error)

// Decrypt has the framework's decrypt read an event, for which what is behind it in its chat waits.
// It is to be called for each attempt of the framework to decrypt the event. noKey is the error
// after which the framework waits for the key.
func (i *Intake) Decrypt(ctx context.Context, evt *event.Event, decrypt Decrypts, noKey error) (*event.Event, error) {
	h := i.handedOut(evt.ID)
	if h == nil {
		return decrypt(ctx, evt)
	}
	i.mu.Lock()
	if h.late != nil {
		h.late.Stop() // the database may take its time
	}
	i.mu.Unlock()
	decrypted, err := decrypt(ctx, evt)
	i.mu.Lock()
	defer i.mu.Unlock()
	chat := chatOf{evt.Sender, evt.RoomID}
	if h.keyless = errors.Is(err, noKey); h.keyless && i.lost(chat, session(evt)) {
		h.keyless, err = false, errKeyLost
	} else if err == nil {
		delete(i.missed, keyOf{chat: chat})
	}
	i.expect(ctx, evt, h)
	if err != nil && !h.keyless {
		i.passOn(chatOf{evt.Sender, evt.RoomID}, evt.ID) // the framework says in the room that it cannot be read
	}
	return decrypted, err
}

// read is called when the framework has seen an encrypted event. Either it has read it, or it
// waits for its key meanwhile.
func (i *Intake) read(ctx context.Context, evt *event.Event, h *handed) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !h.decrypted && h.late == nil {
		i.expect(ctx, evt, h)
	}
	if !h.keyless {
		i.passOn(chatOf{evt.Sender, evt.RoomID}, evt.ID)
	}
}

// keyOf is the key with which one user writes in a room; without a session, all of theirs.
type keyOf struct {
	chat    chatOf
	session id.SessionID
}

// lost notes that there is no key for what one user has written, and reports whether it, or any key of
// theirs there, was waited for long enough. mu is held.
func (i *Intake) lost(chat chatOf, session id.SessionID) (lost bool) {
	if len(i.missed) >= maxMissed {
		clear(i.missed)
	}
	for key, patience := range map[keyOf]time.Duration{{chat, session}: keyPatience, {chat: chat}: chatPatience} {
		first, known := i.missed[key]
		if !known {
			i.missed[key] = time.Now()
		}
		lost = lost || known && time.Since(first) > patience
	}
	return lost
}

// expect finishes an encrypted event in a while, unless a message comes of it: the framework
// has said in the room then that none does. mu is held.
func (i *Intake) expect(ctx context.Context, evt *event.Event, h *handed) {
	h.late = time.AfterFunc(keyTimeout, func() {
		i.mu.Lock()
		i.passOn(chatOf{evt.Sender, evt.RoomID}, evt.ID)
		i.mu.Unlock()
		i.finish(context.WithoutCancel(ctx), evt.ID, h)
	})
}

// session returns with which session an event is encrypted.
func session(evt *event.Event) id.SessionID {
	if content, ok := evt.Content.Parsed.(*event.EncryptedEventContent); ok {
		return content.SessionID
	}
	return ""
}
