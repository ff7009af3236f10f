package outbox

import (
	"context"
	"strconv"
	"sync"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/background"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/words"
	"matrix-msn/database"
	"matrix-msn/internal/lazy"
	"matrix-msn/msn"
)

// absences tell the rooms of a login, once each, that messages are kept for a contact who is offline, and
// what became of them. What is to be told, and was, is in the table absence: one work for each room holds
// the two against each other.
type absences struct {
	outbox *Outbox
	work   *background.Work

	mu   sync.Mutex
	open map[networkid.PortalID]*absent // rooms with rows in the table
}

// absent is a room in which messages are kept.
type absent struct {
	seen    bool // the contact was seen, and the room was not looked at since
	changes int  // counts what began there
}

func newAbsences(o *Outbox, work *background.Work) *absences {
	return &absences{outbox: o, work: work}
}

// start goes on with what an earlier run has left.
func (a *absences) start() {
	a.work.Try("kept", func(ctx context.Context) bool {
		o := a.outbox
		portals, err := o.account.DB.Absence.Portals(ctx, o.account.Login.ID)
		if err != nil {
			zerolog.Ctx(ctx).Err(err).Msg("Failed to read for whom messages are kept; trying again")
			return false
		}
		session := o.session.Current()
		for _, portal := range portals {
			a.begin(portal)
			if session != nil && isOnline(session, portal) {
				a.seen(portal)
			}
		}
		return true
	})
}

// begin has a room told that a message is kept, after the table knows.
func (a *absences) begin(portal networkid.PortalID) {
	a.mu.Lock()
	if a.open[portal] == nil {
		lazy.Put(&a.open, portal, new(absent))
	}
	a.open[portal].changes++
	a.mu.Unlock()
	a.show(portal)
}

// look looks at a room again in which something has changed. It costs nothing where nothing is kept.
func (a *absences) look(portal networkid.PortalID) {
	a.mu.Lock()
	open := a.open[portal] != nil
	a.mu.Unlock()
	if open {
		a.show(portal)
	}
}

// seen is look for a room whose contact was seen.
func (a *absences) seen(portal networkid.PortalID) {
	a.mu.Lock()
	open := a.open[portal]
	if open != nil {
		open.seen = true
	}
	a.mu.Unlock()
	if open != nil {
		a.show(portal)
	}
}

// seenAmong is seen for all contacts who are online at a sign-in.
func (a *absences) seenAmong(session *msn.Client) {
	a.mu.Lock()
	var online []networkid.PortalID
	for portal := range a.open {
		if isOnline(session, portal) {
			online = append(online, portal)
		}
	}
	a.mu.Unlock()
	for _, portal := range online {
		a.seen(portal)
	}
}

// show has a room told what it does not know.
func (a *absences) show(portal networkid.PortalID) {
	a.work.Try("kept in "+string(portal), func(ctx context.Context) bool {
		err := a.tell(ctx, portal)
		if err != nil && ctx.Err() == nil {
			zerolog.Ctx(ctx).Warn().Err(err).Str("portal_id", string(portal)).Msg("Failed to tell a room of the messages that are kept; trying again")
		}
		return err == nil
	})
}

// tell tells a room what it does not know.
func (a *absences) tell(ctx context.Context, portal networkid.PortalID) error {
	a.mu.Lock()
	open := a.open[portal]
	if open == nil {
		a.mu.Unlock()
		return nil
	}
	seen, changes := open.seen, open.changes
	open.seen = false
	a.mu.Unlock()
	left, err := a.tellAll(ctx, portal, seen)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil {
		open.seen = open.seen || seen
	} else if left == 0 && open.changes == changes {
		delete(a.open, portal)
	}
	return err
}

// tellAll tells a room of its absences, and returns how many are left. seen is that the contact was seen.
func (a *absences) tellAll(ctx context.Context, portal networkid.PortalID, seen bool) (left int, err error) {
	db := a.outbox.account.DB.Absence
	// In this order: where none is held, all that were delivered are counted.
	held, err := db.Held(ctx, a.outbox.account.Login.ID, portal)
	if err != nil {
		return 0, err
	}
	rows, err := db.Get(ctx, a.outbox.account.Login.ID, portal)
	if err != nil {
		return 0, err
	}
	for _, row := range rows {
		over := seen
		if row.Keeper == database.KeptByBridge {
			over = held == 0
		}
		if err := a.tellOf(ctx, row, over); err != nil {
			return 0, err
		}
		if !over {
			left++
		}
	}
	return left, nil
}

