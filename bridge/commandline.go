package bridge

import (
	"fmt"
	"html"
	"slices"
	"strings"
	"unicode"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/commands"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/msgconv"
	"matrix-msn/bridge/msnid"
	"matrix-msn/msn"
)

// say answers a command with plain text: names and texts of others make no markup.
func say(ce *commands.Event, format string, args ...any) {
	ce.ReplyAdvanced(strings.ReplaceAll(fmt.Sprintf(format, args...), "$cmdprefix", ce.Bridge.Config.CommandPrefix), false, false)
}

// linkNotice is a notice with a sentence and a link. The link has the form of
// msgconv.SafeLink.
func linkNotice(sentence, word, link string) *event.MessageEventContent {
	return &event.MessageEventContent{
		MsgType:       event.MsgNotice,
		Body:          sentence + "\n" + word + ": " + link,
		Format:        event.FormatHTML,
		FormattedBody: strings.ReplaceAll(html.EscapeString(sentence), "\n", "<br>") + `<br><a href="` + html.EscapeString(link) + `">` + word + "</a>",
		Mentions:      &event.Mentions{},
	}
}

// typedArguments returns what was typed behind the name of a command, with its
// blanks and line ends. The framework cuts the name off only when it was typed in
// lower case.
func typedArguments(ce *commands.Event) string {
	raw := strings.TrimSpace(ce.RawArgs)
	if len(strings.Fields(raw)) > len(ce.Args) {
		_, raw = cutWord(raw)
	}
	return raw
}

// cutWord returns the first word of a text and what comes behind the blanks after
// it.
func cutWord(s string) (word, rest string) {
	s = strings.TrimSpace(s)
	end := strings.IndexFunc(s, unicode.IsSpace)
	if end < 0 {
		return s, ""
	}
	return s[:end], strings.TrimSpace(s[end:])
}

// options are the options of one command: names with values.
type options map[string]string

// loginOption names the account that a command is for.
const loginOption = "login"

// take reads the options at the beginning of a text: "--name value" or
// "--name=value". Some keyboards make a dash of two hyphens. What is no option of
// this command ends them.
func (o options) take(s string, names ...string) (rest string) {
	for {
		word, after := cutWord(s)
		option, ok := strings.CutPrefix(strings.Replace(word, "—", "--", 1), "--")
		if !ok {
			return s
		}
		name, value, given := strings.Cut(option, "=")
		if name = strings.ToLower(name); !slices.Contains(names, name) {
			return s
		}
		if !given {
			value, after = cutWord(after)
		}
		o[name], s = value, after
	}
}

// clientFor returns the login that a command is for: the one that is named, that of
// the room, or the only one. It answers when there is none.
func (c *Connector) clientFor(ce *commands.Event, named string) (*Client, bool) {
	if named != "" {
		login, ok := ownLogin(ce, named)
		if !ok {
			return nil, false
		}
		return login.Client.(*Client), true
	}
	if ce.Portal != nil && ce.Portal.Receiver != "" {
		login := ce.Bridge.GetCachedUserLoginByID(ce.Portal.Receiver)
		if login != nil && login.UserMXID == ce.User.MXID {
			return login.Client.(*Client), true
		}
	}
	logins := ce.User.GetUserLogins()
	switch len(logins) {
	case 0:
		say(ce, "You are not logged in to MSN. Use `$cmdprefix login` first.")
		return nil, false
	case 1:
		return logins[0].Client.(*Client), true
	}
	say(ce, "You have several accounts: name the one to use right behind the command, as in --login %s. You have %s.",
		loginNames(logins[:1]), loginNames(logins))
	return nil, false
}

func loginNames(logins []*bridgev2.UserLogin) string {
	names := make([]string, len(logins))
	for i, login := range logins {
		names[i] = string(login.ID)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// sessionFor returns the login that a command is for, as clientFor does, with its
// session. It answers when there is none.
func (c *Connector) sessionFor(ce *commands.Event, named string) (*Client, *msn.Client, bool) {
	client, ok := c.clientFor(ce, named)
	if !ok {
		return nil, nil, false
	}
	session, ok := sessionOf(ce, client)
	return client, session, ok
}

// sessionOf returns the session of a login. It answers when there is none.
func sessionOf(ce *commands.Event, client *Client) (*msn.Client, bool) {
	client.mu.Lock()
	session, problem := client.session, client.problem
	client.mu.Unlock()
	switch {
	case session != nil:
		return session, true
	case problem != nil:
		say(ce, "You are not signed in to MSN as %s. %s", client.identity.Account, problem.sentence)
	default:
		say(ce, "The bridge is just signing in to %s as %s. Try again in a moment.", client.serviceOrUnknown().name, client.identity.Account)
	}
	return nil, false
}

// contactOfRoom returns the contact whose room a command was given in, or "".
func contactOfRoom(ce *commands.Event, client *Client) string {
	if ce.Portal == nil || ce.Portal.Receiver != client.login.ID {
		return ""
	}
	account, _ := msnid.ParseDMPortalID(ce.Portal.ID)
	return account
}

// isAddress reports whether a word is meant as an e-mail address where it could be
// text as well: one whose domain has a dot. It returns its clean form.
func isAddress(word string) (string, bool) {
	account, err := msnid.ParseAccount(word)
	if err != nil {
		return "", false
	}
	_, domain, _ := strings.Cut(account, "@")
	return account, strings.Contains(strings.Trim(domain, "."), ".")
}

// telPrefix marks a telephone number.
const telPrefix = "tel:"

// Bounds of a telephone number in digits. The longest are those of E.164 with some
// room; shorter ones are more likely text, as in "+1".
const (
	minDigits = 5
	maxDigits = 20
)

// isNumber reports whether a word is meant as an international telephone number,
// with "tel:" or "+" before it. It returns the form "tel:+15551112222".
func isNumber(word string) (string, bool) {
	number, marked := strings.CutPrefix(strings.ToLower(word), telPrefix)
	number, plus := strings.CutPrefix(number, "+")
	digits, ok := digitsOf(number)
	if !marked && !plus || !ok || len(digits) < minDigits {
		return "", false
	}
	return telPrefix + "+" + digits, true
}

// digitsOf returns a number without the signs that people write between digits. It
// reports false for what is no number.
func digitsOf(s string) (string, bool) {
	digits := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -.()/", r) {
			return -1
		}
		return r
	}, strings.TrimPrefix(s, "+"))
	ok := digits != "" && len(digits) <= maxDigits && strings.Trim(digits, "0123456789") == ""
	return digits, ok
}

// safeLinkOrNothing is msgconv.SafeLink for where there may be none.
func safeLinkOrNothing(address string) string {
	link, _ := msgconv.SafeLink(address)
	return link
}
