// Package service is what users tell the bot to ask the service for: pages on the web and to mobile
// devices, invitations by mail, its directory, its alerts, and where the account is signed in.
package service

import (
	"context"
	"fmt"
	"strings"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/loginpage"
	"matrix-msn/bridge/msgconv"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/session"
	"matrix-msn/bridge/words"
	"matrix-msn/msn"
)

// servicePages are the pages of a service that users can ask for, in the order in
// which they are listed.
var servicePages = []struct {
	name msn.URLName
	what string
}{
	{msn.URLInbox, words.Text("command.service.your_inbox")},
	{msn.URLFolders, words.Text("command.service.your_mail_folders")},
	{msn.URLCompose, words.Text("command.service.writing_a_mail_to_an_address")},
	{msn.URLProfile, words.Text("command.service.editing_your_profile")},
	{msn.URLMobileSet, words.Text("command.service.your_mobile_settings")},
	{msn.URLPerson, words.Text("command.service.your_account_password_secret_question_data")},
	{msn.URLChat, words.Text("command.service.chat_rooms")},
	{msn.URLPassword, words.Text("command.service.changing_your_password")},
	{msn.URLMessage, "messages"},
	{msn.URLMobile, words.Text("command.service.setting_up_msn_mobile")},
	{msn.URLN2PAccount, words.Text("command.service.your_net2phone_account")},
	{msn.URLN2PFund, words.Text("command.service.paying_for_net2phone")},
	{msn.URLAddressBook, words.Text("command.service.your_address_book")},
	{msn.URLAdvSearch, words.Text("command.service.searching_for_people")},
	{msn.URLIntSearch, words.Text("command.service.searching_by_interests")},
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

// URL links to the page of the service that is named.
func URL(c *call.Call) {
	word, argument := call.CutWord(c.Text)
	if word == "" {
		var lines []string
		for _, page := range servicePages {
			lines = append(lines, fmt.Sprintf("%s: %s", page.name, page.what))
		}
		c.Tell("command.service.write_url_and_the_name_of", strings.Join(lines, "\n"))
		return
	}
	name, what, ok := urlName(word)
	if !ok {
		sentence := reason.Of(msn.ErrNoSuchURL, reason.Link, reason.Subject{Name: names.Clean(word), Choices: urlNames()}).Sentence
		c.Say("%s", sentence)
		return
	}
	linkTo(c, name, what, argument)
}

// PageLink returns the command of a name that links to one page.
func PageLink(command string, name msn.URLName) func(*call.Call) {
	return func(c *call.Call) {
		_, what, _ := urlName(string(name))
		if more := c.Text; more != "" {
			c.Tell("command.service.nothing_can_stand_behind_but_login",
				command, names.Clean(more), what)
			return
		}
		linkTo(c, name, what, "")
	}
}

// Compose links to the page where a mail is written.
func Compose(c *call.Call) {
	word := c.Text
	if word == "" {
		linkTo(c, msn.URLCompose, words.Text("command.service.writing_a_mail"), "")
		return
	}
	address, err := msnid.ParseAccount(word)
	if err != nil {
		c.Tell("command.service.write_compose_or_compose_carol_example", reason.Of(err, reason.Input, reason.Subject{}).Sentence)
		return
	}
	linkTo(c, msn.URLCompose, words.Text("command.service.writing_a_mail_to", address), address)
}

// profilePage is where the member directory had everybody's profile (protocol/07,
// section 2.1). It has been gone since 2009.
const profilePage = "http://members.msn.com/default.msnw?mem="

// Profile links to the page where the user's own profile is edited, or to that of
// a contact.
func Profile(c *call.Call) {
	word := c.Text
	login, ok := c.Login()
	if !ok {
		return
	}
	account := c.ContactOfRoom(login)
	if word != "" {
		var err error
		if account, err = msnid.ParseAccount(word); err != nil {
			c.Tell("command.service.write_profile_for_your_own_or", reason.Of(err, reason.Input, reason.Subject{}).Sentence)
			return
		}
	}
	if account == "" || account == login.Account.Identity.Account {
		linkTo(c, msn.URLProfile, words.Text("command.service.editing_your_profile"), "")
		return
	}
	link, ok := msgconv.SafeLink(profilePage + account)
	if !ok {
		c.Tell("command.service.cannot_be_part_of_a_web", account)
		return
	}
	c.Send(call.LinkNotice(words.Text("command.service.this_is_where_the_member_directory", account), "Profile", link))
}

// linkTo asks the service for a page and answers with how to get there.
func linkTo(c *call.Call, name msn.URLName, what, argument string) {
	login, client, ok := c.Session()
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
		c.Say("%s", sentence)
		return
	case page.Dummy():
		c.Tell("command.service.does_not_offer_a_page_for", about.Service, what)
		return
	}
	form, err := client.LoginForm(page)
	if _, usable := loginpage.Target(form); err == nil && !usable {
		err = msn.ErrUntrusted
	}
	if err == nil && c.LoginPages.Available() {
		sendLoginLink(c, login, page, what)
		return
	}
	sendPlainLink(c, page, what, about.Service, err)
}

// sendLoginLink makes a link to a page of the bridge that logs the user in, and
// sends it to the user's own chat with the bot: in a room others could follow it.
func sendLoginLink(c *call.Call, login *call.Login, page msn.ServiceURL, what string) {
	room, err := c.User.GetManagementRoom(c.Ctx)
	if err == nil {
		link := c.LoginPages.Issue(c.User.MXID, onPage(login), page)
		_, err = c.Bridge.Bot.SendMessage(c.Ctx, room, event.EventMessage, &event.Content{Parsed: call.LinkNotice(
			words.Text("command.service.this_link_is_for_at_it",
				what, login.Account.Service.Name, names.Minutes(loginpage.Life)), "Open", link)}, nil)
	}
	if err != nil {
		zerolog.Ctx(c.Ctx).Err(err).Msg("Failed to send a login link")
		c.Say("%s", reason.Of(reason.ErrBridge, reason.Link, login.Account.About(what)).Sentence)
		return
	}
	if room != c.OrigRoomID {
		c.Tell("command.service.the_link_logs_you_in_so")
	}
}

// sendPlainLink answers with the link that does not log in. why is why there is no
// other, nil when the bridge has no public address.
func sendPlainLink(c *call.Call, page msn.ServiceURL, what, service string, why error) {
	if why == nil {
		why = reason.ErrNoAddress
	}
	note := reason.Of(why, reason.WebLogin, reason.Subject{Service: service}).Sentence
	link := safeLinkOrNothing(page.Redirect)
	if link == "" {
		link = safeLinkOrNothing(page.Post)
	}
	if link == "" {
		c.Tell("command.service.answered_with_an_address_for_that", service, what)
		return
	}
	c.Send(call.LinkNotice(words.Text("command.service.this_is_the_page_of_for", service, what, note), "Open", link))
}

// onPage returns the login for pages that log a browser in.
func onPage(l *call.Login) loginpage.Login {
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

// safeLinkOrNothing is msgconv.SafeLink for where there may be none.
func safeLinkOrNothing(address string) string {
	link, _ := msgconv.SafeLink(address)
	return link
}
