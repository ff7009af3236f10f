package chat

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/msgconv"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/words"
	"matrix-msn/database"
	"matrix-msn/internal/lazy"
	"matrix-msn/msn"
)

// NoCommand stands before a text that begins like the prefix of commands but is not one
// ("!msnfoo"): it is an invisible character that no text begins with, put there before the
// framework sees the text, and taken away by Send. The framework takes every text that begins
// with the prefix for a command, wherever the word ends, and never gives it to the room. It
// would have to compare whole words, or to ask the network connector whether a text is a
// command; then this can go.
const NoCommand = "\u2060"

// Send sends a message to the contact of its room. It returns when
// the message is on disk and stands in the order in which messages go out; the
// outbox tells the room what became of it.
func (c *Chat) Send(ctx context.Context, msg *bridgev2.MatrixMessage) (*bridgev2.MatrixMessageResponse, error) {
	return c.sendBy(ctx, msg, store{c.outbox.Put, c.files.Put})
}

// store brings what goes to MSN of a message to disk. It comes last of all that sending needs.
type store struct {
	text func(context.Context, *database.QueuedEvent) error
	file func(context.Context, *database.QueuedFile) error
}

// sendBy is Send, with what stores a message of its own.
func (c *Chat) sendBy(ctx context.Context, msg *bridgev2.MatrixMessage, put store) (*bridgev2.MatrixMessageResponse, error) {
	if msg.Content == nil {
		return nil, reason.Refused(msn.ErrEmpty, reason.Subject{})
	}
	speaker := c.speaker(ctx, msg.Portal.ID, msg.Event.RoomID, msg.Event.Sender)
	if msg.Content.MsgType == event.MsgNotice && speaker != nil && !c.account.Config.RelaysNotices() {
		return nil, bridgev2.ErrIgnoringMNotice // it may be a program's, and programs answer each other without end
	}
	if speaker != nil && c.account.Config.RelayJoins {
		c.MeetRelayed(ctx, msg.Event.RoomID)
	}
	msg.Content.Body = strings.TrimPrefix(msg.Content.Body, NoCommand)
	words := msgconv.InWords(msg.Content, msg.Event.Content.Raw)
	if holdsFile(msg.Content) && replacedBy(msg.Event) == "" {
		if sent, taken, err := c.sendFile(ctx, put, msg, speaker, words); taken || err != nil {
			return sent, err
		}
	}
	if why := refusal(msg.Content, words); why != nil && !(speaker != nil && why == reason.ErrMedia) {
		return nil, reason.Refused(why, reason.Subject{})
	}
	spoken := c.say(speaker, msg.Content, words)
	replaced := replacedBy(msg.Event)
	if msgconv.IsBlank(spoken.own) && !isFile(msg.Content) { // at once: sending it again would help nobody
		if replaced != "" {
			return nil, reason.Refused(reason.ErrEmptied, reason.Subject{})
		}
		return nil, reason.Refused(msn.ErrEmpty, reason.Subject{})
	}
	if replaced != "" {
		return c.correct(ctx, msg, put, replaced, spoken)
	}
	if isFile(msg.Content) {
		c.SayWordsOnly(ctx, msg.Event.RoomID, msg.Event.ID, msg.Event.Sender, msg.Portal.ID, spoken.own != "")
	}
	quote := c.quote(ctx, msg.Event.RoomID, answered(msg.Content.RelatesTo))
	text := withQuote(quote, spoken.said)
	if err := c.write(ctx, put, msg.Portal, msg.Event, text, spoken.format, spoken.emoticons(text)); err != nil {
		return nil, err
	}
	c.keep(msg.Event.ID, said{quote, spoken.own, msg.Event.ID, msg.Event.Sender})
	return &bridgev2.MatrixMessageResponse{Pending: true}, nil
}

func newSaid() *lazy.Recent[id.EventID, said] { return lazy.NewRecent[id.EventID, said](maxSaid) }

// said is what was sent of a message.
type said struct {
	quote, text string
	by          id.EventID // the message, or the latest edit of it
	writer      id.UserID
}

const (
	// maxSaid is how many of the latest messages are known by what was sent of them, and
	// maxSaidText the longest text of those in bytes.
	maxSaid     = 64
	maxSaidText = 8 << 10
)

// keep notes what was sent of a message, for those that correct it.
func (c *Chat) keep(evt id.EventID, sent said) {
	if len(sent.text) > maxSaidText {
		sent.text = ""
	}
	c.said.Get(newSaid).Put(evt, sent)
}

// replaces is where AsMessage leaves which message an edit replaces.
const replaces = "com.github.matrix_msn.replaces"

// AsMessage makes a message of an edit, which Send takes for what it is. The framework passes
// on edits only of messages that it knows as sent; those that wait, or have failed, are its
// network connector's, and none of polls. It would have to pass those on too; then this can go. It is to be
// called for every m.room.message and every poll in the room of a chat before the framework sees it. No edit
// is a command: prefix is what those begin with.
func AsMessage(evt *event.Event, prefix string) {
	delete(evt.Content.Raw, replaces)
	if content, ok := evt.Content.Parsed.(*event.PollStartEventContent); ok && replacedPoll(evt) != "" {
		evt.Content.Raw[replaces] = replacedPoll(evt)
		content.RelatesTo = nil
	}
	content, ok := evt.Content.Parsed.(*event.MessageEventContent)
	if !ok || content.RelatesTo.GetReplaceID() == "" {
		return
	}
	if evt.Content.Raw == nil {
		evt.Content.Raw = make(map[string]any)
	}
	evt.Content.Raw[replaces] = string(content.RelatesTo.GetReplaceID())
	if content.NewContent != nil {
		replace(content, content.NewContent)
	}
	content.RelatesTo = nil
	if strings.HasPrefix(content.Body, prefix) {
		content.Body = NoCommand + content.Body
	}
}

