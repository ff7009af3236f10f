package msn

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"matrix-msn/msn/wire"
)

// Changes of the contact list and of settings by command, in MSNP2 to MSNP12. From MSNP13 on
// they go by web services first, which the recordings of those show.

// listCommand makes the call that a recorded change stands for. It reports false for other
// commands.
func (r *replay) listCommand(i item) bool {
	r.t.Helper()
	args := i.cmd.Args
	switch i.cmd.Verb {
	case "ADG", "REG", "RMG", "REA", "SBP", "GTC", "BLP", "PRP", "ADD", "ADC", "REM":
	default:
		return false
	}
	if r.rec.dialect >= wire.FirstSOAP {
		r.left(i, "this client changes the address book first, and the recorded one only tells the server")
		return true
	}
	r.settle()
	r.ns.barrier()
	ctx := r.t.Context()
	switch i.cmd.Verb {
	case "REA", "PRP":
		if own := strings.EqualFold(argAt(args, 1), r.account) || argAt(args, 1) == "MFN"; own && (i.cmd.Verb == "PRP") != (r.rec.dialect >= wire.FirstContactIDs) {
			r.left(i, "the user's own name is set by REA to MSNP9, and by PRP after that")
			return true
		}
	}
	switch i.cmd.Verb {
	case "ADG":
		r.change(i, func() error { _, err := r.client.AddGroup(ctx, wire.Decode(argAt(args, 1))); return err })
	case "REG":
		r.change(i, func() error { return r.client.RenameGroup(ctx, argAt(args, 1), wire.Decode(argAt(args, 2))) })
	case "RMG":
		if r.rec.dialect < wire.FirstContactIDs && slices.ContainsFunc(r.client.Contacts(), func(c Contact) bool { return slices.Equal(c.Groups, []string{argAt(args, 1)}) }) {
			r.left(i, "this client puts those into another group first who are in no other")
			break
		}
		r.change(i, func() error { return r.client.RemoveGroup(ctx, argAt(args, 1)) })
	case "REA":
		if strings.EqualFold(argAt(args, 1), r.account) {
			r.change(i, func() error { return r.client.SetDisplayName(ctx, wire.Decode(argAt(args, 2))) })
			break
		}
		r.change(i, func() error { return r.client.SetNick(ctx, argAt(args, 1), wire.Decode(argAt(args, 2))) })
	case "SBP":
		contact := r.withID(argAt(args, 1))
		if argAt(args, 2) != "MFN" || contact.Account == "" {
			r.left(i, "this client sets the names of contacts only, of those whom it knows")
			break
		}
		r.change(i, func() error { return r.client.SetNick(ctx, contact.Account, wire.Decode(argAt(args, 3))) })
	case "GTC":
		r.setting(i, "A", "N", r.client.SetAsks)
	case "BLP":
		r.setting(i, "AL", "BL", r.client.SetEverybody)
	case "PRP":
		if argAt(args, 1) != "MFN" {
			r.left(i, "this client sets no telephone numbers")
			break
		}
		r.change(i, func() error { return r.client.SetDisplayName(ctx, wire.Decode(argAt(args, 2))) })
	case "ADD", "ADC":
		r.put(i)
	case "REM":
		r.take(i)
	}
	return true
}

// withID returns the contact with a contact ID.
func (r *replay) withID(id string) Contact {
	for _, c := range r.client.Contacts() {
		if c.GUID == id && id != "" {
			return c
		}
	}
	return Contact{}
}

