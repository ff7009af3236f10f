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
	"matrix-msn/msn"
)

// ClientVersion shows what the service is told about the client, and what it says
// to that. With "announce" it is told again.
func ClientVersion(c *call.Call) {
	word := strings.TrimSpace(c.Text)
	if word != "" && !strings.EqualFold(word, "announce") {
		c.Say("Write `!client-version` to see what is announced, or `!client-version announce` to announce it again.")
		return
	}
	login, client, ok := c.Session()
	if !ok {
		return
	}
	version, known := client.Version()
	done := "announces itself to %s"
	if word != "" {
		asking, cancel := context.WithTimeout(c.Ctx, session.RequestTimeout)
		defer cancel()
		var err error
		if version, err = client.AnnounceVersion(asking); err != nil {
			zerolog.Ctx(c.Ctx).Info().Err(err).Msg("Version was not announced")
			sentence := reason.Of(err, reason.Request, login.Account.About("the version")).Sentence
			c.Say("%s", sentence)
			return
		}
		if done = "has announced itself to %s"; known {
			done += " again,"
		}
		known = true
	}
	identity := client.Identity()
	service := login.Account.Service.Name
	lines := []string{
		fmt.Sprintf("The bridge "+done+" as %s %s (%s) on %s %s %s, language %s.", service,
			identity.Client, identity.Version, identity.Brand, identity.OS, identity.OSVer, identity.Arch, identity.Locale),
		fmt.Sprintf("The version of the protocol spoken is %v.", client.Dialect()),
	}
	if !known {
		lines = append(lines, fmt.Sprintf("It has not been announced in this session. `!client-version announce` asks %s what it says to it.", service))
	} else {
		lines = append(lines, describeVersion(version, identity.Version, service)...)
	}
	if c.User.Permissions.Admin {
		lines = append(lines, fmt.Sprintf("What is announced you choose with network.services.%s.client.", login.Account.Identity.Service))
	} else {
		lines = append(lines, "The admin of this bridge chooses what is announced.")
	}
	c.Say("%s", strings.Join(lines, "\n"))
}

// describeVersion says what a service answered to the announcement of version own.
func describeVersion(v msn.Version, own, service string) (lines []string) {
	field := func(s string) string { return names.Field(s) }
	switch {
	case v.Unrecognised():
		lines = append(lines, fmt.Sprintf("%s does not recognise this client, and goes on all the same.", service))
	case v.Newer(own):
		lines = append(lines, fmt.Sprintf("%s recommends version %s.", service, field(v.Recommended)))
	default:
		lines = append(lines, fmt.Sprintf("%s recommends version %s, which needs no change.", service, field(v.Recommended)))
	}
	switch {
	case v.Outdated(own):
		lines = append(lines, fmt.Sprintf("It demands version %s at least: some things may not work.", field(v.Minimum)))
	case v.Minimum != "":
		lines = append(lines, fmt.Sprintf("The oldest version that it accepts is %s.", field(v.Minimum)))
	}
	if link := safeLinkOrNothing(v.DownloadURL); link != "" {
		lines = append(lines, "Download: "+link)
	}
	if link := safeLinkOrNothing(v.InfoURL); link != "" {
		lines = append(lines, "Information: "+link)
	}
	return lines
}
