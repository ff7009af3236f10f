package bridge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/commands"

	"matrix-msn/bridge/msnid"
	"matrix-msn/msn"
	"matrix-msn/msn/wire"
)

const circlesUsage = "Write `!circles` to list your circles, `!circles accept 2` or `!circles decline 2` to answer the invitation into the second one, " +
	"`!circles leave 2` to leave it, or `!circles create Friends of mine` to make one. " +
	"`!invite bob@example.com` in the room of a circle invites somebody."

// fnCircles lists the user's circles, answers invitations, leaves and makes circles.
func (c *Connector) fnCircles(ce *commands.Event) {
	given := make(options)
	word, rest := cutWord(given.take(typedArguments(ce), loginOption))
	client, session, ok := c.sessionFor(ce, given[loginOption])
	if !ok {
		return
	}
	service := client.serviceOrUnknown().name
	if !session.CarriesCircles() {
		say(ce, "The version of the protocol that is spoken with %s (%v) carries no circles: that takes %v. Group chats work in all: see `$cmdprefix help create-group`.",
			service, session.Dialect(), wire.FirstPrefixed)
		return
	}
	circles := session.Circles()
	slices.SortFunc(circles, func(a, b msn.Circle) int { return strings.Compare(a.ID, b.ID) })
	switch word = strings.ToLower(word); word {
	case "":
		client.circlesShown.set(circles)
		say(ce, "%s", describeCircles(circles, client.identity.Account, service))
	case "accept", "decline", "leave":
		circle, why := client.pickCircle(circles, rest, word == "leave")
		if word == "leave" && rest == "" && ce.Portal != nil {
			if own, ok := circleOfRoom(ce, circles); ok {
				circle, why = own, ""
			}
		}
		if why != "" {
			say(ce, "%s", why)
			return
		}
		say(ce, "%s", client.answerCircle(ce.Ctx, session, circle, word))
	case "create":
		say(ce, "%s", client.createCircle(ce.Ctx, session, rest))
	default:
		say(ce, "%s", circlesUsage)
	}
}

// circlesShown is the list of circles that the user saw last, by their IDs: numbers are
// taken from it, whatever has changed since. The zero value is ready.
type circlesShown struct {
	mu  sync.Mutex
	ids []string // nil before the first list
}

func (l *circlesShown) set(circles []msn.Circle) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ids = make([]string, 0, len(circles))
	for _, circle := range circles {
		l.ids = append(l.ids, circle.ID)
	}
}

// at returns the ID with a number, "" when there is none. It reports false when no list
// was shown.
func (l *circlesShown) at(n int) (id string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n < 1 || n > len(l.ids) {
		return "", l.ids != nil
	}
	return l.ids[n-1], true
}

// Why a circle cannot be told from what was typed.
const (
	noList        = "Write `!circles` first: the numbers are those of its list."
	severalOfName = "There are several circles of that name: give the number that `!circles` shows."
)

// noCircle says that a circle of that number or name is none that can be left, or whose
// invitation can be answered.
func noCircle(which string, member bool) string {
	kind := "invitation into a circle"
	if member {
		kind = "circle that you belong to"
	}
	if which == "" {
		return "Which one? " + circlesUsage
	}
	return fmt.Sprintf("There is no %s with the number or name %s. Write `!circles` to see what there is.", kind, quoted(shorten(oneLine(which), maxName)))
}

// pickCircle returns the circle that is named by its number in the list that was shown or
// its name, among those of which the user is a member, or those that they are invited
// into. why says to the user why there is none.
func (c *Client) pickCircle(circles []msn.Circle, which string, member bool) (circle msn.Circle, why string) {
	if n, err := strconv.Atoi(which); err == nil {
		id, listed := c.circlesShown.at(n)
		if !listed {
			return msn.Circle{}, noList
		}
		for _, circle := range circles {
			if circle.ID == id && circle.Member == member {
				return circle, ""
			}
		}
		return msn.Circle{}, noCircle(which, member)
	}
	var named []msn.Circle
	for _, circle := range circles {
		if circle.Member == member && strings.EqualFold(circleName(circle), oneLine(which)) {
			named = append(named, circle)
		}
	}
	switch len(named) {
	case 0:
		return msn.Circle{}, noCircle(which, member)
	case 1:
		return named[0], ""
	}
	return msn.Circle{}, severalOfName
}