// change makes a call that sends the recorded command, or none when this client knows that it
// would be refused.
func (r *replay) change(i item, call func() error) {
	r.t.Helper()
	if _, answered := r.peekAnswer(i); !answered {
		r.left(i, "was not answered")
		return
	}
	result := make(chan error, 1)
	go func() { result <- call() }()
	sent := make(chan wire.Command, 1)
	go func() {
		_ = r.ns.conn.SetReadDeadline(time.Now().Add(patience))
		cmd, _ := r.ns.reader.Read()
		sent <- cmd
	}()
	select {
	case err := <-result:
		r.ns.send("CHL 0 15570131571988941333")
		if cmd := <-sent; cmd.Verb != "QRY" {
			r.t.Errorf("%v: the client sent %v", i.Record, cmd)
		}
		if err != nil && !errors.Is(err, ErrArgument) && !errors.Is(err, ErrTooLong) && !errors.Is(err, ErrNoGroup) &&
			!errors.Is(err, ErrGroupExists) && !errors.Is(err, ErrManyGroups) && !errors.Is(err, ErrDialect) {
			r.t.Errorf("%v: the call returns %v", i.Record, err)
		}
		r.left(i, "not sent: this client knows better")
		return
	case cmd := <-sent:
		r.compare(i, cmd)
		r.ns.trids[i.cmd.Arg(0)] = cmd.Arg(0)
	}
	r.requests[i.Line] = func(reply item) { r.changed(i, reply, result) }
}

// changed checks what a call returns after the recorded answer.
func (r *replay) changed(i, reply item, result <-chan error) {
	r.t.Helper()
	err := waitError(r.t, result)
	number, isError := reply.cmd.ErrorNumber()
	var refused *ServerError
	switch {
	case isError && err == nil && slices.Contains([]int{215, 216, 218, 225}, number): // it was so before
	case isError && (!errors.As(err, &refused) || refused.Number != number), !isError && err != nil:
		r.t.Errorf("%v: the call returns %v", i.Record, err)
	}
}

func (r *replay) setting(i item, first, second string, set func(ctx context.Context, on bool) error) {
	r.t.Helper()
	value := argAt(i.cmd.Args, 1)
	if value != first && value != second {
		r.left(i, "no such setting")
		return
	}
	r.change(i, func() error { return set(r.t.Context(), value == first) })
}

// put plays ADD and ADC.
func (r *replay) put(i item) {
	r.t.Helper()
	args := i.cmd.Args
	account, group := strings.ToLower(argAt(args, 2)), ""
	if i.cmd.Verb == "ADD" {
		group = argAt(args, 4)
	} else if id, byID := strings.CutPrefix(argAt(args, 2), "C="); byID {
		account, group = r.withID(id).Account, argAt(args, 3)
	} else {
		account = strings.TrimPrefix(account, "n=")
	}
	contact, _ := r.client.Contact(account)
	ctx, on := r.t.Context(), contact.Lists
	switch list := argAt(args, 1); {
	case list == "FL" && on.Has(ListForward) && group != "":
		r.change(i, func() error { return r.client.JoinGroup(ctx, account, group) })
	case list == "FL" && !on.Has(ListForward) && group == "" && on&(ListAllow|ListBlock) != 0:
		r.change(i, func() error { return r.client.AddContact(ctx, account, "") })
	case list == "AL" && on&(ListAllow|ListBlock|ListPending) == 0:
		r.change(i, func() error { return r.client.Allow(ctx, account) })
	case list == "BL" && on&(ListAllow|ListBlock|ListPending) == 0:
		r.change(i, func() error { return r.client.Block(ctx, account) })
	default:
		r.left(i, "this client makes this change in other steps, or not at all")
	}
}

// take plays REM.
func (r *replay) take(i item) {
	r.t.Helper()
	args := i.cmd.Args
	account := strings.ToLower(argAt(args, 2))
	if r.rec.dialect >= wire.FirstContactIDs && argAt(args, 1) == "FL" {
		account = r.withID(argAt(args, 2)).Account
	}
	contact, _ := r.client.Contact(account)
	ctx := r.t.Context()
	switch group := argAt(args, 3); {
	case argAt(args, 1) != "FL", !contact.Lists.Has(ListForward):
		r.left(i, "this client makes this change in other steps, or not at all")
	case group != "" && slices.Contains(contact.Groups, group):
		r.change(i, func() error { return r.client.LeaveGroup(ctx, account, group) })
	case group == "":
		r.change(i, func() error { return r.client.RemoveContact(ctx, account) })
	default:
		r.left(i, "this client knows that the contact is not in the group")
	}
}
