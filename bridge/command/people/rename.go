package people

import (
	"cmp"
	"context"
	"fmt"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/words"
	"matrix-msn/msn"
	"matrix-msn/msn/wire"
)

const renameUsage = "command.people.write_rename_carol_example_com_caz"

// noName is typed where the user wants no name of their own for a contact.
const noName = "-"

// Rename calls a contact by another name, or says by which.
func Rename(c *call.Call) {
	login, client, ok := c.Session()
	if !ok {
		return
	}
	word, name := call.CutWord(c.Text)
	account, named := call.IsAddress(word)
	if !named {
		if account, name = c.ContactOfRoom(login), c.Text; account == "" {
			c.Say("Whom? %s", words.Text(renameUsage))
			return
		}
	}
	if name = names.Clean(name); name == "" {
		contact, _ := client.Contact(account)
		if !contact.Lists.Has(msn.ListForward) {
			c.Say("%s", reason.Of(msn.ErrNotListed, reason.Rename, login.Account.Person(c.Ctx, account)).Sentence)
			return
		}
		c.Say("%s", describeNames(contact, login.Account.Alias(account), client.Dialect()))
		return
	}
	if name == noName {
		name = ""
	}
	rename := func(ctx context.Context) error { return setNick(ctx, login, client, account, name) }
	if !c.Tries(reason.Rename, login.Account.Person(c.Ctx, account), rename) {
		return
	}
	switch {
	case name == "":
		c.Tell("command.people.is_called_by_the_name_again", account)
	case client.Dialect() < wire.FirstSOAP:
		c.Tell("command.people.renamed_while_offline", account, names.Own(name), login.Account.Service.Name)
	default:
		c.Tell("command.people.renamed", account, names.Own(name))
	}
}

// setNick has the service call a contact by another name. Where that is gone as soon as the
// contact comes online, the bridge notes it too.
func setNick(ctx context.Context, login *call.Login, client *msn.Client, account, name string) error {
	alias, before := name, login.Account.Alias(account)
	if client.Dialect() >= wire.FirstSOAP {
		alias = ""
	}
	// Before the service is asked: what it answers is shown by it.
	if err := login.Account.SetAlias(ctx, account, alias); err != nil {
		return fmt.Errorf("%w: %w", reason.ErrBridge, err)
	}
	err := client.SetNick(ctx, account, name)
	if err != nil {
		_ = login.Account.SetAlias(context.WithoutCancel(ctx), account, before) // it is logged there
	}
	return err
}

// describeNames says what a contact is called, by themselves and by the user, and how to change
// that. The lists of older dialects have one name, which can be of either.
func describeNames(contact msn.Contact, alias string, dialect wire.Dialect) string {
	given, own := names.Clean(contact.Nick), names.Clean(cmp.Or(contact.Told, contact.Name))
	if dialect < wire.FirstSOAP {
		given, own = cmp.Or(alias, names.Clean(contact.Name)), names.Clean(contact.Told)
	}
	rename := "`!rename " + contact.Account
	take := words.Text("command.people.takes_your_name_away_another_name", rename, noName)
	switch {
	case given == "", given == own, given == contact.Account:
		if own == "" {
			own = contact.Account
		}
		return words.Text("command.people.calls_themselves_and_you_have_given",
			contact.Account, names.Quoted(own), rename)
	case own == "":
		return words.Text("command.people.is_called_on_your_contact_list", contact.Account, names.Quoted(given), take)
	}
	return words.Text("command.people.calls_themselves_and_you_call_them", contact.Account, names.Quoted(own), names.Own(given), take)
}
