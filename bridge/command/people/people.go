// Package people is what users tell the bot to do about people: who is on their contact list, what
// they are called, who may see them, and as what they are seen themselves.
package people

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/rs/zerolog"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/session"
	"matrix-msn/bridge/words"
	"matrix-msn/msn"
)

// whom returns the account that a command is about, and what was typed behind it: the one
// that is named, or the contact of the room when nothing is typed at all. It answers when there
// is none; usage says what to write.
func whom(c *call.Call, login *call.Login, usage string) (account, rest string, ok bool) {
	word, rest := call.CutWord(c.Text)
	if account, named := call.IsAddress(word); named {
		return account, rest, true
	}
	if word == "" {
		account = c.ContactOfRoom(login)
		switch {
		case account != "":
		case c.InRoomOfOther():
			c.Tell("command.people.whom_this_is_the_chat_of")
		default:
			c.Say("Whom? %s", usage)
		}
		return account, "", account != ""
	}
	switch bearers := bearersOf(c, login, c.Text); len(bearers) {
	case 0:
	case 1:
		return bearers[0], "", true
	default:
		c.Tell("command.people.several_people_are_called_write_the", names.Quoted(names.Clean(c.Text)), cutList(bearers))
		return "", "", false
	}
	account, err := msnid.ParseAccount(word)
	if err != nil {
		c.Tell("command.people.nothing_was_changed", reason.Of(err, reason.Input, reason.Subject{}).Sentence, usage)
		return "", "", false
	}
	return account, rest, true
}

// bearersOf returns the people of the contact list who are called so, by themselves or by the user.
func bearersOf(c *call.Call, login *call.Login, name string) (bearers []string) {
	contacts, err := login.Account.Contacts(c.Ctx)
	if err != nil {
		c.Log.Err(err).Msg("Failed to read contacts")
	}
	name = names.Clean(name)
	for _, contact := range contacts {
		if strings.EqualFold(names.Clean(contact.Name), name) {
			bearers = append(bearers, contact.Account)
		}
	}
	return bearers
}

// change is one change of the contact list.
type change struct {
	usage string
	// done says what was done about somebody, who is called by name and was known as before, of strangers
	// by the account alone.
	done func(name, service string, before msn.Contact) string
	do   func(ctx context.Context, client *msn.Client, account, text string) error
	// also says what there is to know besides when it is done, or "". It may be nil.
	also func(ctx context.Context, l *call.Login, client *msn.Client, account string) string
	// text is set when a text can stand behind the address.
	text bool
}

var (
	addContact = change{
		usage: words.Text("command.people.write_add_carol_example_com_with"),
		text:  true,
		do: func(ctx context.Context, client *msn.Client, account, text string) error {
			return client.AddContact(ctx, account, text)
		},
		done: func(name, service string, before msn.Contact) string {
			if before.Lists.Has(msn.ListForward) {
				return words.Text("command.people.on_list_already", name)
			}
			if before.Reverse() {
				return words.Text("command.people.on_list_now", name)
			}
			return words.Text("command.people.on_list_now_and_asked", name, service)
		},
	}
	removeContact = change{
		usage: words.Text("command.people.write_remove_carol_example_com"),
		do: func(ctx context.Context, client *msn.Client, account, _ string) error {
			return client.RemoveContact(ctx, account)
		},
		done: func(name, _ string, before msn.Contact) string {
			if !before.Lists.Has(msn.ListForward) {
				return words.Text("command.people.is_not_on_your_contact_list", name)
			}
			if before.Lists.Has(msn.ListBlock) {
				return words.Text("command.people.is_off_your_contact_list_and", name, before.Account)
			}
			return words.Text("command.people.is_off_your_contact_list_your", name)
		},
	}
	blockContact = change{
		usage: words.Text("command.people.write_block_carol_example_com"),
		do: func(ctx context.Context, client *msn.Client, account, _ string) error {
			return client.Block(ctx, account)
		},
		also: func(ctx context.Context, l *call.Login, client *msn.Client, account string) string {
			return l.Groups.StillTogether(ctx, client, account)
		},
		done: func(name, _ string, before msn.Contact) string {
			if before.Lists.Has(msn.ListBlock) {
				return words.Text("command.people.is_blocked_already", name)
			}
			return words.Text("command.people.is_blocked_you_are_offline_for", name, before.Account)
		},
	}
	allowContact = change{
		usage: words.Text("command.people.write_unblock_carol_example_com"),
		do: func(ctx context.Context, client *msn.Client, account, _ string) error {
			return client.Allow(ctx, account)
		},
		done: func(name, _ string, before msn.Contact) string {
			if before.Lists.Has(msn.ListAllow) {
				return words.Text("command.people.is_not_blocked_nothing_was_changed", name)
			}
			return words.Text("command.people.let_in", name)
		},
	}
)

