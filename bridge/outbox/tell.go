package outbox

import (
	"context"
	"strconv"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/metrics"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/relay"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/words"
	"matrix-msn/database"
)

// Tell implements queue.Work: it saves a message that was delivered, or says in the room
// why it was not.
func (o *Outbox) Tell(ctx context.Context, e *database.QueuedEvent, fate error) error {
	known, err := o.note(context.WithoutCancel(ctx), e, fate)
	if err != nil {
		return err
	}
	if !known { // it is told again where telling it failed, or taking the message out of the queue did
		o.count(e, fate)
	}
	return o.tell(ctx, e, fate)
}

// note notes what became of a message, and reports whether that was known already.
func (o *Outbox) note(ctx context.Context, e *database.QueuedEvent, fate error) (known bool, err error) {
	if fate == nil {
		return o.noteDelivered(ctx, e)
	}
	received, err := o.account.DB.Intake.Get(ctx, e.EventID)
	if err != nil {
		return false, err
	}
	return received != nil && received.Outcome != "", o.remember(ctx, e, fate)
}

// count counts a message of which it is known now what became of it.
func (o *Outbox) count(e *database.QueuedEvent, fate error) {
	became := metrics.Delivered
	switch {
	case fate == nil && e.HeldAt.IsZero():
		o.account.Metrics.Hop(metrics.HopToMSN, e.QueuedAt)
	case fate == nil:
	case mayHaveArrived(fate):
		became = metrics.Uncertain
	default:
		became = metrics.Failed
	}
	o.account.Metrics.Message(metrics.ToMSN, became)
}

// beside returns the context for a status: the framework sends it in a goroutine of its own, and that of a queue ends when nothing is left
// there.
func beside(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }

func (o *Outbox) tell(ctx context.Context, e *database.QueuedEvent, fate error) error {
	br := o.account.Bridge
	info := infoOf(e)
	if fate == nil {
		br.Matrix.SendMessageStatus(beside(ctx), &bridgev2.MessageStatus{Status: event.MessageStatusSuccess}, info)
		o.showRead(ctx, e)
		return nil
	}
	to, _ := msnid.ParsePeer(e.PortalID)
	zerolog.Ctx(ctx).Warn().Err(fate).Stringer("event_id", e.EventID).Msg("Message was not delivered")
	status := bridgev2.WrapErrorInStatus(reason.Refused(fate, o.chats.Recipients(ctx, to)))
	if o.isNote(e) {
		return nil // the bridge has written it itself
	}
	notice := status.ToNoticeEvent(info)
	o.address(ctx, e, notice)
	// Sent here and not by the framework, which does not tell whether it could.
	_, err := br.Bot.SendMessage(ctx, e.RoomID, event.EventMessage, &event.Content{Parsed: notice}, once(e))
	if room.TakesNothing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	status.SendNotice = false
	br.Matrix.SendMessageStatus(beside(ctx), &status, info)
	return nil
}

// infoOf returns what the framework has to know of a message whose status it shows.
func infoOf(e *database.QueuedEvent) *bridgev2.MessageStatusEventInfo {
	return &bridgev2.MessageStatusEventInfo{
		RoomID: e.RoomID, SourceEventID: e.EventID, EventType: event.EventMessage, MessageType: event.MsgText, Sender: e.Sender,
	}
}

// once has the homeserver take what is told of a message once. One that is sent again is told of
// again.
func once(e *database.QueuedEvent) *bridgev2.MatrixSendExtra {
	return room.Once(e.EventID + id.EventID(strconv.FormatInt(e.QueuedAt.UnixMilli(), 36)))
}

