// Package people is what users tell the bot to do about people: who is on their contact list, what
// they are called, who may see them, and as what they are seen themselves.
package people

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rs/zerolog"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/session"
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
			c.Say("Whom? This is the chat of another user of the bridge: write the address behind the command.")
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
		c.Say("Several people are called %s: %s. Write the address of the one you mean.", names.Quoted(names.Clean(c.Text)), cutList(bearers))
		return "", "", false
	}
	account, err := msnid.ParseAccount(word)
	if err != nil {
		c.Say("%s Nothing was changed. %s", reason.Of(err, reason.Input, reason.Subject{}).Sentence, usage)
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
		usage: "Write `!add carol@example.com`, with a text for them behind it if you like.",
		text:  true,
		do: func(ctx context.Context, client *msn.Client, account, text string) error {
			return client.AddContact(ctx, account, text)
		},
		done: func(name, service string, before msn.Contact) string {
			if before.Lists.Has(msn.ListForward) {
				return name + " is on your contact list already."
			}
			if before.Reverse() {
				return name + " is on your contact list now, and can see you and write to you."
			}
			return name + " is on your contact list now. " + service + " tells them, and they decide whether you can see them."
		},
	}
	removeContact = change{
		usage: "Write `!remove carol@example.com`.",
		do: func(ctx context.Context, client *msn.Client, account, _ string) error {
			return client.RemoveContact(ctx, account)
		},
		done: func(name, _ string, before msn.Contact) string {
			if !before.Lists.Has(msn.ListForward) {
				return name + " is not on your contact list. Nothing was changed."
			}
			if before.Lists.Has(msn.ListBlock) {
				return name + " is off your contact list, and stays blocked: `!unblock " + before.Account + "` takes that back. Your room with them stays."
			}
			return name + " is off your contact list. Your room with them stays, and they can see you and write to you as before: `!block` keeps them from that."
		},
	}
	blockContact = change{
		usage: "Write `!block carol@example.com`.",
		do: func(ctx context.Context, client *msn.Client, account, _ string) error {
			return client.Block(ctx, account)
		},
		also: func(ctx context.Context, l *call.Login, client *msn.Client, account string) string {
			return l.Groups.StillTogether(ctx, client, account)
		},
		done: func(name, _ string, before msn.Contact) string {
			if before.Lists.Has(msn.ListBlock) {
				return name + " is blocked already."
			}
			return name + " is blocked: you are offline for them, and they cannot write to you. They are not told. `!unblock " + before.Account + "` takes it back."
		},
	}
	allowContact = change{
		usage: "Write `!unblock carol@example.com`.",
		do: func(ctx context.Context, client *msn.Client, account, _ string) error {
			return client.Allow(ctx, account)
		},
		done: func(name, _ string, before msn.Contact) string {
			if before.Lists.Has(msn.ListAllow) {
				return name + " is not blocked. Nothing was changed."
			}
			return name + " can see you and write to you."
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
			c.Say("Nothing can stand behind the address. %s Nothing was changed.", ch.usage)
			return
		}
		if account == login.Account.Identity.Account {
			c.Say("%s is your own account. Nothing was changed.", account)
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

const whoisUsage = "Write `!whois carol@example.com`, or `!whois` in the room with them."

// Whois shows what is known of a contact.
func Whois(c *call.Call) {
	login, ok := c.Login()
	if !ok {
		return
	}
	account, _, ok := whom(c, login, whoisUsage)
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
		{"on your contact list", contact.Lists.Has(msn.ListForward)}, {"may see you", contact.Lists.Has(msn.ListAllow)}, {"blocked", contact.Lists.Has(msn.ListBlock)},
		// Some stay on the list of those who wait when they have been answered.
		{"has you on their list", contact.Lists.Has(msn.ListReverse) || contact.Reverse() && !contact.WaitsForAnswer()},
		{"waits for your answer", contact.WaitsForAnswer()},
	} {
		if list.on {
			lists = append(lists, list.text)
		}
	}
	if len(lists) == 0 {
		return []string{"on none of your lists"}
	}
	return lists
}

// describeOneself says what contacts see of the user.
func describeOneself(l *call.Login, client *msn.Client) string {
	lines := []string{
		client.Account() + " is you: this is what your contacts at " + l.Account.Service.Name + " see.",
		"Name: " + names.Clean(client.DisplayName()),
	}
	status := "offline"
	if word, online := call.StatusWords[client.Status()]; online {
		status = word
	}
	lines = append(lines, "Status: "+status)
	if personal := names.Clean(l.Self.Personal()); personal != "" {
		lines = append(lines, "Personal message: "+personal)
	}
	return strings.Join(append(lines, "`!nick`, `!status` and `!psm` change that."), "\n")
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
		return fmt.Sprintf("%s is on none of your lists. %s", who.Name, unsaid(c, who.Service, account))
	}
	return fmt.Sprintf("%s is on none of your lists, so that %s does not say whether they are online.", who.Name, who.Service)
}

// unsaid says that a service does not tell whether there is an account, and what does.
func unsaid(c *call.Call, service, account string) string {
	return fmt.Sprintf("%s does not say whether there is an account %s. `!add %[2]s` finds out, and puts them on your list; "+
		"`%[3]s start-chat %[2]s` works while they are online.", service, account, c.Bridge.Config.CommandPrefix)
}

// numberNames are the phone numbers that a contact can show.
var numberNames = []struct{ key, name string }{
	{msn.PropertyHome, "Phone at home"}, {msn.PropertyWork, "Phone at work"}, {msn.PropertyMobile, "Mobile phone"},
}

// describeContact says what is known of a contact, a line each.
func describeContact(contact msn.Contact, groups []msn.Group) []string {
	lines := []string{contact.Account}
	add := func(what, value string) {
		if value != "" {
			lines = append(lines, what+": "+value)
		}
	}
	add("You call them", names.Clean(contact.Nick))
	add("Name", names.Unlinked(names.Clean(contact.Name)))
	if network := networkNames[contact.Network]; network != "" {
		add("Network", network)
	}
	status := "offline, or does not show otherwise"
	if word, online := call.StatusWords[contact.Status]; online {
		status = word
	}
	add("Status", status)
	add("Personal message", names.Unlinked(names.Clean(contact.Personal)))
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
		lines = append(lines, fmt.Sprintf("Takes messages on a mobile device: `!page %s`", contact.Account))
	}
	return lines
}