// runChange makes a command of a change.
func runChange(ch change) func(*call.Call) {
	return func(c *call.Call) {
		login, ok := c.Login()
		if !ok {
			return
		}
		account, text, ok := whom(c, login, ch.usage)
		if !ok {
			return
		}
		if text != "" && !ch.text {
			c.Tell("command.people.nothing_can_stand_behind_the_address", ch.usage)
			return
		}
		if account == login.Account.Identity.Account {
			c.Tell("command.people.is_your_own_account_nothing_was", account)
			return
		}
		client, ok := c.SessionOf(login)
		if !ok {
			return
		}
		c.Say("%s", apply(login, c.Ctx, client, ch, account, text))
	}
}

// The commands that are one change.
var (
	Add     = runChange(addContact)    // puts somebody on the contact list
	Remove  = runChange(removeContact) // takes somebody off it
	Block   = runChange(blockContact)  // keeps somebody from seeing the user and writing to them
	Unblock = runChange(allowContact)  // lets them
)

// apply does a change and returns the sentence that says what became of it.
func apply(l *call.Login, ctx context.Context, client *msn.Client, ch change, account, text string) string {
	before, _ := client.Contact(account)
	before.Account = account
	name := l.Account.Person(ctx, account).Name
	asking, cancel := context.WithTimeout(ctx, session.RequestTimeout)
	defer cancel()
	if err := ch.do(asking, client, account, text); err != nil {
		zerolog.Ctx(ctx).Info().Err(err).Msg("The contact list was not changed")
		return reason.Of(err, reason.Roster, l.Account.About(account)).Sentence
	}
	said := ch.done(name, l.Account.Service.Name, before)
	if ch.also == nil {
		return said
	}
	return strings.TrimRight(said+" "+ch.also(ctx, l, client, account), " ")
}

const whoisUsage = "command.people.write_whois_carol_example_com_or"

// Whois shows what is known of a contact.
func Whois(c *call.Call) {
	login, ok := c.Login()
	if !ok {
		return
	}
	account, _, ok := whom(c, login, words.Text(whoisUsage))
	if !ok {
		return
	}
	client, ok := c.SessionOf(login)
	if !ok {
		return
	}
	if account == login.Account.Identity.Account {
		c.Say("%s", describeOneself(login, client))
		return
	}
	contact, known := client.Contact(account)
	if !known {
		c.Say("%s", describeUnlisted(login, c, client, account))
		return
	}
	c.Say("%s", strings.Join(describeContact(contact, client.Groups()), "\n"))
}

