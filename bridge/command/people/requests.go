package people

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/words"
	"matrix-msn/msn"
)

// Answers to who has added the user. They are changes of the contact list that are made only
// where they answer somebody: whom the user means may have taken the request back.

// answer is a way to answer somebody who has added the user.
type answer struct {
	change
	// pointless says why there is nothing to answer about somebody who is called by name, ""
	// when there is.
	pointless func(name string, contact msn.Contact) string
	// warns is set when the answer says for whom they can be taken who are answered.
	warns bool
}

var (
	acceptRequest = answer{
		warns: true,
		change: change{
			usage: words.Text("command.people.write_accept_carol_example_com"),
			do: func(ctx context.Context, client *msn.Client, account, _ string) error {
				if err := client.Allow(ctx, account); err != nil {
					return err
				}
				if err := client.AddContact(ctx, account, ""); err != nil {
					return fmt.Errorf("%w: %w", reason.ErrLetInOnly, err)
				}
				return nil
			},
			done: func(name, _ string, _ msn.Contact) string {
				return words.Text("command.people.let_in_and_listed", name)
			},
		},
		pointless: func(name string, contact msn.Contact) string {
			blocked := contact.Lists.Has(msn.ListBlock)
			switch {
			case contact.Lists.Has(msn.ListForward) && contact.Lists.Has(msn.ListAllow) && !blocked:
				return words.Text("command.people.on_list_and_let_in_already", name)
			case contact.Reverse():
				return ""
			case blocked:
				return words.Text("command.people.does_not_wait_and_is_blocked", name, contact.Account)
			}
			return words.Text("command.people.does_not_wait_add", name, contact.Account)
		},
	}
	declineRequest = answer{
		change: change{
			usage: words.Text("command.people.write_decline_carol_example_com"),
			do:    blockContact.do,
			also:  blockContact.also,
			done: func(name, _ string, before msn.Contact) string {
				return words.Text("command.people.is_declined_you_are_offline_for", name, before.Account)
			},
		},
		pointless: func(name string, contact msn.Contact) string {
			switch {
			case contact.WaitsForAnswer():
				return ""
			case contact.Lists.Has(msn.ListBlock):
				return words.Text("command.people.is_blocked_already_nothing_was_changed", name)
			}
			return words.Text("command.people.does_not_wait_block", name, contact.Account)
		},
	}
)

// runAnswer makes a command of an answer. Without an address it is for the one who waits.
func runAnswer(a answer) func(*call.Call) {
	return func(c *call.Call) {
		login, client, ok := c.Session()
		if !ok {
			return
		}
		if room := c.ContactOfRoom(login); c.Text == "" && room != "" && !waits(client, room) {
			contact, _ := client.Contact(room)
			contact.Account = room
			c.Say("%s%s", a.pointless(login.Account.Person(c.Ctx, room).Name, contact), othersWait(login, client))
			return
		} else if c.Text == "" && room == "" {
			account, why := whoWaits(login, client, a.usage)
			if why != "" {
				c.Say("%s", why)
				return
			}
			c.Text = account
		}
		account, rest, ok := whom(c, login, a.usage)
		switch {
		case !ok:
			return
		case rest == "" && account != login.Account.Identity.Account:
			contact, _ := client.Contact(account)
			contact.Account = account
			if why := a.pointless(login.Account.Person(c.Ctx, account).Name, contact); why != "" {
				c.Say("%s", why)
				return
			}
		}
		ch := a.change
		if a.warns {
			ch.done = warned(ch.done, login.People.Alike.Likeness(c.Ctx, account))
		}
		runChange(ch)(c)
	}
}

// warned is a change.done with a warning behind it, unless that is "".
func warned(done func(name, service string, before msn.Contact) string, warning string) func(name, service string, before msn.Contact) string {
	if warning == "" {
		return done
	}
	return func(name, service string, before msn.Contact) string {
		return done(name, service, before) + " " + warning
	}
}

// The commands that answer who has added the user, or offers a file in the room.
var (
	Accept  = answersFile(true, runAnswer(acceptRequest))
	Decline = answersFile(false, runAnswer(declineRequest))
)

func waits(client *msn.Client, account string) bool {
	contact, _ := client.Contact(account)
	return contact.WaitsForAnswer()
}

// whoWaits returns the one whom an answer without an address is for: the only one who waits, and
// whom the user has heard of. Otherwise why says what to write instead, and that tells the user
// of those whom it names.
func whoWaits(l *call.Login, client *msn.Client, usage string) (account, why string) {
	withdrawn := l.Requests.Withdrawn(client)
	slices.Sort(withdrawn)
	var waiting []string
	for _, contact := range client.Contacts() {
		if contact.WaitsForAnswer() {
			waiting = append(waiting, contact.Account)
		}
	}
	gone := ""
	if len(withdrawn) > 0 {
		gone = words.Text("command.people.had_added_you_and_took_that", cutList(withdrawn)) + " "
	}
	if len(waiting) == 1 && gone == "" && l.Requests.Knows(waiting[0]) {
		return waiting[0], ""
	}
	for _, account := range waiting[:min(len(waiting), maxNamed)] {
		l.Requests.NoteTold(account)
	}
	switch len(waiting) {
	case 0:
		return "", words.Text("command.people.nobody_waits_for_an_answer_nothing", gone)
	case 1:
		return "", words.Text("command.people.by_now_waits_for_an_answer", gone, waiting[0])
	}
	return "", words.Count("command.people.several_wait", len(waiting), gone, cutList(waiting), usage)
}

// othersWait says who waits for an answer, where somebody was meant who does not.
func othersWait(l *call.Login, client *msn.Client) string {
	var waiting []string
	for _, contact := range client.Contacts() {
		if contact.WaitsForAnswer() {
			waiting = append(waiting, contact.Account)
			l.Requests.NoteTold(contact.Account)
		}
	}
	if len(waiting) == 0 {
		return ""
	}
	return " " + words.Text("command.people.for_an_answer_of_yours_wait", cutList(waiting))
}

// maxNamed is how many people one sentence names.
const maxNamed = 10

// cutList names people, and how many there are besides.
func cutList(all []string) string {
	if len(all) <= maxNamed {
		return strings.Join(all, ", ")
	}
	return words.Text("command.people.and_more", strings.Join(all[:maxNamed], ", "), len(all)-maxNamed)
}
