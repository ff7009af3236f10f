package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/demo/internal/screen"
	"matrix-msn/e2e/stack"
	"matrix-msn/msn"
)

const (
	// sentWait is how long to look for the sent event of a text that has arrived on MSN, for its time.
	sentWait = 2 * time.Second
	// thinkTime is how long Bob types, so that a person sees it.
	thinkTime = 1500 * time.Millisecond
)

// invite tells a person how to join.
func (d *demo) invite() {
	d.out.Heading("Join in with Element (or any other Matrix client)")
	d.out.Say("")
	d.out.Fact("homeserver", d.parts.Homeserver.URL)
	d.out.Fact("user name", aliceName)
	d.out.Fact("password", d.alice.Password)
	d.out.Say("\n  The chat with " + d.bridge().Bot().String() + " takes commands, for example help.")
	d.out.Heading("And see what Bob sees, in a browser")
	d.out.Say("")
	d.out.Fact("page", d.page)
	d.out.Say("\n  Bob answers what you write to him, until somebody writes in this page and plays him.\n" +
		"  Write picture, and he sends one. Ctrl-C ends everything.\n")
}

// answer prints what goes through and has Bob answer what he is told, until ctx ends.
func (d *demo) answer(ctx context.Context) {
	var following sync.WaitGroup
	heard, seen := d.bob.Mark(), d.alice.Mark()
	following.Go(func() { d.printHeard(ctx, heard) })
	following.Go(func() { d.printSeen(ctx, seen) })
	following.Go(func() { d.replyToHeard(ctx, heard) })
	following.Wait()
}

// printHeard prints what Bob hears.
func (d *demo) printHeard(ctx context.Context, mark stack.Mark) {
	timed := make(map[id.EventID]bool)
	for heard := range d.bob.Follow(ctx, mark) {
		h := screen.Hop{At: heard.At, From: onMatrix, To: onMSN}
		from := ""
		switch news := heard.Event.(type) {
		case msn.TypingReceived:
			from, h.Typing = news.From, true
		case msn.TextReceived:
			from, h.Text = news.From, news.Text
		case msn.NudgeReceived:
			from, h.Text = news.From, "(a nudge)"
		case msn.FileOffered:
			from, h.Text = news.From, "("+news.Name+")"
		}
		if from != aliceAccount {
			continue
		}
		if text, ok := heard.Event.(msn.TextReceived); ok {
			h.Took = d.sinceSent(ctx, heard, text.Text, timed)
		}
		d.out.Hop(h)
	}
}

// printSeen prints what Alice sees of Bob: that he is typing, and what he says.
func (d *demo) printSeen(ctx context.Context, mark stack.Mark) {
	typing, text := stack.Typing("", d.ghost()), stack.AnyText("", d.ghost())
	for seen := range d.alice.Follow(ctx, mark) {
		h := screen.Hop{At: seen.At, From: onMSN, To: onMatrix}
		switch {
		case typing(seen):
			h.Typing = true
		case text(seen):
			h.Text = seen.Content.AsMessage().Body
			if begun, ok := d.said.LoadAndDelete(h.Text); ok {
				h.At, h.Took = begun.(time.Time), seen.At.Sub(begun.(time.Time))
			}
		case seen.Type == event.EventMessage && seen.Sender == d.ghost() && d.window.Played():
			h.Text = "(" + seen.Content.AsMessage().Body + ")" // a picture of the script's is printed where it sends it
		default:
			continue
		}
		d.out.Hop(h)
	}
}

// replyToHeard has Bob answer what Alice tells him alone, one text after the other, until somebody plays him.
func (d *demo) replyToHeard(ctx context.Context, mark stack.Mark) {
	for heard := range d.bob.Follow(ctx, mark) {
		text, ok := heard.Event.(msn.TextReceived)
		if !ok || text.From != aliceAccount || len(text.Others) > 0 {
			continue
		}
		if d.window.Played() {
			return
		}
		if err := d.reply(ctx, text.Text); err != nil && ctx.Err() == nil {
			d.out.Say("  Bob could not answer: " + err.Error())
		}
	}
}

// sinceSent returns how long ago the text was sent on Matrix when it was heard on MSN, or 0 if it is not found there.
// Timed are the events that other texts have been found to be.
func (d *demo) sinceSent(ctx context.Context, heard stack.Heard, text string, timed map[id.EventID]bool) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, sentWait)
	defer cancel()
	match := stack.Text(d.alice.chat, d.alice.ID(), text)
	seen, err := d.alice.WaitEvent(ctx, "its own message", func(s stack.Seen) bool { return match(s) && !timed[s.ID] })
	if err != nil {
		return 0
	}
	timed[seen.ID] = true
	return max(heard.At.Sub(time.UnixMilli(seen.Timestamp)), time.Millisecond)
}

// reply has Bob type for a moment and say something.
func (d *demo) reply(ctx context.Context, text string) error {
	if err := d.bob.Type(ctx, aliceAccount); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(thinkTime):
	}
	if d.window.Played() {
		return nil
	}
	if strings.EqualFold(strings.TrimSpace(text), "picture") {
		_, err := d.bobShows(ctx)
		return err
	}
	mark := d.alice.Mark()
	said := answerTo(text)
	d.said.Store(said, time.Now())
	if err := d.window.Say(ctx, aliceAccount, said); err != nil {
		return err
	}
	_, err := d.alice.WaitEventAfter(ctx, mark, "Bob's answer", stack.Text("", d.ghost(), said))
	return err
}

// answerTo is all the wit that Bob has.
func answerTo(text string) string {
	lower := strings.ToLower(strings.TrimSpace(text))
	switch {
	case strings.HasPrefix(lower, "hi"), strings.HasPrefix(lower, "hello"), strings.HasPrefix(lower, "hey"):
		return "Hello from the MSN side! I am only a script, but the way here is real."
	case strings.HasSuffix(lower, "?"):
		return "Good question. I would look it up, but it is 2003 here and I am on dial-up."
	case strings.Contains(lower, "bye"):
		return "Bye! Ctrl-C in the terminal ends us all."
	default:
		return fmt.Sprintf("You wrote “%s”. That came through MSNP just fine.", text)
	}
}
