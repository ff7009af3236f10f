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
	"matrix-msn/msn"
)

// Answer does what was ordered with a circle and returns the sentence that says
// what became of it.
func (c *Circles) Answer(ctx context.Context, client *msn.Client, circle msn.Circle, order string) string {
	ctx, cancel := context.WithTimeout(ctx, session.RequestTimeout)
	defer cancel()
	name := names.Quoted(names.Circle(circle))
	var err error
	var done string
	switch order {
	case "leave":
		was := c.account.Stored().Circles[circle.ID]
		c.note(ctx, circle.ID, "") // who leaves by a command need not be told in the room
		err, done = client.LeaveCircle(ctx, circle.ID), fmt.Sprintf("You have left the circle %s. Its room stays until you leave it too.", name)
		if err != nil {
			c.note(ctx, circle.ID, was)
		}
	case "accept":
		err, done = client.AnswerCircle(ctx, circle.ID, true), fmt.Sprintf("You belong to the circle %s now. It has a room of its own.", name)
	default:
		err, done = client.AnswerCircle(ctx, circle.ID, false), fmt.Sprintf("The invitation into the circle %s is declined.", name)
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
		return "A circle needs a name: write it behind, as in `!circles create Friends of mine`."
	case len(name) > msn.MaxCircleName:
		return fmt.Sprintf("That name is too long: shorten it to %d of its %d characters.",
			utf8.RuneCountInString(strings.ToValidUTF8(name[:msn.MaxCircleName], "")), utf8.RuneCountInString(name))
	}
	if _, err := client.CreateCircle(ctx, name); err != nil {
		zerolog.Ctx(ctx).Info().Err(err).Msg("Circle was not made")
		why := reason.Of(err, reason.Circle, c.account.About(names.Quoted(name))).Sentence
		return why
	}
	return fmt.Sprintf("There is a new circle %s, with a room of its own. Write `!invite bob@example.com` there to invite somebody.", names.Quoted(name))
}
