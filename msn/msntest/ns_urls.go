package msntest

import (
	"strconv"
	"strings"

	"matrix-msn/msn/wire"
)

// URL: the pages of the service (protocol/07-misc-founding-spec.md, section 2).

// postURL is the log-in page that clients post their form to.
const postURL = "https://loginnet.passport.com/ppsecure/md5auth.srf?lc=1033"

// argumentKind says what follows a name in URL.
type argumentKind uint8

const (
	noArgument argumentKind = iota
	maybeAddress
	locale // literal, "0x" and four digits
)

// servicePage is one page of the service.
type servicePage struct {
	target   string // %l is the locale in decimal, %x as the client wrote it
	site     string
	argument argumentKind
	min, max wire.Dialect // in which it can be asked for
}

// servicePages are the eight names of the founding specification, which every
// dialect has here, and those that came later. Letter case counts.
var servicePages = map[string]servicePage{
	"INBOX":   {"/cgi-bin/HoTMaiL", "2", noArgument, 2, 12},
	"FOLDERS": {"/cgi-bin/folders", "2", noArgument, 2, 12},
	"COMPOSE": {"/cgi-bin/compose", "2", maybeAddress, 2, 12},
	"PROFILE": {"http://members.msn.com/Edit.asp?lc=%l", "4263", locale, 2, 12},
	"CHGMOB":  {"http://mobile.msn.com/hotmail/confirmUser.asp?URL=%2Fmessengerok.htm&mobID=1", "961", noArgument, 2, 12},
	"PERSON":  {"https://register.passport.com/memberservices.srf?lc=%l", "956", locale, 2, 12},
	"CHAT":    {"http://chat.msn.com/Messenger.msnw?lc=%l", "2260", locale, 2, 12},

	"PASSWORD":   {"https://register.passport.com/changepw.srf", "956", noArgument, 2, 12},
	"MESSAGE":    {"/cgi-bin/getmsg", "2", noArgument, 2, 12},
	"MOBILE":     {"http://mobile.msn.com/hotmail/confirmUser.asp?URL=%2Fmessengerok.htm&mobID=1", "961", noArgument, 5, 12},
	"N2PACCOUNT": {"https://ocs.net2phone.com/account/msnaccount/default.asp?_lang=%x", "2823", locale, 6, 6},
	"N2PFUND":    {"https://ocs.net2phone.com/account/msnaccount/fund.asp?_lang=%x", "2823", locale, 6, 6},
	"ADDRBOOK":   {"/cgi-bin/addresses", "2", noArgument, 8, 12},
	"ADVSEARCH":  {"http://members.msn.com/advsearch.asp", "4263", noArgument, 8, 12},
	"INTSEARCH":  {"http://members.msn.com/intsearch.asp", "4263", noArgument, 8, 12},
}

func (s *Server) url(c *conn, trid string, cmd wire.Command) {
	if !s.is.servicePages {
		c.reply("URL", trid, "/unused1", "/unused2", "1")
		return
	}
	page, known := servicePages[cmd.Arg(1)]
	if !known || c.dialect < page.min || c.dialect > page.max || len(cmd.Args) > 3 {
		c.fail("201", trid)
		return
	}
	target, ok := page.address(cmd.Arg(2))
	if !ok {
		c.fail("201", trid)
		return
	}
	if c.dialect < wire.FirstLocale {
		c.reply("URL", trid, target, postURL)
		return
	}
	c.reply("URL", trid, target, postURL, page.site)
}

// address returns where the page is; it reports false for an argument that does
// not belong to it.
func (p servicePage) address(argument string) (string, bool) {
	switch p.argument {
	case locale:
		lcid, ok := parseLocale(argument)
		if !ok || len(argument) != len("0x0409") {
			return "", false
		}
		target := strings.ReplaceAll(p.target, "%l", strconv.FormatUint(lcid, 10))
		return strings.ReplaceAll(target, "%x", argument), true
	case maybeAddress:
		if argument == "" {
			return p.target, true
		}
		to := strings.NewReplacer("@", "%40", ".", "%2e").Replace(argument)
		return p.target + "?mailto=1&to=" + to, isAddress(argument)
	}
	return p.target, argument == ""
}

// parseLocale reads a locale as CVR, URL and SND have it: "0x0409" or "0x409".
func parseLocale(s string) (uint64, bool) {
	digits, ok := strings.CutPrefix(s, "0x")
	if !ok || len(digits) < 3 || len(digits) > 4 {
		return 0, false
	}
	lcid, err := strconv.ParseUint(digits, 16, 16)
	return lcid, err == nil
}

// isAddress reports whether s looks like an e-mail address.
func isAddress(s string) bool {
	name, host, ok := strings.Cut(s, "@")
	return ok && name != "" && host != "" && !strings.Contains(host, "@")
}
