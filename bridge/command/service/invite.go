package service

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/session"
	"matrix-msn/bridge/words"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// What a user can have mailed: so many invitations within a time, over all of their
// accounts. They go to strangers, in the user's name.
const (
	maxInvitations   = 5
	invitationWindow = 50 * time.Minute // one in 10 minutes in the long run
)

const inviteUsage = "command.service.write_invite_carol_example_com_or"

// invitee is who an address given to `invite` is.
type invitee uint8

const (
	stranger  invitee = iota // nobody known: is mailed an invitation
	contactOf                // on the contact list: is called, or can be talked to
	oneself
)

// inviteeOf tells who an address is.
func inviteeOf(l *call.Login, ctx context.Context, address string) (invitee, error) {
	if address == l.Account.Identity.Account {
		return oneself, nil
	}
	contacts, err := l.Account.Contacts(ctx)
	if err != nil {
		return stranger, err
	}
	for _, contact := range contacts {
		if contact.Account == address && account.Listed(contact) {
			return contactOf, nil
		}
	}
	return stranger, nil
}

// Invite has the service mail an invitation to somebody who is no contact.
func Invite(c *call.Call) {
	login, ok := c.Login()
	if !ok {
		return
	}
	word, text := call.CutWord(c.Text)
	if word == "" {
		c.Say("Whom? %s", words.Text(inviteUsage))
		return
	}
	address, err := msnid.ParseAccount(word)
	if err != nil {
		c.Tell("command.service.nothing_was_sent", reason.Of(err, reason.Input, reason.Subject{}).Sentence, words.Text(inviteUsage))
		return
	}
	room, ok := c.PeerOfRoom(login)
	if !ok || several(c, login, room, address, text) {
		return
	}
	who, err := inviteeOf(login, c.Ctx, address)
	switch {
	case room.Circle != "" && who != oneself:
		if client, ok := c.SessionOf(login); ok {
			c.Say("%s", login.Circles.Invite(c.Ctx, client, room.Circle, address, text))
		}
		return
	case err != nil:
		zerolog.Ctx(c.Ctx).Err(err).Msg("Failed to read contacts")
		c.Say("%s", reason.Of(reason.ErrContacts, reason.Invitation, login.Account.About(address)).Sentence)
		return
	case who == oneself:
		c.Tell("command.service.is_your_own_account_nothing_was", address)
		return
	case who == contactOf && room != (msnid.Peer{}) && room.Account != address:
		client, ok := c.SessionOf(login)
		if !ok {
			return
		}
		c.Say("%s", login.Groups.Calls.CallInto(c.Ctx, client, room, address))
		return
	case who == contactOf:
		c.Tell("command.service.is_a_contact_of_yours_already",
			login.Account.Person(c.Ctx, address).Name, address)
		return
	}
	client, ok := c.SessionOf(login)
	if !ok {
		return
	}
	c.Say("%s", invite(c, login, client, address, text))
}

// several calls contacts into the conversation of a command that names more than one and nothing else. It
// reports false for another command.
func several(c *call.Call, login *call.Login, room msnid.Peer, first, rest string) bool {
	accounts := []string{first}
	for _, word := range strings.Fields(rest) {
		account, err := msnid.ParseAccount(word)
		if err != nil {
			return false
		}
		if !slices.Contains(accounts, account) {
			accounts = append(accounts, account)
		}
	}
	if len(accounts) == 1 {
		return false
	}
	switch {
	case room == (msnid.Peer{}):
		c.Tell("command.service.name_one_person_here_several_at")
		return true
	case room.Circle != "":
		c.Tell("command.service.name_one_person_at_a_time")
		return true
	}
	for _, account := range accounts {
		switch who, err := inviteeOf(login, c.Ctx, account); {
		case err != nil:
			zerolog.Ctx(c.Ctx).Err(err).Msg("Failed to read contacts")
			c.Say("%s", reason.Of(reason.ErrContacts, reason.Invitation, login.Account.About(account)).Sentence)
			return true
		case who == oneself || account == room.Account:
			c.Tell("command.service.is_here_already_leave_them_out", account)
			return true
		case who == stranger:
			c.Tell("command.service.is_no_contact_of_yours_several", account)
			return true
		}
	}
	if client, ok := c.SessionOf(login); ok {
		c.Say("%s", login.Groups.Calls.CallInto(c.Ctx, client, room, accounts...))
	}
	return true
}

// invite has an invitation mailed and returns the sentence that says what became of
// it.
func invite(c *call.Call, login *call.Login, client *msn.Client, address, text string) string {
	ctx := c.Ctx
	log := zerolog.Ctx(ctx)
	row := &database.Invitation{
		LoginID: login.Account.Login.ID, ID: rand.Text(), Address: address, TextLength: len(text),
		Sender: c.User.MXID, Outcome: database.InvitationSending, OrderedAt: time.Now(),
	}
	wait, err := reserveInvitation(ctx, c.Parts, row)
	if err != nil {
		log.Err(err).Msg("Failed to store an invitation")
		return reason.Of(reason.ErrBridge, reason.Invitation, login.Account.About(address)).Sentence
	}
	if wait > 0 {
		return words.Text("command.service.you_have_had_invitations_mailed_within", maxInvitations, invitationWindow/time.Minute, names.Minutes(wait))
	}
	asking, cancel := context.WithTimeout(ctx, session.RequestTimeout)
	defer cancel()
	err = client.Invite(asking, address, text)
	answer := words.Text("command.service.is_no_contact_of_yours_has", address, login.Account.Service.Name)
	if strings.TrimSpace(text) != "" {
		answer += words.Text("command.service.with_your_text")
	}
	answer += words.Text("command.service.whether_it_does_is_not_known")
	row.Outcome = database.InvitationOrdered
	if err != nil {
		log.Info().Err(err).Msg("Invitation was not ordered")
		why := reason.Of(err, reason.Invitation, login.Account.About(address))
		row.Outcome, answer = why.Code, why.Sentence
	}
	if err := c.DB.Invitation.SetOutcome(context.WithoutCancel(ctx), row); err != nil {
		log.Err(err).Msg("Failed to note what became of an invitation")
	}
	return answer
}

// keptBack are the outcomes of invitations that never left the bridge.
var keptBack = []string{"msn-invalid-address", "msn-too-long", "msn-dialect", "msn-not-connected"}

// reserveInvitation stores an invitation unless its sender has ordered too many; then
// it returns how long they have to wait.
func reserveInvitation(ctx context.Context, shared *call.Parts, row *database.Invitation) (wait time.Duration, err error) {
	defer shared.Inviting.WithLock(row.Sender)()
	sent, err := shared.DB.Invitation.Since(ctx, row.Sender, row.OrderedAt.Add(-invitationWindow))
	if err != nil {
		return 0, err
	}
	sent = slices.DeleteFunc(sent, func(i *database.Invitation) bool { return slices.Contains(keptBack, i.Outcome) })
	if len(sent) >= maxInvitations {
		first := sent[len(sent)-maxInvitations]
		return max(first.OrderedAt.Add(invitationWindow).Sub(row.OrderedAt), time.Second), nil
	}
	return 0, shared.DB.Invitation.Put(ctx, row)
}
