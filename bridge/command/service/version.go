package service

import (
	"context"
	"fmt"
	"strings"

	"github.com/rs/zerolog"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/session"
	"matrix-msn/bridge/words"
	"matrix-msn/msn"
)

// ClientVersion shows what the service is told about the client, and what it says
// to that. With "announce" it is told again.
func ClientVersion(c *call.Call) {
	word := strings.TrimSpace(c.Text)
	if word != "" && !strings.EqualFold(word, "announce") {
		c.Tell("command.service.write_client_version_to_see_what")
		return
	}
	login, client, ok := c.Session()
	if !ok {
		return
	}
	version, known := client.Version()
	done := words.Text("command.service.announces_itself_to")
	if word != "" {
		asking, cancel := context.WithTimeout(c.Ctx, session.RequestTimeout)
		defer cancel()
		var err error
		if version, err = client.AnnounceVersion(asking); err != nil {
			zerolog.Ctx(c.Ctx).Info().Err(err).Msg("Version was not announced")
			sentence := reason.Of(err, reason.Request, login.Account.About(words.Text("command.service.the_version"))).Sentence
			c.Say("%s", sentence)
			return
		}
		if done = words.Text("command.service.has_announced_itself_to"); known {
			done += " again,"
		}
		known = true
	}
	identity := client.Identity()
	service := login.Account.Service.Name
	lines := []string{
		fmt.Sprintf(words.Text("command.service.the_bridge_as_on_language", done), service,
			identity.Client, identity.Version, identity.Brand, identity.OS, identity.OSVer, identity.Arch, identity.Locale),
		words.Text("command.service.the_version_of_the_protocol_spoken", client.Dialect()),
	}
	if !known {
		lines = append(lines, words.Text("command.service.it_has_not_been_announced_in", service))
	} else {
		lines = append(lines, describeVersion(version, identity.Version, service)...)
	}
	if c.User.Permissions.Admin {
		lines = append(lines, words.Text("command.service.what_is_announced_you_choose_with", login.Account.Identity.Service))
	} else {
		lines = append(lines, words.Text("command.service.the_admin_of_this_bridge_chooses"))
	}
	c.Say("%s", strings.Join(lines, "\n"))
}

// describeVersion says what a service answered to the announcement of version own.
func describeVersion(v msn.Version, own, service string) (lines []string) {
	field := func(s string) string { return names.Field(s) }
	switch {
	case v.Unrecognised():
		lines = append(lines, words.Text("command.service.does_not_recognise_this_client_and", service))
	case v.Newer(own):
		lines = append(lines, words.Text("command.service.recommends_version", service, field(v.Recommended)))
	default:
		lines = append(lines, words.Text("command.service.recommends_version_which_needs_no_change", service, field(v.Recommended)))
	}
	switch {
	case v.Outdated(own):
		lines = append(lines, words.Text("command.service.it_demands_version_at_least_some", field(v.Minimum)))
	case v.Minimum != "":
		lines = append(lines, words.Text("command.service.the_oldest_version_that_it_accepts", field(v.Minimum)))
	}
	if link := safeLinkOrNothing(v.DownloadURL); link != "" {
		lines = append(lines, "Download: "+link)
	}
	if link := safeLinkOrNothing(v.InfoURL); link != "" {
		lines = append(lines, "Information: "+link)
	}
	return lines
}
