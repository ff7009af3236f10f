package service

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/rs/zerolog"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/session"
	"matrix-msn/msn"
	"matrix-msn/msn/wire"
)

const endpointsUsage = "Write `!places` to list the places where your account is signed in, `!places out 2` to sign it out at the second one, " +
	"or `!places out all` at all but this bridge."

// endpointKinds are the kinds of endpoints for people to read.
var endpointKinds = map[msn.EndpointKind]string{
	msn.EndpointComputer: "computer", msn.EndpointWeb: "web browser", msn.EndpointMobile: "mobile device", msn.EndpointXbox: "Xbox",
}

// Places lists where the account is signed in, and signs it out there.
func Places(c *call.Call) {
	word, rest := call.CutWord(c.Text)
	login, client, ok := c.Session()
	if !ok {
		return
	}
	service := login.Account.Service.Name
	if client.Dialect() < wire.FirstEndpoints {
		c.Say("In the version of the protocol that is spoken with %s (%v) an account is signed in at one place, and this bridge is it: "+
			"each sign-in ends the one before. %v and later have several.", service, client.Dialect(), wire.FirstEndpoints)
		return
	}
	endpoints := client.Endpoints()
	switch {
	case word == "":
		c.Say("%s", describeEndpoints(endpoints, login.Account.Identity.Account, service))
	case strings.EqualFold(word, "out") && strings.EqualFold(rest, "all"):
		c.Say("%s", signOutEndpoints(c.Ctx, client, endpoints))
	case strings.EqualFold(word, "out"):
		n, err := strconv.Atoi(rest)
		if err != nil || n < 1 || n > len(endpoints) {
			c.Say("Which one? %s", endpointsUsage)
			return
		}
		if endpoints[n-1].Here {
			c.Say("That is this bridge. Use `$cmdprefix logout` to sign it out.")
			return
		}
		c.Say("%s", signOutEndpoints(c.Ctx, client, endpoints[n-1:n]))
	default:
		c.Say("%s", endpointsUsage)
	}
}

func describeEndpoints(endpoints []msn.Endpoint, account, service string) string {
	lines := []string{fmt.Sprintf("%s is signed in to %s at %d places:", account, service, len(endpoints))}
	if len(endpoints) == 1 {
		lines[0] = fmt.Sprintf("%s is signed in to %s here only:", account, service)
	}
	for i, p := range endpoints {
		lines = append(lines, fmt.Sprintf("%d. %s", i+1, describeEndpoint(p)))
	}
	return strings.Join(lines, "\n")
}

func describeEndpoint(p msn.Endpoint) string {
	name := names.Unlinked(names.Clean(p.Name))
	if name == "" {
		name = "a place without name"
	}
	details := []string{endpointKinds[p.Kind], call.StatusWords[p.Status]}
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

// signOutEndpoints signs the account out at all but this one.
func signOutEndpoints(ctx context.Context, client *msn.Client, endpoints []msn.Endpoint) string {
	ctx, cancel := context.WithTimeout(ctx, session.RequestTimeout)
	defer cancel()
	var asked, failed []string
	var cause error
	for _, p := range endpoints {
		if p.Here {
			continue
		}
		if err := client.SignOutEndpoint(ctx, p.ID); err != nil {
			zerolog.Ctx(ctx).Info().Err(err).Msg("Endpoint was not signed out")
			failed, cause = append(failed, describeEndpoint(p)), err
			continue
		}
		asked = append(asked, describeEndpoint(p))
	}
	switch {
	case len(failed) > 0:
		return reason.Of(cause, reason.SignOut, reason.Subject{Name: strings.Join(failed, ", ")}).Sentence
	case len(asked) == 0:
		return "There is no other place to sign out."
	}
	return fmt.Sprintf("Asked to sign out: %s. `!places` shows when it is done.", strings.Join(asked, ", "))
}
