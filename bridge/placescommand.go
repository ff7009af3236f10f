package bridge

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/commands"

	"matrix-msn/msn"
	"matrix-msn/msn/wire"
)

const placesUsage = "Write `!places` to list the places where your account is signed in, `!places out 2` to sign it out at the second one, " +
	"or `!places out all` at all but this bridge."

// placeKinds are the kinds of places for people to read.
var placeKinds = map[msn.PlaceKind]string{
	msn.PlaceComputer: "computer", msn.PlaceWeb: "web browser", msn.PlaceMobile: "mobile device", msn.PlaceXbox: "Xbox",
}

// fnPlaces lists where the account is signed in, and signs it out there.
func (c *Connector) fnPlaces(ce *commands.Event) {
	given := make(options)
	word, rest := cutWord(given.take(typedArguments(ce), loginOption))
	client, session, ok := c.sessionFor(ce, given[loginOption])
	if !ok {
		return
	}
	service := client.serviceOrUnknown().name
	if session.Dialect() < wire.FirstPlaces {
		say(ce, "In the version of the protocol that is spoken with %s (%v) an account is signed in at one place, and this bridge is it: "+
			"each sign-in ends the one before. %v and later have several.", service, session.Dialect(), wire.FirstPlaces)
		return
	}
	places := session.Places()
	switch {
	case word == "":
		say(ce, "%s", describePlaces(places, client.identity.Account, service))
	case strings.EqualFold(word, "out") && strings.EqualFold(rest, "all"):
		say(ce, "%s", signOutPlaces(ce.Ctx, session, places))
	case strings.EqualFold(word, "out"):
		n, err := strconv.Atoi(rest)
		if err != nil || n < 1 || n > len(places) {
			say(ce, "Which one? %s", placesUsage)
			return
		}
		if places[n-1].Here {
			say(ce, "That is this bridge. Use `$cmdprefix logout` to sign it out.")
			return
		}
		say(ce, "%s", signOutPlaces(ce.Ctx, session, places[n-1:n]))
	default:
		say(ce, "%s", placesUsage)
	}
}

func describePlaces(places []msn.Place, account, service string) string {
	lines := []string{fmt.Sprintf("%s is signed in to %s at %d places:", account, service, len(places))}
	if len(places) == 1 {
		lines[0] = fmt.Sprintf("%s is signed in to %s here only:", account, service)
	}
	for i, p := range places {
		lines = append(lines, fmt.Sprintf("%d. %s", i+1, describePlace(p)))
	}
	return strings.Join(lines, "\n")
}

func describePlace(p msn.Place) string {
	name := cleanName(p.Name)
	if name == "" {
		name = "a place without name"
	}
	details := []string{placeKinds[p.Kind], statusWords[p.Status]}
	if p.Here {
		details = []string{"this bridge"}
	} else if p.Idle {
		details = append(details, "nobody there")
	}
	var known []string
	for _, detail := range details {
		if detail != "" {
			known = append(known, detail)
		}
	}
	if len(known) == 0 {
		return name
	}
	return name + " (" + strings.Join(known, ", ") + ")"
}

// signOutPlaces signs the account out at those that are not this one.
func signOutPlaces(ctx context.Context, session *msn.Client, places []msn.Place) string {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var asked, failed []string
	for _, p := range places {
		if p.Here {
			continue
		}
		if err := session.SignOutPlace(ctx, p.ID); err != nil {
			zerolog.Ctx(ctx).Info().Err(err).Msg("Place was not signed out")
			failed = append(failed, describePlace(p))
			continue
		}
		asked = append(asked, describePlace(p))
	}
	switch {
	case len(failed) > 0:
		return fmt.Sprintf("The service did not pass it on to %s. Try again in a minute.", strings.Join(failed, ", "))
	case len(asked) == 0:
		return "There is no other place to sign out."
	}
	return fmt.Sprintf("Asked to sign out: %s. `!places` shows when it is done.", strings.Join(asked, ", "))
}
