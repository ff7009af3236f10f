package file

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// What is told of files that come, and where it stands among the texts.

// show puts a file that has come among the messages of its room.
func (c *Coming) show(ctx context.Context, o *offer, content *event.MessageEventContent) {
	body, err := json.Marshal(content)
	if err != nil {
		c.say(ctx, &o.ComingFile, err)
		return
	}
	m := c.messageOf(o)
	m.Body = string(body)
	c.cfg.Inbox.PutBy(ctx, m, c.settle(&o.ComingFile))
}

// say puts a line into the room that says why a file did not come.
func (c *Coming) say(ctx context.Context, f *database.ComingFile, why error) {
	c.put(ctx, f, "ended", c.sentence(ctx, f, why), c.settle(f))
}

// put puts a line about a file among the messages of its room.
func (c *Coming) put(ctx context.Context, f *database.ComingFile, about, line string, store func(context.Context, *database.QueuedMessage) (bool, error)) {
	m := c.message(f)
	m.MessageID, m.Kind, m.Body = msnid.MakeNoticeMessageID("file", string(f.FileID), about), database.QueuedNote, line
	c.cfg.Inbox.PutBy(ctx, m, store)
}

// messageOf returns the message in which a file is shown.
func (c *Coming) messageOf(o *offer) *database.QueuedMessage {
	m := c.message(&o.ComingFile)
	m.MessageID, m.Kind = o.FileID, database.FileQueued
	return m
}

func (c *Coming) message(f *database.ComingFile) *database.QueuedMessage {
	return &database.QueuedMessage{LoginID: f.LoginID, PortalID: f.PortalID, Sender: f.Sender, At: time.Now(), GroupSize: 1}
}

// settle stores a message that says what became of a file, and forgets the file.
func (c *Coming) settle(f *database.ComingFile) func(context.Context, *database.QueuedMessage) (bool, error) {
	c.mu.Lock()
	o := c.offers[f.FileID]
	if o != nil {
		o.over = true
	}
	c.mu.Unlock()
	return func(ctx context.Context, m *database.QueuedMessage) (added bool, err error) {
		if added, err = c.cfg.Account.DB.ComingFile.Settle(ctx, f.FileID, m); err == nil && o != nil {
			c.forget(o)
		}
		return added, err
	}
}

// tellStopped tells of what was on its way when the bridge was stopped. It reports false when that is
// to be tried again.
func (c *Coming) tellStopped(ctx context.Context) bool {
	left, err := c.cfg.Account.DB.ComingFile.All(ctx, c.cfg.Account.Login.ID)
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to look which files were on their way")
		return false
	}
	for _, f := range left {
		c.mu.Lock()
		now := c.offers[f.FileID] != nil
		c.mu.Unlock()
		if !now {
			c.say(ctx, f, reason.ErrFileStopped)
		}
	}
	return true
}

// Farewell tells of what was on its way when the user logs out: the login, and with it the queue,
// will be gone.
func (c *Coming) Farewell(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewellTimeout)
	defer cancel()
	left, err := c.cfg.Account.DB.ComingFile.All(ctx, c.cfg.Account.Login.ID)
	for _, f := range left {
		in, known := c.cfg.Rooms.Stored(ctx, c.cfg.Account.KeyOf(f.PortalID))
		if known == nil && in != "" {
			err = errors.Join(err, c.cfg.Rooms.Notice(ctx, in, c.sentence(ctx, f, msn.ErrClosed), ""))
		}
	}
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to tell what became of files before the user logged out")
	}
}

// sentence says why a file does not come.
func (c *Coming) sentence(ctx context.Context, f *database.ComingFile, why error) string {
	about := c.cfg.Account.About(c.called(ctx, f.Sender))
	about.Choices = names.Own(f.Name)
	return reason.Of(why, reason.File, about).Sentence
}

// called is what somebody is called in a line of a room that says what they did.
func (c *Coming) called(ctx context.Context, account string) string {
	if name := c.cfg.Account.DisplayName(ctx, account); name != "" {
		return names.Unlinked(name)
	}
	return account
}

// Convert makes the event of a file that waits for Matrix; of what took its place, nil.
func Convert(m *database.QueuedMessage) *bridgev2.ConvertedMessagePart {
	var content event.MessageEventContent
	if json.Unmarshal([]byte(m.Body), &content) != nil || !content.MsgType.IsMedia() {
		return nil
	}
	return &bridgev2.ConvertedMessagePart{Type: event.EventMessage, Content: &content}
}