// noteDelivered notes that a message was delivered, and gives it to the framework, which then knows it by its event:
// both in one transaction, where nothing is against it. It reports whether the framework knew it already.
func (o *Outbox) noteDelivered(ctx context.Context, e *database.QueuedEvent) (known bool, err error) {
	// A message needs the row of its sender's ghost.
	if _, err := o.account.Bridge.GetGhostByID(ctx, o.account.UserID()); err != nil {
		return false, err
	}
	save := func(ctx context.Context) error { return o.save(ctx, e) }
	err = o.account.DB.Intake.SetOutcomeWith(ctx, outcomeOf(e, database.EventDelivered), save)
	if !database.Refuses(err) {
		return false, err
	}
	// The framework has it already, or has no room of it any more.
	if err := o.setOutcome(ctx, e, database.EventDelivered); err != nil {
		return false, err
	}
	if sent, err := o.isSent(ctx, e); err != nil || sent {
		return sent, err
	}
	portal, err := o.account.Bridge.DB.Portal.GetByKey(ctx, o.account.KeyOf(e.PortalID))
	if err != nil || portal == nil {
		return false, err // without a room there is nothing to know the message by
	}
	return false, save(ctx)
}

// save gives the framework a message.
func (o *Outbox) save(ctx context.Context, e *database.QueuedEvent) error {
	return o.account.Bridge.DB.Message.Insert(ctx, &bridgedb.Message{
		ID:         msnid.MakeSentMessageID(e.EventID),
		MXID:       e.EventID,
		Room:       o.account.KeyOf(e.PortalID),
		SenderID:   o.account.UserID(),
		SenderMXID: e.Sender,
		Timestamp:  e.WrittenAt,
	})
}

// sayWaits tells the room, once in an outage, that its messages wait for the connection.
func (o *Outbox) sayWaits(ctx context.Context, e *database.QueuedEvent, limit time.Duration) {
	o.mu.Lock()
	told := o.waits[e.PortalID]
	if o.waits == nil {
		o.waits = make(map[networkid.PortalID]bool)
	}
	o.waits[e.PortalID] = true
	o.mu.Unlock()
	if told || ctx.Err() != nil {
		return
	}
	o.reply(ctx, e, words.Text("outbox.waits_for_connection",
		o.account.Service.Name, names.Minutes(limit)))
}

// recipient returns how the contact of a room is called in it.
func (o *Outbox) recipient(ctx context.Context, portal networkid.PortalID, in id.RoomID) string {
	to, _ := msnid.ParsePeer(portal)
	return o.account.Person(o.amongReaders(ctx, in), to.Account).Name
}

// amongReaders returns the context for what is said in a room.
func (o *Outbox) amongReaders(ctx context.Context, in id.RoomID) context.Context {
	return room.AmongReaders(ctx, o.account.Bridge, in, o.account.Login.UserMXID)
}

// inDays writes a time for people.
func inDays(d time.Duration) string {
	switch days := int(d / (24 * time.Hour)); {
	case days > 0:
		return words.Count("outbox.days", days)
	}
	return d.Round(time.Minute).String()
}

// address has what is said of a message name who has written it, if that is not the user: who is
// relayed, and those in the room, see whose it is.
func (o *Outbox) address(ctx context.Context, e *database.QueuedEvent, notice *event.MessageEventContent) {
	if e.Sender != o.account.Login.UserMXID {
		relay.Address(ctx, o.account.Bridge, e.RoomID, e.Sender, notice)
	}
}

// isNote reports whether the bridge itself has written a message, for people on MSN: nobody waits
// to hear what becomes of it.
func (o *Outbox) isNote(e *database.QueuedEvent) bool {
	return e.Sender == o.account.Bridge.Bot.GetMXID()
}

// reply answers a message of the user's, or of somebody who is relayed, with a notice that nothing
// depends on.
func (o *Outbox) reply(ctx context.Context, e *database.QueuedEvent, text string) {
	if o.isNote(e) {
		return
	}
	if err := o.answer(ctx, e, text, nil); err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Stringer("event_id", e.EventID).Msg("Failed to tell what becomes of a message")
	}
}

// answer answers a message with a notice.
func (o *Outbox) answer(ctx context.Context, e *database.QueuedEvent, text string, extra *bridgev2.MatrixSendExtra) error {
	notice := &event.MessageEventContent{
		MsgType: event.MsgNotice, Body: text, Mentions: &event.Mentions{},
		RelatesTo: (&event.RelatesTo{}).SetReplyTo(e.EventID),
	}
	o.address(ctx, e, notice)
	_, err := o.account.Bridge.Bot.SendMessage(ctx, e.RoomID, event.EventMessage, &event.Content{Parsed: notice}, extra)
	return err
}