// replace puts new content into old. It leaves alone what need not change: of an event that was
// encrypted the framework reads the type of the message meanwhile, in another goroutine.
func replace(old, content *event.MessageEventContent) {
	if old.MsgType != content.MsgType {
		old.MsgType = content.MsgType
	}
	old.Body, old.Format, old.FormattedBody = content.Body, content.Format, content.FormattedBody
	old.URL, old.File, old.FileName, old.Info = content.URL, content.File, content.FileName, content.Info
	old.Mentions, old.NewContent = content.Mentions, nil
}

// replacedBy returns the message that a message replaces, or "".
func replacedBy(evt *event.Event) id.EventID {
	replaced, _ := evt.Content.Raw[replaces].(string)
	return id.EventID(replaced)
}

// arrived returns the text of a message that the contact surely has now, "" when that is not known.
func (c *Chat) arrived(ctx context.Context, evt id.EventID) string {
	sent, known := c.said.Get(newSaid).Get(evt)
	if !known {
		return ""
	}
	received, err := c.account.DB.Intake.Get(ctx, sent.by)
	if err != nil || received == nil || received.Outcome != database.EventDelivered {
		return ""
	}
	return sent.text
}

// saysTheSame reports whether an edit changes nothing that people on MSN see of a message that they have.
func (c *Chat) saysTheSame(ctx context.Context, evt id.EventID, new spoken) bool {
	there := c.arrived(ctx, evt)
	return there != "" && there == new.own
}

// correct gives a message that waits its new text. Of one that the contact has, it sends what is
// new as a correction, and as a message of its own when the contact does not have it.
func (c *Chat) correct(ctx context.Context, msg *bridgev2.MatrixMessage, put store, replaced id.EventID, new spoken) (*bridgev2.MatrixMessageResponse, error) {
	to, _ := msnid.ParsePeer(msg.Portal.ID)
	if !c.wrote(ctx, msg.Event.Sender, msg.Event.RoomID, replaced) {
		return nil, reason.Refused(reason.ErrNotWriter, reason.Subject{})
	}
	quote := c.quoteOf(ctx, msg.Event.RoomID, replaced)
	quoted := withQuote(quote, new.said)
	fate, err := c.outbox.Correct(ctx, replaced, msg.Event.ID, msg.Event.Sender, quoted, new.format, new.emoticons(quoted))
	switch {
	case err != nil:
		return nil, reason.Refused(fmt.Errorf("%w: %w", reason.ErrBridge, err), c.Recipients(ctx, to))
	case fate == Uncertain:
		return nil, reason.Refused(reason.ErrNotCorrected, c.Recipients(ctx, to))
	case fate == Corrected, fate == Gone && c.saysTheSame(ctx, replaced, new):
		if fate == Corrected {
			c.keep(replaced, said{quote, new.own, replaced, msg.Event.Sender})
		}
		c.stopsTyping(msg.Portal.ID, msg.Event.Sender)
		c.account.Bridge.Matrix.SendMessageStatus(ctx, &bridgev2.MessageStatus{Status: event.MessageStatusSuccess},
			bridgev2.StatusEventInfoFromEvent(msg.Event))
		return &bridgev2.MatrixMessageResponse{Pending: true}, nil
	case fate == Gone:
		quoted = new.corrects(c.arrived(ctx, replaced))
	}
	if fate == Refused {
		c.superseded(ctx, msg.Event, replaced, database.EventReplaced)
	}
	if err := c.write(ctx, put, msg.Portal, msg.Event, quoted, new.format, new.emoticons(quoted)); err != nil {
		if fate == Refused {
			c.superseded(ctx, msg.Event, replaced, database.EventRefused)
		}
		return nil, err
	}
	c.keep(replaced, said{quote, new.own, msg.Event.ID, msg.Event.Sender})
	return &bridgev2.MatrixMessageResponse{Pending: true}, nil
}

// write puts a text for the contact of a room into the outbox.
func (c *Chat) write(ctx context.Context, put store, portal *bridgev2.Portal, evt *event.Event, text, format string, emoticons database.Emoticons) error {
	if msnid.IsAlertsPortalID(portal.ID) {
		return reason.Refused(reason.ErrAlertsRoom, reason.Subject{Service: c.account.Service.Name})
	}
	to, ok := msnid.ParsePeer(portal.ID)
	if !ok {
		return reason.Refused(reason.ErrNotAChat, reason.Subject{})
	}
	c.stopsTyping(portal.ID, evt.Sender)
	err := put.text(ctx, &database.QueuedEvent{
		LoginID:   c.account.Login.ID,
		EventID:   evt.ID,
		RoomID:    evt.RoomID,
		Sender:    evt.Sender,
		PortalID:  portal.ID,
		Body:      text,
		Format:    format,
		Emoticons: emoticons,
		WrittenAt: time.UnixMilli(evt.Timestamp),
	})
	if errors.Is(err, reason.ErrNotDone) {
		return err
	}
	if errors.Is(err, msn.ErrClosed) { // the user logs out
		return reason.Refused(err, c.Recipients(ctx, to))
	}
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to store a message for MSN")
		return reason.Refused(fmt.Errorf("%w: %w", reason.ErrBridge, err), c.Recipients(ctx, to))
	}
	return nil
}

// Recipients is recipient for everybody in a room.
func (c *Chat) Recipients(ctx context.Context, to msnid.Peer) reason.Subject {
	if to.Account != "" {
		return c.account.Person(c.rooms.AmongReaders(ctx, c.account.PortalKey(to.Account)), to.Account)
	}
	return reason.Subject{Name: words.Text("chat.everybody"), Service: c.account.Service.Name, Listed: true}
}