// describeLists says on which lists somebody is.
func describeLists(contact msn.Contact) (lists []string) {
	for _, list := range []struct {
		text string
		on   bool
	}{
		{words.Text("command.people.on_your_contact_list"), contact.Lists.Has(msn.ListForward)}, {words.Text("command.people.may_see_you"), contact.Lists.Has(msn.ListAllow)}, {"blocked", contact.Lists.Has(msn.ListBlock)},
		// Some stay on the list of those who wait when they have been answered.
		{words.Text("command.people.has_you_on_their_list"), contact.Lists.Has(msn.ListReverse) || contact.Reverse() && !contact.WaitsForAnswer()},
		{words.Text("command.people.waits_for_your_answer"), contact.WaitsForAnswer()},
	} {
		if list.on {
			lists = append(lists, list.text)
		}
	}
	if len(lists) == 0 {
		return []string{words.Text("command.people.on_none_of_your_lists")}
	}
	return lists
}

// describeOneself says what contacts see of the user.
func describeOneself(l *call.Login, client *msn.Client) string {
	lines := []string{
		words.Text("command.people.is_you_this_is_what_your", client.Account(), l.Account.Service.Name),
		"Name: " + names.Clean(client.DisplayName()),
	}
	status := "offline"
	if word, online := call.StatusWords[client.Status()]; online {
		status = word
	}
	lines = append(lines, "Status: "+status)
	if personal := names.Clean(l.Self.Personal()); personal != "" {
		lines = append(lines, words.Text("command.people.row_personal_message")+" "+personal)
	}
	return strings.Join(append(lines, words.Text("command.people.nick_status_and_psm_change_that")), "\n")
}

// describeUnlisted says what can be known of somebody who is on no list.
func describeUnlisted(l *call.Login, c *call.Call, client *msn.Client, account string) string {
	asking, cancel := context.WithTimeout(c.Ctx, session.RequestTimeout)
	defer cancel()
	who := l.Account.Person(c.Ctx, account)
	switch err := client.Known(asking, account); {
	case errors.Is(err, msn.ErrNoSuchContact):
		return reason.Of(err, reason.Lookup, who).Sentence
	case errors.Is(err, msn.ErrDialect):
		return words.Text("command.people.on_no_list", who.Name, unsaid(c, who.Service, account))
	}
	return words.Text("command.people.on_no_list_status_unknown", who.Name, who.Service)
}

// unsaid says that a service does not tell whether there is an account, and what does.
func unsaid(c *call.Call, service, account string) string {
	return words.Text("command.people.does_not_say_whether_there_is", service, account, c.Bridge.Config.CommandPrefix)
}

// numberNames are the phone numbers that a contact can show.
var numberNames = []struct{ key, name string }{
	{msn.PropertyHome, words.Text("command.people.phone_at_home")}, {msn.PropertyWork, words.Text("command.people.phone_at_work")}, {msn.PropertyMobile, words.Text("command.people.mobile_phone")},
}

// describeContact says what is known of a contact, a line each.
func describeContact(contact msn.Contact, groups []msn.Group) []string {
	lines := []string{contact.Account}
	add := func(what, value string) {
		if value != "" {
			lines = append(lines, what+": "+value)
		}
	}
	add(words.Text("command.people.you_call_them"), names.Clean(contact.Nick))
	add("Name", names.Unlinked(names.Clean(contact.Name)))
	if network := networkNames[contact.Network]; network != "" {
		add("Network", network)
	}
	status := words.Text("command.people.offline_or_does_not_show_otherwise")
	if word, online := call.StatusWords[contact.Status]; online {
		status = word
	}
	add("Status", status)
	add(words.Text("command.people.personal_message"), names.Unlinked(names.Clean(contact.Personal)))
	add("Lists", strings.Join(describeLists(contact), ", "))
	var in []string
	for _, group := range groups {
		if slices.Contains(contact.Groups, group.ID) {
			in = append(in, names.Clean(group.Name))
		}
	}
	add("Groups", strings.Join(in, ", "))
	for _, number := range numberNames {
		add(number.name, names.Unlinked(names.Clean(contact.Properties[number.key])))
	}
	if contact.TakesPages() {
		lines = append(lines, words.Text("command.people.takes_messages_on_a_mobile_device", contact.Account))
	}
	return lines
}
