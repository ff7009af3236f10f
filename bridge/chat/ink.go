package chat

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"strings"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/ink"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/words"
	"matrix-msn/database"
	"matrix-msn/msn"
	"matrix-msn/msn/isf"
)

const (
	// maxInk is the largest handwriting that is shown, in bytes. It has some thousand; that which
	// waits is on disk.
	maxInk = 64 << 10
	// maxInkSide is the longest side of a picture in pixels.
	maxInkSide = 1024
	// maxInkShown is how many of a contact are shown within a floodWindow.
	maxInkShown = 10
	// MaxInkWaiting is how many messages may wait for a room before pictures are left out.
	MaxInkWaiting = 200

	inkName = "handwriting"
	gifMark = "GIF8"
)

// noInk is what is said of somebody whose handwriting cannot be shown.
const noInk = "chat.ink.unreadable"

// inkReceived shows handwriting as a picture, if that can be made of it. That is found out when it is
// brought into its room: decoding and drawing are work that others can cause.
func (h *Heard) inkReceived(ctx context.Context, evt msn.InkReceived) {
	data, why := evt.Strokes, ""
	if evt.Picture != "" {
		data = evt.Picture
		if _, ok := gifSize(data); !ok {
			why = noInk
		}
	}
	if len(data) > maxInk {
		why = "chat.ink.large"
	}
	if why != "" {
		h.thing(ctx, evt.Origin, func(name string) string { return words.Text(why, name) })
		return
	}
	account, ok := h.sender(ctx, evt.Origin)
	if !ok {
		return
	}
	portal := h.portalOf(evt.Conversation, account)
	if !h.floods.allow(flooder{portal, account, besidesInk}, besidesInk.most()) {
		return
	}
	h.inbox.Put(ctx, &database.QueuedMessage{
		LoginID:   h.account.Login.ID,
		MessageID: msnid.MakeChatMessageID(evt.Session, account, evt.Seq, 0, evt.At),
		PortalID:  portal.ID,
		Sender:    account,
		At:        evt.At,
		Body:      base64.StdEncoding.EncodeToString([]byte(data)),
		GroupSize: 1,
		Kind:      database.QueuedInk,
	})
}

// gifSize returns the sides of a picture, of which nothing is decoded. It reports false for one that
// is none, or too large.
func gifSize(picture string) (size image.Point, ok bool) {
	header, err := gif.DecodeConfig(strings.NewReader(picture))
	if err != nil || header.Width < 1 || header.Height < 1 || header.Width > maxInkSide || header.Height > maxInkSide {
		return image.Point{}, false
	}
	return image.Pt(header.Width, header.Height), true
}

// handwriting is a picture of it.
type handwriting struct {
	data       []byte
	name, mime string
	size       image.Point
}

// handwritingOf makes the picture of a message. It reports false for what cannot be shown. Of moving
// pictures the first one must be whole.
func handwritingOf(m *database.QueuedMessage) (handwriting, bool) {
	data, err := base64.StdEncoding.DecodeString(m.Body)
	if err != nil || len(data) > maxInk {
		return handwriting{}, false
	}
	if strings.HasPrefix(string(data), gifMark) {
		size, ok := gifSize(string(data))
		if ok {
			_, err := gif.Decode(bytes.NewReader(data))
			ok = err == nil
		}
		return handwriting{data, inkName + ".gif", "image/gif", size}, ok
	}
	strokes, err := isf.Parse(data)
	if err != nil {
		return handwriting{}, false
	}
	picture, size, err := ink.Draw(strokes)
	return handwriting{picture, inkName + ".png", "image/png", size}, err == nil
}

// convertInk makes a picture that is not there yet: Attach brings it.
func (h *Heard) convertInk(ctx context.Context, m *database.QueuedMessage) *bridgev2.ConvertedMessagePart {
	if _, err := base64.StdEncoding.DecodeString(m.Body); err != nil {
		return convertNote(m) // what took its place
	}
	shown, ok := handwritingOf(m)
	if !ok {
		line := *m
		line.Body = words.Text(noInk, h.calledIn(ctx, h.account.KeyOf(m.PortalID), m.Sender))
		return convertNote(&line)
	}
	return &bridgev2.ConvertedMessagePart{Type: event.EventMessage, Content: &event.MessageEventContent{
		MsgType: event.MsgImage, Body: shown.name, FileName: shown.name, Mentions: &event.Mentions{},
		Info: &event.FileInfo{MimeType: shown.mime, Size: len(shown.data), Width: shown.size.X, Height: shown.size.Y},
	}}
}

// Attach brings to the homeserver what belongs to the event of a message in a room.
func (h *Heard) Attach(ctx context.Context, m *database.QueuedMessage, room id.RoomID, part *bridgev2.ConvertedMessagePart) error {
	if m.Kind != database.QueuedInk || part.Content.MsgType != event.MsgImage {
		return nil
	}
	shown, ok := handwritingOf(m)
	if !ok {
		return errors.New("handwriting that was a picture is none")
	}
	intent := h.account.Bridge.Matrix.GhostIntent(h.account.GhostID(m.Sender))
	url, file, err := intent.UploadMedia(ctx, room, shown.data, shown.name, shown.mime)
	if err != nil {
		return fmt.Errorf("failed to upload handwriting: %w", err)
	}
	part.Content.URL, part.Content.File = url, file
	return nil
}
