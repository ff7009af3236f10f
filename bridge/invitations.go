package bridge

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/commands"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/msnid"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// What a user can have mailed: so many invitations within a time, over all of their
// accounts. They go to strangers, in the user's name.
const (
	maxInvitations   = 5
	invitationWindow = 50 * time.Minute // one in 10 minutes in the long run
)

const inviteUsage = "Write `!invite carol@example.com`, or `!invite carol@example.com Come and talk to me` with a text of your own."

// invitee is who an address given to `invite` is.
type invitee uint8

const (
	stranger  invitee = iota // nobody known: is mailed an invitation
	contactOf                // on the contact list: is called, or can be talked to
	oneself
)

// inviteeOf tells who an address is.
func (c *Client) inviteeOf(ctx context.Context, account string) (invitee, error) {
	if account == c.identity.Account {
		return oneself, nil
	}
	contacts, err := c.knownContacts(ctx)
	if err != nil {
		return stranger, err
	}
	for _, contact := range contacts {
		if contact.Account == account && onContactList(contact) {
			return contactOf, nil
		}
	}
	return stranger, nil
}

// fnInvite has the service mail an invitation to somebody who is no contact.
func (c *Connector) fnInvite(ce *commands.Event) {
	given := make(options)
	rest := given.take(typedArguments(ce), loginOption)
	client, ok := c.clientFor(ce, given[loginOption])
	if !ok {
		return
	}
	word, text := cutWord(rest)
	if word == "" {
		say(ce, "Whom? %s", inviteUsage)
		return
	}
	address, err := msnid.ParseAccount(word)
	if err != nil {
		say(ce, "%s Nothing was sent. %s", sentence(err), inviteUsage)
		return
	}
	who, err := client.inviteeOf(ce.Ctx, address)
	var room chat
	if ce.Portal != nil {
		room, _ = parseChat(ce.Portal.ID)
	}
	switch {
	case room.circle != "" && who != oneself:
		if session, ok := sessionOf(ce, client); ok {
			say(ce, "%s", client.inviteIntoCircle(ce.Ctx, session, room.circle, address, text))
		}
		return
	case err != nil:
		zerolog.Ctx(ce.Ctx).Err(err).Msg("Failed to read contacts")
		say(ce, "The contact list could not be read. Nothing was sent; the admin of this bridge finds the reason in the log.")
		return
	case who == oneself:
		say(ce, "%s is your own account. Nothing was sent.", address)
		return
	case who == contactOf && ce.Portal != nil && inRoomWithOthers(ce, address):
		session, ok := sessionOf(ce, client)
		if !ok {
			return
		}
		say(ce, "%s", client.callInto(ce.Ctx, session, room, address))
		return
	case who == contactOf:
		say(ce, "%s is a contact of yours already, so that no mail is needed. Send `$cmdprefix start-chat %s` to talk to them.",
			client.recipient(ce.Ctx, address).name, address)
		return
	}
	session, ok := sessionOf(ce, client)
	if !ok {
		return
	}
	say(ce, "%s", client.invite(ce.Ctx, session, ce.User.MXID, address, text))
}

// inRoomWithOthers reports whether a command was typed in a room with people among
// whom the account is not yet.
func inRoomWithOthers(ce *commands.Event, account string) bool {
	room, ok := parseChat(ce.Portal.ID)
	return ok && room.account != account
}

// invite has an invitation mailed and returns the sentence that says what became of
// it.
func (c *Client) invite(ctx context.Context, session *msn.Client, sender id.UserID, address, text string) string {
	log := zerolog.Ctx(ctx)
	table := c.connector.db.Invitation
	row := &database.Invitation{
		LoginID: c.login.ID, ID: rand.Text(), Address: address, TextLength: len(text),
		Sender: sender, Outcome: database.InvitationSending, OrderedAt: time.Now(),
	}
	wait, err := c.connector.reserveInvitation(ctx, row)
	if err != nil {
		log.Err(err).Msg("Failed to store an invitation")
		return "The bridge could not note the invitation down, and has sent nothing. If that lasts, tell the admin of this bridge."
	}
	if wait > 0 {
		return fmt.Sprintf("You have had %d invitations mailed within %d minutes, which is as many as this bridge lets through. "+
			"The next one can go in %s.", maxInvitations, invitationWindow/time.Minute, inMinutes(wait))
	}
	asking, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	err = session.Invite(asking, address, text)
	answer := fmt.Sprintf("%s is no contact of yours: %s has been asked to mail an invitation to them", address, c.serviceOrUnknown().name)
	if strings.TrimSpace(text) != "" {
		answer += ", with your text"
	}
	answer += ". Whether it does is not known."
	row.Outcome = database.InvitationOrdered
	if err != nil {
		log.Info().Err(err).Msg("Invitation was not ordered")
		row.Outcome, answer = explain(err, invitationFailures, c.subject(address))
	}
	if err := table.SetOutcome(context.WithoutCancel(ctx), row); err != nil {
		log.Err(err).Msg("Failed to note what became of an invitation")
	}
	return answer
}

// keptBack are the outcomes of invitations that never left the bridge.
var keptBack = []string{"msn-invalid-address", "msn-too-long", "msn-dialect", "msn-not-connected"}

// reserveInvitation stores an invitation unless its sender has ordered too many; then
// it returns how long they have to wait.
func (c *Connector) reserveInvitation(ctx context.Context, row *database.Invitation) (wait time.Duration, err error) {
	defer c.inviting.lock(row.Sender)()
	sent, err := c.db.Invitation.Since(ctx, row.Sender, row.OrderedAt.Add(-invitationWindow))
	if err != nil {
		return 0, err
	}
	sent = slices.DeleteFunc(sent, func(i *database.Invitation) bool { return slices.Contains(keptBack, i.Outcome) })
	if len(sent) >= maxInvitations {
		first := sent[len(sent)-maxInvitations]
		return max(first.OrderedAt.Add(invitationWindow).Sub(row.OrderedAt), time.Second), nil
	}
	return 0, c.db.Invitation.Put(ctx, row)
}

// inMinutes writes a time for people.
func inMinutes(d time.Duration) string {
	if minutes := int((d + time.Minute - 1) / time.Minute); minutes > 1 {
		return fmt.Sprintf("%d minutes", minutes)
	}
	return "a minute"
}

// requestTimeout bounds one question to the service that a command asks: package
// msn has limits of its own, which are shorter.
const requestTimeout = time.Minute
