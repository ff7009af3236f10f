package circle

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/rs/zerolog"

	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/session"
	"matrix-msn/bridge/words"
	"matrix-msn/msn"
)

// Answer does what was ordered with a circle and returns the sentence that says
// what became of it.
func (c *Circles) Answer(ctx context.Context, client *msn.Client, circle msn.Circle, order string) string {
	ctx, cancel := context.WithTimeout(ctx, session.RequestTimeout)
	defer cancel()
	defer c.answering.WithLock(circle.ID)()
	name := names.Quoted(names.Circle(circle))
	var err error
	var done string
	switch order {
	case "leave":
		was := c.account.Stored().Circles[circle.ID]
		c.noteLeaving(ctx, circle.ID)
		err, done = client.LeaveCircle(ctx, circle.ID), words.Text("circle.you_have_left_the_circle_its", name)
		if err != nil {
			c.note(ctx, circle.ID, was)
			c.leaving.Delete(circle.ID)
		}
	case "accept":
		err, done = client.AnswerCircle(ctx, circle.ID, true), words.Text("circle.you_belong_to_the_circle_now", name)
	default:
		err, done = client.AnswerCircle(ctx, circle.ID, false), words.Text("circle.the_invitation_into_the_circle_is", name)
	}
	if err == nil {
		return done
	}
	zerolog.Ctx(ctx).Info().Err(err).Str("order", order).Msg("Circle was not changed")
	if order == "leave" && circle.Admin {
		err = fmt.Errorf("%w: %w", reason.ErrLastAdmin, err)
	}
	why := reason.Of(err, reason.Circle, c.account.About(name)).Sentence
	return why
}

// Create makes a circle and returns the sentence that says what became of it.
func (c *Circles) Create(ctx context.Context, client *msn.Client, name string) string {
	ctx, cancel := context.WithTimeout(ctx, session.RequestTimeout)
	defer cancel()
	name = names.OneLine(name)
	switch {
	case name == "":
		return words.Text("circle.a_circle_needs_a_name_write")
	case len(name) > msn.MaxCircleName:
		return words.Text("circle.that_name_is_too_long_shorten",
			utf8.RuneCountInString(strings.ToValidUTF8(name[:msn.MaxCircleName], "")), utf8.RuneCountInString(name))
	}
	if _, err := client.CreateCircle(ctx, name); err != nil {
		zerolog.Ctx(ctx).Info().Err(err).Msg("Circle was not made")
		why := reason.Of(err, reason.Circle, c.account.About(names.Quoted(name))).Sentence
		return why
	}
	return words.Text("circle.there_is_a_new_circle_with", names.Quoted(name))
}
