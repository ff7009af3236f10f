package chat

import (
	"context"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// Requests are people who have put the user on their contact list and wait for an answer: the
// user lets them see them, or blocks them. Each is told once a day, when they ask or at a
// sign-in while they wait, and only so many at once.

// maxRequests is how many requests are told at a sign-in, and within noteWindow.
const maxRequests = 5

// WaitsForAnswer reports whether somebody has added the user, who has answered neither way.
func WaitsForAnswer(contact msn.Contact) bool {
	return contact.Reverse() && !contact.Lists.Has(msn.ListAllow) && !contact.Lists.Has(msn.ListBlock)
}

// addedYou tells the user of somebody who has added them.
func (c *Chat) addedYou(ctx context.Context, evt msn.AddedYou) {
	c.contactChanged(ctx, evt.Contact)
	if WaitsForAnswer(evt.Contact) && c.notes.allowRequest(evt.Contact.Account, time.Now()) {
		c.tellRequest(ctx, evt.Contact)
	}
}

// allowRequest reports whether there may be a notice of somebody's request, and counts people:
// one who changes their request all the time takes no place of others.
func (n *noteCounts) allowRequest(account string, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.turn(now)
	one, all := noteAbout{kind: noteRequest, account: account}, noteAbout{kind: noteRequest}
	if n.counts[one] > 0 {
		return true // it is told once a day
	}
	if n.counts[all] >= maxRequests {
		return false
	}
	n.counts[one]++
	n.counts[all]++
	return true
}

// tellRequests tells at a sign-in who waits for an answer.
func (c *Chat) tellRequests(ctx context.Context, client *msn.Client) {
	waiting := 0
	for _, contact := range client.Contacts() {
		if !WaitsForAnswer(contact) {
			continue
		}
		if waiting++; waiting <= maxRequests {
			c.tellRequest(ctx, contact)
		}
	}
	if waiting > maxRequests {
		c.tellDaily(ctx, "requests", fmt.Sprintf("%d people have added you to their contact lists and wait for an answer. `!contacts` shows them all.", waiting))
	}
}

// tellRequest tells of one who waits for an answer.
func (c *Chat) tellRequest(ctx context.Context, contact msn.Contact) {
	account, ok := msnid.FromServer(contact.Account)
	if !ok {
		zerolog.Ctx(ctx).Warn().Msg("Somebody whose account is invalid has added the user")
		return
	}
	c.ToldRequest(account)
	who := account
	if name := names.Clean(contact.Name); name != "" && name != account {
		who = names.Quoted(name) + " (" + account + ")"
	}
	if contact.Request != "" {
		c.tellRequestText(ctx, who, account, contact.Request)
	}
	c.tellDaily(ctx, "request "+account, fmt.Sprintf("%s has added you to their contact list at %s. "+
		"`!accept %s` lets them see you and puts them on yours, `!unblock %s` only lets them see you, `!decline %s` keeps them from that.",
		who, c.account.Service.Name, account, account, account))
}

// requestText tells what somebody wrote with their request: web services bring it after the
// notification server has said who it is.
func (c *Chat) requestText(ctx context.Context, contact msn.Contact) {
	account, ok := msnid.FromServer(contact.Account)
	if ok && contact.Request != "" && WaitsForAnswer(contact) && c.notes.allowRequest(account, time.Now()) {
		c.tellRequestText(ctx, account, account, contact.Request)
	}
}

func (c *Chat) tellRequestText(ctx context.Context, who, account, text string) {
	c.tellDaily(ctx, "request text "+account, fmt.Sprintf("%s, who has added you, writes: %s", who, names.Quoted(names.OneLine(text))))
}

// tellDaily tells something once a day.
func (c *Chat) tellDaily(ctx context.Context, what, text string) {
	now := time.Now()
	c.notices.Notice(ctx, database.Alert{
		AlertID:    msnid.MakeNoticeMessageID("daily", what, now.UTC().Format(time.DateOnly)),
		ReceivedAt: now,
		Kind:       database.AlertKindPeople,
		Text:       text,
	})
}
