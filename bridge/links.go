package bridge

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/commands"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/msgconv"
	"matrix-msn/bridge/msnid"
	"matrix-msn/msn"
)

// servicePages are the pages of a service that users can ask for, in the order in
// which they are listed.
var servicePages = []struct {
	name msn.URLName
	what string
}{
	{msn.URLInbox, "your inbox"},
	{msn.URLFolders, "your mail folders"},
	{msn.URLCompose, "writing a mail, to an address or not"},
	{msn.URLProfile, "editing your profile"},
	{msn.URLMobileSet, "your mobile settings"},
	{msn.URLPerson, "your account: password, secret question, data"},
	{msn.URLChat, "chat rooms"},
	{msn.URLPassword, "changing your password"},
	{msn.URLMessage, "messages"},
	{msn.URLMobile, "setting up MSN Mobile"},
	{msn.URLN2PAccount, "your Net2Phone account"},
	{msn.URLN2PFund, "paying for Net2Phone"},
	{msn.URLAddressBook, "your address book"},
	{msn.URLAdvSearch, "searching for people"},
	{msn.URLIntSearch, "searching by interests"},
}

func urlNames() string {
	names := make([]string, len(servicePages))
	for i, page := range servicePages {
		names[i] = string(page.name)
	}
	return strings.Join(names, ", ")
}

// urlName returns the name of a page as the protocol spells it, and what it opens.
func urlName(typed string) (name msn.URLName, what string, ok bool) {
	for _, page := range servicePages {
		if strings.EqualFold(typed, string(page.name)) {
			return page.name, page.what, true
		}
	}
	return "", "", false
}

// fnURL links to the page of the service that is named.
func (c *Connector) fnURL(ce *commands.Event) {
	given := make(options)
	word, argument := cutWord(given.take(typedArguments(ce), loginOption))
	if word == "" {
		var lines []string
		for _, page := range servicePages {
			lines = append(lines, fmt.Sprintf("%s: %s", page.name, page.what))
		}
		say(ce, "Write `!url` and the name of a page of the service:\n%s", strings.Join(lines, "\n"))
		return
	}
	name, what, ok := urlName(word)
	if !ok {
		_, sentence := explain(msn.ErrNoSuchURL, linkFailures, subject{target: shorten(oneLine(word), maxName)})
		say(ce, "%s", sentence)
		return
	}
	c.link(ce, given[loginOption], name, what, argument)
}

// fnPageLink returns the command of a name that links to one page.
func (c *Connector) fnPageLink(command string, name msn.URLName) func(*commands.Event) {
	return func(ce *commands.Event) {
		given := make(options)
		_, what, _ := urlName(string(name))
		if more := given.take(typedArguments(ce), loginOption); more != "" {
			say(ce, "Nothing can stand behind `!%[1]s` but --login and one of your accounts, and %[2]s is none of that. Write `!%[1]s` for a link to this page: %[3]s.",
				command, shorten(oneLine(more), maxName), what)
			return
		}
		c.link(ce, given[loginOption], name, what, "")
	}
}

// fnCompose links to the page where a mail is written.
func (c *Connector) fnCompose(ce *commands.Event) {
	given := make(options)
	word := given.take(typedArguments(ce), loginOption)
	if word == "" {
		c.link(ce, given[loginOption], msn.URLCompose, "writing a mail", "")
		return
	}
	address, err := msnid.ParseAccount(word)
	if err != nil {
		say(ce, "%s Write `!compose`, or `!compose carol@example.com`.", sentence(err))
		return
	}
	c.link(ce, given[loginOption], msn.URLCompose, "writing a mail to "+address, address)
}

// profilePage is where the member directory had everybody's profile (protocol/07,
// section 2.1). It has been gone since 2009.
const profilePage = "http://members.msn.com/default.msnw?mem="