// circleOfRoom returns the circle in whose room a command was given.
func circleOfRoom(ce *commands.Event, circles []msn.Circle) (msn.Circle, bool) {
	id, ok := msnid.ParseCirclePortalID(ce.Portal.ID)
	for _, circle := range circles {
		if ok && circle.ID == id && circle.Member {
			return circle, true
		}
	}
	return msn.Circle{}, false
}

func describeCircles(circles []msn.Circle, account, service string) string {
	if len(circles) == 0 {
		return fmt.Sprintf("%s belongs to no circle at %s. `!circles create`, with a name, makes one.", account, service)
	}
	lines := []string{fmt.Sprintf("The circles of %s at %s:", account, service)}
	for i, circle := range circles {
		lines = append(lines, fmt.Sprintf("%d. %s", i+1, describeCircle(circle)))
	}
	return strings.Join(lines, "\n")
}

func describeCircle(circle msn.Circle) string {
	text := quoted(circleName(circle))
	if !circle.Member {
		return text + ": you are invited. Use `!circles accept` or `!circles decline` with its number."
	}
	joined, invited := 0, 0
	for _, member := range circle.Members {
		if member.Invited {
			invited++
		} else {
			joined++
		}
	}
	switch {
	case !circle.Entered:
		text += ": the service has not let you in yet, or does not; what is said there is not carried"
	case !circle.Complete:
		text += fmt.Sprintf(": %d others are there now", len(circle.Present))
	case joined == 0:
		text += ": only you"
	default:
		text += fmt.Sprintf(": you and %d more, %d of them there now", joined, len(circle.Present))
	}
	if invited > 0 {
		text += fmt.Sprintf(", %d invited", invited)
	}
	if circle.Admin {
		text += "; you are an administrator"
	}
	return text
}

// answerCircle does what was ordered with a circle and returns the sentence that says
// what became of it.
func (c *Client) answerCircle(ctx context.Context, session *msn.Client, circle msn.Circle, order string) string {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	name := quoted(circleName(circle))
	var err error
	var done string
	switch order {
	case "leave":
		was := c.meta().get().Circles[circle.ID]
		c.noteCircle(ctx, circle.ID, "") // who leaves by a command need not be told in the room
		err, done = session.LeaveCircle(ctx, circle.ID), fmt.Sprintf("You have left the circle %s. Its room stays until you leave it too.", name)
		if err != nil {
			c.noteCircle(ctx, circle.ID, was)
		}
	case "accept":
		err, done = session.AnswerCircle(ctx, circle.ID, true), fmt.Sprintf("You belong to the circle %s now. It has a room of its own.", name)
	default:
		err, done = session.AnswerCircle(ctx, circle.ID, false), fmt.Sprintf("The invitation into the circle %s is declined.", name)
	}
	if err == nil {
		return done
	}
	zerolog.Ctx(ctx).Info().Err(err).Str("order", order).Msg("Circle was not changed")
	if order == "leave" && circle.Admin && errors.Is(err, msn.ErrBusy) {
		return fmt.Sprintf("You have not left %s: services let nobody leave a circle of which they are the only administrator.", name)
	}
	_, why := explain(err, circleFailures, c.subject(name))
	return why
}

func (c *Client) createCircle(ctx context.Context, session *msn.Client, name string) string {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	name = oneLine(name)
	switch {
	case name == "":
		return "A circle needs a name: write it behind, as in `!circles create Friends of mine`."
	case len(name) > msn.MaxCircleName:
		return fmt.Sprintf("That name is too long: shorten it to %d of its %d characters.",
			utf8.RuneCountInString(strings.ToValidUTF8(name[:msn.MaxCircleName], "")), utf8.RuneCountInString(name))
	}
	if _, err := session.CreateCircle(ctx, name); err != nil {
		zerolog.Ctx(ctx).Info().Err(err).Msg("Circle was not made")
		_, why := explain(err, circleFailures, c.subject(quoted(name)))
		return why
	}
	return fmt.Sprintf("There is a new circle %s, with a room of its own. Write `!invite bob@example.com` there to invite somebody.", quoted(name))
}
