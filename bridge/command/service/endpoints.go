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
	"matrix-msn/bridge/words"
	"matrix-msn/msn"
	"matrix-msn/msn/wire"
)

const endpointsUsage = "command.service.write_places_to_list_the_places"

// endpointKinds are the kinds of endpoints for people to read.
var endpointKinds = map[msn.EndpointKind]string{
	msn.EndpointComputer: "computer", msn.EndpointWeb: words.Text("command.service.web_browser"), msn.EndpointMobile: words.Text("command.service.mobile_device"), msn.EndpointXbox: "Xbox",
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
		c.Tell("command.service.in_the_version_of_the_protocol", service, client.Dialect(), wire.FirstEndpoints)
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
			c.Tell("command.service.which_one", words.Text(endpointsUsage))
			return
		}
		if endpoints[n-1].Here {
			c.Tell("command.service.that_is_this_bridge_use_logout")
			return
		}
		c.Say("%s", signOutEndpoints(c.Ctx, client, endpoints[n-1:n]))
	default:
		c.Say("%s", words.Text(endpointsUsage))
	}
}

func describeEndpoints(endpoints []msn.Endpoint, account, service string) string {
	lines := []string{words.Count("command.service.places", len(endpoints), account, service)}
	for i, p := range endpoints {
		lines = append(lines, fmt.Sprintf("%d. %s", i+1, describeEndpoint(p)))
	}
	return strings.Join(lines, "\n")
}

func describeEndpoint(p msn.Endpoint) string {
	name := names.Unlinked(names.Clean(p.Name))
	if name == "" {
		name = words.Text("command.service.a_place_without_name")
	}
	details := []string{endpointKinds[p.Kind], call.StatusWords[p.Status]}
	if p.Here {
		details = []string{words.Text("command.service.this_bridge")}
	} else if p.Idle {
		details = append(details, words.Text("command.service.nobody_there"))
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
		return words.Text("command.service.there_is_no_other_place_to")
	}
	return words.Text("command.service.asked_to_sign_out_places_shows", strings.Join(asked, ", "))
}
