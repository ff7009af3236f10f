package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"matrix-msn/demo/internal/screen"
	"matrix-msn/e2e/stack"
	"matrix-msn/msn/msntest"
)

// The names of the two in the lines of the conversation.
const (
	onMatrix = "Alice (Matrix)"
	onMSN    = "Bob (MSN)"
)

// converse holds the scripted conversation: text and typing, both ways. It fails with the first part that does not
// arrive on the other side.
func (d *demo) converse(ctx context.Context) error {
	slowest := time.Duration(0)
	for _, line := range []struct {
		do   func(ctx context.Context, text string) (time.Duration, error)
		text string
	}{
		{d.bobSays, "Hi Alice, long time no see! Still on MSN?"},
		{d.aliceTypes, ""},
		{d.aliceSays, "Hi Bob! I live in Element now, the bridge brings you here."},
		{d.bobTypes, ""},
		{d.bobSays, "So you never have to leave Matrix? Größe, žluť, 你好, 👋 too?"},
		{d.aliceTypes, ""},
		{d.aliceSays, "All of it: Größe, žluť, 你好, 👋."},
	} {
		took, err := line.do(ctx, line.text)
		if err != nil {
			return err
		}
		slowest = max(slowest, took)
	}
	took, err := d.bobShows(ctx)
	if err != nil {
		return err
	}
	slowest = max(slowest, took)
	d.out.Say(fmt.Sprintf("\n  %s Text, typing and a picture were seen on both sides; the slowest took %s.",
		d.out.Paint(screen.Green, "✓"), strings.TrimSpace(screen.Duration(slowest))))
	return nil
}

// bobSays sends a text from MSN to Matrix. The first one makes the room, which Alice joins by herself.
func (d *demo) bobSays(ctx context.Context, text string) (time.Duration, error) {
	h := screen.Hop{At: time.Now(), From: onMSN, To: onMatrix, Text: text}
	mark := d.alice.Mark()
	if err := d.window.Say(ctx, aliceAccount, text); err != nil {
		return 0, err
	}
	seen, err := d.alice.WaitEventAfter(ctx, mark, "the message from MSN", stack.Text(d.alice.chat, d.ghost(), text))
	if err != nil {
		return 0, err
	}
	if d.alice.chat == "" {
		h.Comment = "It made the room: a chat with " + d.ghost().String()
	}
	d.alice.chat = seen.RoomID
	return d.arrived(h, seen.At), nil
}

// bobTypes shows typing from MSN to Matrix.
func (d *demo) bobTypes(ctx context.Context, _ string) (time.Duration, error) {
	h := screen.Hop{At: time.Now(), From: onMSN, To: onMatrix, Typing: true}
	mark := d.alice.Mark()
	if err := d.bob.Type(ctx, aliceAccount); err != nil {
		return 0, err
	}
	seen, err := d.alice.WaitEventAfter(ctx, mark, "typing from MSN", stack.Typing(d.alice.chat, d.ghost()))
	if err != nil {
		return 0, err
	}
	return d.arrived(h, seen.At), nil
}

// aliceSays sends a text from Matrix to MSN.
func (d *demo) aliceSays(ctx context.Context, text string) (time.Duration, error) {
	h := screen.Hop{At: time.Now(), From: onMatrix, To: onMSN, Text: text}
	mark := d.bob.Mark()
	if _, err := d.alice.SendText(ctx, d.alice.chat, text); err != nil {
		return 0, err
	}
	heard, err := d.bob.WaitEventAfter(ctx, mark, "the message from Matrix", stack.HeardText(aliceAccount, text))
	if err != nil {
		return 0, err
	}
	return d.arrived(h, heard.At), nil
}

// aliceTypes shows typing from Matrix to MSN. Dendrite sends appservices no typing, so the demo plays the homeserver
// for that one transaction.
func (d *demo) aliceTypes(ctx context.Context, _ string) (time.Duration, error) {
	h := screen.Hop{At: time.Now(), From: onMatrix, To: onMSN, Typing: true,
		Comment: "Given to the bridge in the form in which Synapse sends it: Dendrite tells bridges of no typing"}
	mark := d.bob.Mark()
	if err := d.bridge().InjectTyping(ctx, d.alice.chat, d.alice.ID()); err != nil {
		return 0, err
	}
	heard, err := d.bob.WaitEventAfter(ctx, mark, "typing from Matrix", stack.HeardTyping(aliceAccount))
	if err != nil {
		return 0, err
	}
	// As the message that follows would do it in a client.
	if err := d.bridge().InjectTyping(ctx, d.alice.chat); err != nil {
		return 0, err
	}
	return d.arrived(h, heard.At), nil
}

// pictureName is what the picture is called that Bob sends.
const pictureName = "landscape.png"

// bobShows sends a picture from MSN to Matrix.
func (d *demo) bobShows(ctx context.Context) (time.Duration, error) {
	h := screen.Hop{At: time.Now(), From: onMSN, To: onMatrix, Text: "(" + pictureName + ")", Comment: "By MSNSLP over the switchboard. His display picture is his ghost's avatar"}
	mark := d.alice.Mark()
	if err := d.sendPicture(ctx); err != nil {
		return 0, err
	}
	seen, err := d.alice.WaitEventAfter(ctx, mark, "the picture from MSN", stack.Image(d.alice.chat, d.ghost(), pictureName))
	if err != nil {
		return 0, err
	}
	return d.arrived(h, seen.At), nil
}

// sendPicture has Bob send a picture, and returns when the bridge has it.
func (d *demo) sendPicture(ctx context.Context) error {
	return d.window.SendFile(ctx, aliceAccount, pictureName, msntest.Landscape(bobName))
}

// arrived shows the hop of what came at that time, and returns how long it took.
func (d *demo) arrived(h screen.Hop, at time.Time) time.Duration {
	h.Took = at.Sub(h.At)
	d.out.Hop(h)
	return h.Took
}