// tellOf tells a room of an absence, and ends it if it is over.
func (a *absences) tellOf(ctx context.Context, row *database.Absence, over bool) error {
	o := a.outbox
	// What the service keeps is told of even when it is given out by now: the room does not know where it is.
	if !row.Told && (!over || row.Keeper == database.KeptByService) {
		text, err := a.kept(ctx, row)
		if err != nil {
			return err
		}
		e := &database.QueuedEvent{EventID: row.EventID, RoomID: row.RoomID, Sender: row.Sender}
		if err := o.answer(ctx, e, text, onceOf(row, "kept")); err != nil && !room.TakesNothing(err) {
			return err
		}
		if err := o.account.DB.Absence.Told(ctx, row); err != nil {
			return err
		}
		row.Told = true
	}
	if !over {
		return nil
	}
	if text := a.arrived(ctx, row); text != "" {
		notice := &event.MessageEventContent{MsgType: event.MsgNotice, Body: text, Mentions: &event.Mentions{}}
		_, err := o.account.Bridge.Bot.SendMessage(ctx, row.RoomID, event.EventMessage, &event.Content{Parsed: notice}, onceOf(row, "over"))
		if err != nil && !room.TakesNothing(err) {
			return err
		}
	}
	return o.account.DB.Absence.End(ctx, row)
}

// onceOf has the homeserver take what is told of an absence once.
func onceOf(row *database.Absence, what string) *bridgev2.MatrixSendExtra {
	return room.Once(row.EventID + id.EventID(" "+string(row.Keeper)+" "+what+" "+strconv.FormatInt(row.Began.UnixMilli(), 36)))
}

// kept says that messages are kept from now on. The error says that it cannot be said yet.
func (a *absences) kept(ctx context.Context, row *database.Absence) (string, error) {
	o := a.outbox
	if row.Keeper == database.KeptByBridge {
		return o.sayKept(ctx, row.PortalID, row.RoomID), nil
	}
	session := o.session.Current()
	if session == nil {
		return "", reason.NotConnected{}
	}
	to, _ := msnid.ParsePeer(row.PortalID)
	return o.sayLeft(o.amongReaders(ctx, row.RoomID), session, to.Account), nil
}

// arrived says what became of the messages that were kept, "" where nobody can say, or need not.
func (a *absences) arrived(ctx context.Context, row *database.Absence) string {
	o := a.outbox
	if !row.Told || row.Messages == 0 {
		return ""
	}
	who := o.recipient(ctx, row.PortalID, row.RoomID)
	if row.Keeper == database.KeptByBridge {
		return words.Count("outbox.delivered", row.Messages, who)
	}
	to, _ := msnid.ParsePeer(row.PortalID)
	session := o.session.Current()
	if session == nil || !session.OfflineConfirmed() {
		return ""
	}
	if contact, _ := session.Contact(to.Account); !contact.Reverse() {
		return ""
	}
	return words.Count("outbox.service_hands_over", row.Messages, who, o.account.Service.Name)
}

// showKept has a room told that a message is kept, and shows its writer that it waits.
func (o *Outbox) showKept(ctx context.Context, e *database.QueuedEvent) {
	o.absent.begin(e.PortalID)
	o.account.Bridge.Matrix.SendMessageStatus(beside(ctx), &bridgev2.MessageStatus{
		Status: event.MessageStatusPending, Message: o.sayKept(ctx, e.PortalID, e.RoomID),
	}, infoOf(e))
}

// sayKept says that the bridge keeps a message for the contact of a room.
func (o *Outbox) sayKept(ctx context.Context, portal networkid.PortalID, in id.RoomID) string {
	return words.Text("outbox.bridge_keeps",
		o.recipient(ctx, portal, in), inDays(o.account.Config.KeepFor()))
}
