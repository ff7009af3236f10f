package people

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/msn"
	"matrix-msn/msn/wire"
)

const circlesUsage = "Write `!circles` to list your circles, `!circles accept 2` or `!circles decline 2` to answer the invitation into the second one, " +
	"`!circles leave 2` to leave it, or `!circles create Friends of mine` to make one. " +
	"`!invite bob@example.com` in the room of a circle invites somebody."

// Circles lists the user's circles, answers invitations, leaves and makes circles.
func Circles(c *call.Call) {
	word, rest := call.CutWord(c.Text)
	login, client, ok := c.Session()
	if !ok {
		return
	}
	service := login.Account.Service.Name
	if !client.CarriesCircles() {
		c.Say("The version of the protocol that is spoken with %s (%v) carries no circles: that takes %v. Group chats work in all: see `$cmdprefix help create-group`.",
			service, client.Dialect(), wire.FirstPrefixed)
		return
	}
	circles := client.Circles()
	slices.SortFunc(circles, func(a, b msn.Circle) int { return strings.Compare(a.ID, b.ID) })
	switch word = strings.ToLower(word); word {
	case "":
		ids := make([]string, 0, len(circles))
		for _, circle := range circles {
			ids = append(ids, circle.ID)
		}
		login.ShownCircles.Set(ids)
		c.Say("%s", describeCircles(circles, login.Account.Identity.Account, service))
	case "accept", "decline", "leave":
		circle, why := pick(&login.ShownCircles, circles, rest, word == "leave")
		if word == "leave" && rest == "" && c.Portal != nil {
			if own, ok := circleOfRoom(c, circles); ok {
				circle, why = own, ""
			}
		}
		if why != "" {
			c.Say("%s", why)
			return
		}
		c.Say("%s", login.Circles.Answer(c.Ctx, client, circle, word))
	case "create":
		c.Say("%s", login.Circles.Create(c.Ctx, client, rest))
	default:
		c.Say("%s", circlesUsage)
	}
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
	return fmt.Sprintf("There is no %s with the number or name %s. Write `!circles` to see what there is.", kind, names.Quoted(names.Clean(which)))
}

// pick returns the circle that is named by its number in the list that was shown or
// its name, among those of which the user is a member, or those that they are invited
// into. why says to the user why there is none.
func pick(shown *call.Shown, circles []msn.Circle, which string, member bool) (circle msn.Circle, why string) {
	if n, err := strconv.Atoi(which); err == nil {
		id, listed := shown.At(n)
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
		if circle.Member == member && strings.EqualFold(names.Circle(circle), names.OneLine(which)) {
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
func circleOfRoom(c *call.Call, circles []msn.Circle) (msn.Circle, bool) {
	id, ok := msnid.ParseCirclePortalID(c.Portal.ID)
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
	text := names.Quoted(names.Circle(circle))
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
