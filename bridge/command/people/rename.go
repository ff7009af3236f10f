package people

import (
	"cmp"
	"context"
	"fmt"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/msn"
	"matrix-msn/msn/wire"
)

const renameUsage = "Write `!rename carol@example.com Caz`, or `!rename Caz` in the room with them; `-` in the place of the name takes it away again."

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
			c.Say("Whom? %s", renameUsage)
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
		c.Say("%s is called by the name again that they have given themselves.", account)
	case client.Dialect() < wire.FirstSOAP:
		c.Say("%s is called %s now. Only you see that: %s keeps it until they come online, the bridge as long as you want.", account, names.Own(name), login.Account.Service.Name)
	default:
		c.Say("%s is called %s now. Only you see that.", account, names.Own(name))
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
	take := rename + " " + noName + "` takes your name away, another name there changes it."
	switch {
	case given == "", given == own, given == contact.Account:
		if own == "" {
			own = contact.Account
		}
		return fmt.Sprintf("%s calls themselves %s, and you have given them no name of your own. %s Caz` would call them Caz, which only you see.",
			contact.Account, names.Quoted(own), rename)
	case own == "":
		return fmt.Sprintf("%s is called %s on your contact list. %s", contact.Account, names.Quoted(given), take)
	}
	return fmt.Sprintf("%s calls themselves %s, and you call them %s. %s", contact.Account, names.Quoted(own), names.Own(given), take)
}
