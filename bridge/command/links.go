package command

import (
	"context"
	"fmt"
	"strings"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/loginpage"
	"matrix-msn/bridge/msgconv"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/session"
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

// runURL links to the page of the service that is named.
func runURL(c *call) {
	word, argument := cutWord(c.text)
	if word == "" {
		var lines []string
		for _, page := range servicePages {
			lines = append(lines, fmt.Sprintf("%s: %s", page.name, page.what))
		}
		c.say("Write `!url` and the name of a page of the service:\n%s", strings.Join(lines, "\n"))
		return
	}
	name, what, ok := urlName(word)
	if !ok {
		sentence := reason.Of(msn.ErrNoSuchURL, reason.Link, reason.Subject{Name: names.Clean(word), Choices: urlNames()}).Sentence
		c.say("%s", sentence)
		return
	}
	c.link(name, what, argument)
}

// runPageLink returns the command of a name that links to one page.
func runPageLink(command string, name msn.URLName) func(*call) {
	return func(c *call) {
		_, what, _ := urlName(string(name))
		if more := c.text; more != "" {
			c.say("Nothing can stand behind `!%[1]s` but --login and one of your accounts, and %[2]s is none of that. Write `!%[1]s` for a link to this page: %[3]s.",
				command, names.Clean(more), what)
			return
		}
		c.link(name, what, "")
	}
}

// runCompose links to the page where a mail is written.
func runCompose(c *call) {
	word := c.text
	if word == "" {
		c.link(msn.URLCompose, "writing a mail", "")
		return
	}
	address, err := msnid.ParseAccount(word)
	if err != nil {
		c.say("%s Write `!compose`, or `!compose carol@example.com`.", reason.Of(err, reason.Input, reason.Subject{}).Sentence)
		return
	}
	c.link(msn.URLCompose, "writing a mail to "+address, address)
}

// profilePage is where the member directory had everybody's profile (protocol/07,
// section 2.1). It has been gone since 2009.
const profilePage = "http://members.msn.com/default.msnw?mem="

// runProfile links to the page where the user's own profile is edited, or to that of
// a contact.
func runProfile(c *call) {
	word := c.text
	login, ok := c.login()
	if !ok {
		return
	}
	account := c.contactOfRoom(login)
	if word != "" {
		var err error
		if account, err = msnid.ParseAccount(word); err != nil {
			c.say("%s Write `!profile` for your own, or `!profile bob@example.com`.", reason.Of(err, reason.Input, reason.Subject{}).Sentence)
			return
		}
	}
	if account == "" || account == login.Account.Identity.Account {
		c.link(msn.URLProfile, "editing your profile", "")
		return
	}
	link, ok := msgconv.SafeLink(profilePage + account)
	if !ok {
		c.say("%s cannot be part of a web address.", account)
		return
	}
	c.send(linkNotice(fmt.Sprintf("This is where the member directory of MSN had the profile of %s. Services of today have no profiles, "+
		"so that the page may be gone.", account), "Profile", link))
}

// link asks the service for a page and answers with how to get there.
func (c *call) link(name msn.URLName, what, argument string) {
	login, client, ok := c.session()
	if !ok {
		return
	}
	asking, cancel := context.WithTimeout(c.Ctx, session.RequestTimeout)
	defer cancel()
	page, err := client.ServiceURL(asking, name, argument)
	about := login.Account.About(string(name))
	about.Choices = urlNames()
	switch {
	case err != nil:
		zerolog.Ctx(c.Ctx).Info().Err(err).Str("name", string(name)).Msg("The service gave no link")
		sentence := reason.Of(err, reason.Link, about).Sentence
		c.say("%s", sentence)
		return
	case page.Dummy():
		c.say("%s does not offer a page for %s: it answers with a placeholder.", about.Service, what)
		return
	}
	form, err := client.LoginForm(page)
	if _, usable := loginpage.Target(form); err == nil && !usable {
		err = msn.ErrUntrusted
	}
	if err == nil && c.loginPages.Available() {
		c.sendLoginLink(login, page, what)
		return
	}
	c.sendPlainLink(page, what, about.Service, err)
}

// sendLoginLink makes a link to a page of the bridge that logs the user in, and
// sends it to the user's own chat with the bot: in a room others could follow it.
func (c *call) sendLoginLink(login *Login, page msn.ServiceURL, what string) {
	room, err := c.User.GetManagementRoom(c.Ctx)
	if err == nil {
		link := c.loginPages.Issue(c.User.MXID, login.onPage(), page)
		_, err = c.bridge.Bot.SendMessage(c.Ctx, room, event.EventMessage, &event.Content{Parsed: linkNotice(
			fmt.Sprintf("This link is for %s at %s. It logs you in, once, within the next %s: give it to nobody.",
				what, login.Account.Service.Name, names.Minutes(loginpage.Life)), "Open", link)}, nil)
	}
	if err != nil {
		zerolog.Ctx(c.Ctx).Err(err).Msg("Failed to send a login link")
		c.say("%s", reason.Of(reason.ErrBridge, reason.Link, login.Account.About(what)).Sentence)
		return
	}
	if room != c.OrigRoomID {
		c.say("The link logs you in, so it is not shown here: you find it in your chat with the bot.")
	}
}

// sendPlainLink answers with the link that does not log in. why is why there is no
// other, nil when the bridge has no public address.
func (c *call) sendPlainLink(page msn.ServiceURL, what, service string, why error) {
	if why == nil {
		why = reason.ErrNoAddress
	}
	note := reason.Of(why, reason.WebLogin, reason.Subject{Service: service}).Sentence
	link := safeLinkOrNothing(page.Redirect)
	if link == "" {
		link = safeLinkOrNothing(page.Post)
	}
	if link == "" {
		c.say("%s answered with an address for %s that is no web page. There is nothing to open.", service, what)
		return
	}
	c.send(linkNotice(fmt.Sprintf("This is the page of %s for %s. %s", service, what, note), "Open", link))
}

// onPage returns the login for pages that log a browser in.
func (l *Login) onPage() loginpage.Login {
	return loginpage.Login{
		Service: l.Account.Service.Name,
		Account: l.Account.Identity.Account,
		Form: func(page msn.ServiceURL) (msn.LoginForm, error) {
			client := l.Session.Current()
			if client == nil {
				return msn.LoginForm{}, msn.ErrNotConnected
			}
			return client.LoginForm(page)
		},
	}
}
