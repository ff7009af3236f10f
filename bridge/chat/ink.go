package chat

import (
	"context"
	"encoding/base64"
	"fmt"
	"image/gif"
	"strings"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/msnid"
	"matrix-msn/database"
	"matrix-msn/msn"
)

const (
	// maxInk is the largest picture of handwriting that is shown, in bytes. They have some
	// thousand; those that wait are on disk.
	maxInk = 64 << 10
	// maxInkSide is its longest side in pixels.
	maxInkSide = 1024
	// maxInkShown is how many of a contact are shown within a floodWindow.
	maxInkShown = 10
	// MaxInkWaiting is how many messages may wait for a room before pictures are left out.
	MaxInkWaiting = 200

	inkName = "handwriting.gif"
	inkType = "image/gif"
)

// noInk is what is said of somebody whose handwriting cannot be shown.
const noInk = "%s wrote by hand. It comes without a picture that the bridge can show: ask them to type."

// inkReceived shows handwriting as a picture, where it is one. That is found out when it is brought
// into its room: decoding is work that others can cause.
func (h *Heard) inkReceived(ctx context.Context, evt msn.InkReceived) {
	if _, _, ok := inkSize(evt.Picture); !ok {
		why := noInk
		if len(evt.Picture) > maxInk {
			why = "%s wrote by hand. The picture is too large for the bridge: ask them to type."
		}
		h.thing(ctx, evt.Origin, func(name string) string { return fmt.Sprintf(why, name) })
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
		Body:      base64.StdEncoding.EncodeToString([]byte(evt.Picture)),
		GroupSize: 1,
		Kind:      database.QueuedInk,
	})
}

// inkSize returns the sides of a picture, of which nothing is decoded. It reports false for one that
// is none, or too large.
func inkSize(picture string) (width, height int, ok bool) {
	if len(picture) == 0 || len(picture) > maxInk {
		return 0, 0, false
	}
	header, err := gif.DecodeConfig(strings.NewReader(picture))
	if err != nil || header.Width < 1 || header.Height < 1 || header.Width > maxInkSide || header.Height > maxInkSide {
		return 0, 0, false
	}
	return header.Width, header.Height, true
}

// inkOf returns the picture of a message, or false for what took its place.
func inkOf(m *database.QueuedMessage) (picture string, ok bool) {
	data, err := base64.StdEncoding.DecodeString(m.Body)
	return string(data), err == nil
}

// convertInk makes a picture that is not there yet: Attach brings it. Of moving pictures the first one
// must be whole.
func (h *Heard) convertInk(ctx context.Context, m *database.QueuedMessage) *bridgev2.ConvertedMessagePart {
	picture, ok := inkOf(m)
	if !ok {
		return convertNote(m)
	}
	width, height, shown := inkSize(picture)
	if shown {
		_, err := gif.Decode(strings.NewReader(picture))
		shown = err == nil
	}
	if !shown {
		line := *m
		line.Body = fmt.Sprintf(noInk, h.calledIn(ctx, h.account.KeyOf(m.PortalID), m.Sender))
		return convertNote(&line)
	}
	return &bridgev2.ConvertedMessagePart{Type: event.EventMessage, Content: &event.MessageEventContent{
		MsgType: event.MsgImage, Body: inkName, FileName: inkName, Mentions: &event.Mentions{},
		Info: &event.FileInfo{MimeType: inkType, Size: len(picture), Width: width, Height: height},
	}}
}

// Attach brings to the homeserver what belongs to the event of a message in a room.
func (h *Heard) Attach(ctx context.Context, m *database.QueuedMessage, room id.RoomID, part *bridgev2.ConvertedMessagePart) error {
	if m.Kind != database.QueuedInk || part.Content.MsgType != event.MsgImage {
		return nil
	}
	picture, _ := inkOf(m)
	intent := h.account.Bridge.Matrix.GhostIntent(h.account.GhostID(m.Sender))
	url, file, err := intent.UploadMedia(ctx, room, []byte(picture), inkName, inkType)
	if err != nil {
		return fmt.Errorf("failed to upload handwriting: %w", err)
	}
	part.Content.URL, part.Content.File = url, file
	return nil
}