// fnProfile links to the page where the user's own profile is edited, or to that of
// a contact.
func (c *Connector) fnProfile(ce *commands.Event) {
	given := make(options)
	word := given.take(typedArguments(ce), loginOption)
	client, ok := c.clientFor(ce, given[loginOption])
	if !ok {
		return
	}
	account := contactOfRoom(ce, client)
	if word != "" {
		var err error
		if account, err = msnid.ParseAccount(word); err != nil {
			say(ce, "%s Write `!profile` for your own, or `!profile bob@example.com`.", sentence(err))
			return
		}
	}
	if account == "" || account == client.identity.Account {
		c.link(ce, given[loginOption], msn.URLProfile, "editing your profile", "")
		return
	}
	link, ok := msgconv.SafeLink(profilePage + account)
	if !ok {
		say(ce, "%s cannot be part of a web address.", account)
		return
	}
	send(ce, linkNotice(fmt.Sprintf("This is where the member directory of MSN had the profile of %s. Services of today have no profiles, "+
		"so that the page may be gone.", account), "Profile", link))
}

// send answers a command with content.
func send(ce *commands.Event, content *event.MessageEventContent) {
	_, err := ce.Bot.SendMessage(ce.Ctx, ce.OrigRoomID, event.EventMessage, &event.Content{Parsed: content}, nil)
	if err != nil {
		ce.Log.Err(err).Msg("Failed to reply to command")
	}
}

// link asks the service for a page and answers with how to get there.
func (c *Connector) link(ce *commands.Event, login string, name msn.URLName, what, argument string) {
	client, session, ok := c.sessionFor(ce, login)
	if !ok {
		return
	}
	asking, cancel := context.WithTimeout(ce.Ctx, requestTimeout)
	defer cancel()
	page, err := session.ServiceURL(asking, name, argument)
	about := client.subject(string(name))
	switch {
	case err != nil:
		zerolog.Ctx(ce.Ctx).Info().Err(err).Str("name", string(name)).Msg("The service gave no link")
		_, sentence := explain(err, linkFailures, about)
		say(ce, "%s", sentence)
		return
	case page.Dummy():
		say(ce, "%s does not offer a page for %s: it answers with a placeholder.", about.service, what)
		return
	}
	form, err := session.LoginForm(page)
	if _, usable := loginTarget(form); err == nil && !usable {
		err = msn.ErrUntrusted
	}
	if err == nil && c.pages.available() {
		c.sendLoginLink(ce, client, page, what)
		return
	}
	sendPlainLink(ce, page, what, about.service, err)
}

// sendLoginLink makes a link to a page of the bridge that logs the user in, and
// sends it to the user's own chat with the bot: in a room others could follow it.
func (c *Connector) sendLoginLink(ce *commands.Event, client *Client, page msn.ServiceURL, what string) {
	room, err := ce.User.GetManagementRoom(ce.Ctx)
	if err == nil {
		link := c.pages.issue(ce.User.MXID, client, page)
		_, err = c.br.Bot.SendMessage(ce.Ctx, room, event.EventMessage, &event.Content{Parsed: linkNotice(
			fmt.Sprintf("This link is for %s at %s. It logs you in, once, within the next %s: give it to nobody.",
				what, client.serviceOrUnknown().name, inMinutes(loginPageLife)), "Open", link)}, nil)
	}
	if err != nil {
		zerolog.Ctx(ce.Ctx).Err(err).Msg("Failed to send a login link")
		say(ce, "The link could not be sent to your chat with the bot. Open a chat with the bot and ask again there.")
		return
	}
	if room != ce.OrigRoomID {
		say(ce, "The link logs you in, so it is not shown here: you find it in your chat with the bot.")
	}
}

// sendPlainLink answers with the link that does not log in. why is why there is no
// other, nil when the bridge has no public address.
func sendPlainLink(ce *commands.Event, page msn.ServiceURL, what, service string, why error) {
	note := "You may have to log in there."
	switch {
	case why == nil:
		note = "You have to log in there yourself: this bridge has no public address at which it could do that for you."
	case errors.Is(why, msn.ErrNoForm):
		note = fmt.Sprintf("You have to log in there yourself: %s gave the bridge nothing to log in on the web with.", service)
	case errors.Is(why, msn.ErrUntrusted):
		note = fmt.Sprintf("You have to log in there yourself: %s names a login page that the bridge does not trust with your password.", service)
	}
	link := safeLinkOrNothing(page.Redirect)
	if link == "" {
		link = safeLinkOrNothing(page.Post)
	}
	if link == "" {
		say(ce, "%s answered with an address for %s that is no web page. There is nothing to open.", service, what)
		return
	}
	send(ce, linkNotice(fmt.Sprintf("This is the page of %s for %s. %s", service, what, note), "Open", link))
}
