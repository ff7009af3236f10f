package people

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/words"
	"matrix-msn/msn"
	"matrix-msn/msn/wire"
)

const circlesUsage = "command.people.write_circles_to_list_your_circles"

// Circles lists the user's circles, answers invitations, leaves and makes circles.
func Circles(c *call.Call) {
	word, rest := call.CutWord(c.Text)
	login, client, ok := c.Session()
	if !ok {
		return
	}
	service := login.Account.Service.Name
	if !client.CarriesCircles() {
		c.Tell("command.people.the_version_of_the_protocol_that",
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
		c.Say("%s", words.Text(circlesUsage))
	}
}

// Why a circle cannot be told from what was typed.
const (
	noList        = "command.people.write_circles_first_the_numbers_are"
	severalOfName = "command.people.there_are_several_circles_of_that"
)

// noCircle says that a circle of that number or name is none that can be left, or whose
// invitation can be answered.
func noCircle(which string, member bool) string {
	kind := words.Text("command.people.invitation_into_a_circle")
	if member {
		kind = words.Text("command.people.circle_that_you_belong_to")
	}
	if which == "" {
		return words.Text("command.people.which_one") + " " + words.Text(circlesUsage)
	}
	return words.Text("command.people.there_is_no_with_the_number", kind, names.Quoted(names.Clean(which)))
}

// pick returns the circle that is named by its number in the list that was shown or
// its name, among those of which the user is a member, or those that they are invited
// into. why says to the user why there is none.
func pick(shown *call.Shown, circles []msn.Circle, which string, member bool) (circle msn.Circle, why string) {
	if n, err := strconv.Atoi(which); err == nil {
		id, listed := shown.At(n)
		if !listed {
			return msn.Circle{}, words.Text(noList)
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
	return msn.Circle{}, words.Text(severalOfName)
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
		return words.Text("command.people.belongs_to_no_circle_at_circles", account, service)
	}
	lines := []string{words.Text("command.people.the_circles_of_at", account, service)}
	for i, circle := range circles {
		lines = append(lines, fmt.Sprintf("%d. %s", i+1, describeCircle(circle)))
	}
	return strings.Join(lines, "\n")
}

func describeCircle(circle msn.Circle) string {
	text := names.Quoted(names.Circle(circle))
	if !circle.Member {
		return words.Text("command.people.you_are_invited_use_circles_accept", text)
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
		text += words.Text("command.people.the_service_has_not_let_you")
	case !circle.Complete:
		text += words.Count("command.people.others_there", len(circle.Present))
	case joined == 0:
		text += words.Text("command.people.only_you")
	default:
		text += words.Text("command.people.you_and_more_of_them_there", joined, len(circle.Present))
	}
	if invited > 0 {
		text += fmt.Sprintf(", %d invited", invited)
	}
	if circle.Admin {
		text += words.Text("command.people.you_are_an_administrator")
	}
	return text
}
