package msntest

import (
	"strings"

	"matrix-msn/msn/wire"
)

// CVR and CVQ: the versions of clients (protocol/07-misc-founding-spec.md,
// section 1).

// Addresses in the answer to CVR: nothing is to be had there.
const (
	downloadURL = "http://messenger.example.com/download"
	infoURL     = "http://messenger.example.com"
)

// unrecognised is the version that clients hear which the server does not know.
const unrecognised = "1.0.0000"

// officialClients are the names of clients that judgesVersions knows, in capitals.
var officialClients = map[string]bool{"MSMSGS": true, "MSNMSGR": true, "MSG80BETA": true}

func (s *Server) cvr(c *conn, trid string, cmd wire.Command) {
	params := cmd.Args[1:]
	if !s.is.judgesVersions {
		if len(params) < 6 {
			return
		}
		c.cvr = true
		c.reply(cmd.Verb, trid, params[5], params[5], params[5], infoURL, infoURL)
	} else {
		// More parameters than the dialect has are passed over.
		if len(params) < cvrParams(c.dialect) || len(params) > 8 || params[5] == "" {
			c.fail("710", trid)
			c.hangUp()
			return
		}
		c.cvr = true
		c.reply(cmd.Verb, append([]string{trid}, s.versions(params[4], params[5])...)...)
	}
	if cmd.Verb == "CVQ" && !c.versions {
		c.hangUp()
	}
}

// cvrParams is how many parameters CVR has in a dialect, besides the TrID.
func cvrParams(d wire.Dialect) int {
	switch {
	case d < wire.FirstBrand: // before VER too
		return 6
	case d < wire.FirstTweener:
		return 7
	}
	return 8
}

// versions is the answer to a client: the version to use, twice, the oldest that
// may be used, and two addresses.
func (s *Server) versions(client, version string) []string {
	minimum := unrecognised
	switch {
	case !officialClients[strings.ToUpper(client)]:
		version = unrecognised
	case s.opt.recommended != "":
		version = s.opt.recommended
		if s.opt.minimum != "" {
			minimum = s.opt.minimum
		}
	}
	return []string{version, version, minimum, downloadURL, infoURL}
}
