package login

import (
	"context"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/background"
	"matrix-msn/bridge/retry"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/session"
	"matrix-msn/bridge/words"
	"matrix-msn/msn"
)

const (
	// welcomeAfter is how long after the sign-in a user is told who is online: the service says it of one
	// contact after the other.
	welcomeAfter = 3 * time.Second
	// namedOnline is how many of those who are online are named.
	namedOnline = 5
)

// Welcome tells a user once after their login what they can do with it.
type Welcome struct {
	account *account.Account
	session *session.Session
	rooms   *room.Rooms
	work    *background.Work
}

// NewWelcome returns the Welcome of a login.
func NewWelcome(a *account.Account, s *session.Session, rooms *room.Rooms, work *background.Work) *Welcome {
	return &Welcome{account: a, session: s, rooms: rooms, work: work}
}

// Listen has it said when the account is signed in.
func (w *Welcome) Listen(s *session.Session) { session.Listen(s, w, hearing) }

var hearing = session.Hears(session.OnReady(func(w *Welcome, _ context.Context, _ *msn.Client) {
	if w.account.Stored().Greet {
		w.work.Try("welcome", w.say)
	}
}))

// say reports false when it is to be tried again.
func (w *Welcome) say(ctx context.Context) (done bool) {
	if !w.account.Stored().Greet || !retry.Sleep(ctx, welcomeAfter) {
		return true // after the next sign-in
	}
	client := w.session.Current()
	if client == nil {
		return true
	}
	chat, err := w.rooms.Management(ctx)
	if err == nil {
		_, err = w.account.Bridge.Bot.SendMessage(ctx, chat, event.EventMessage, &event.Content{Parsed: &event.MessageEventContent{
			MsgType: event.MsgNotice, Mentions: &event.Mentions{}, Body: w.text(ctx, client),
		}}, nil)
	}
	if err != nil && !room.TakesNothing(err) {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("Failed to tell a user what they can do after their login; trying again")
		return false
	}
	_ = w.account.Remember(ctx, func(kept *account.Record) { kept.Greet = false }) // it logs that
	return true
}

// text says how many contacts there are, who is online, and what can be done.
func (w *Welcome) text(ctx context.Context, client *msn.Client) string {
	contacts := 0
	var online []string
	example := "bob@example.com"
	for _, contact := range client.Contacts() {
		if !contact.Lists.Has(msn.ListForward) {
			continue
		}
		contacts++
		if contact.Status == msn.Offline || contact.Status == "" {
			continue
		}
		if len(online) == 0 {
			example = contact.Account
		}
		online = append(online, w.account.Person(ctx, contact.Account).Name)
	}
	return strings.Join(append([]string{listed(w.account.Service.Name, contacts, online), words.Text("login.three_things_to_try"),
		words.Text("login.start_chat_opens_a_room_to", example),
		words.Text("login.contacts_shows_everybody_on_your_list"),
		words.Text("login.help_shows_all_that_there_is")}, w.hints(ctx)...), "\n")
}

// hints says what is not set up that most people want.
func (w *Welcome) hints(ctx context.Context) []string {
	user := w.account.Login.User
	if !user.Permissions.DoublePuppet || user.DoublePuppet(ctx) != nil {
		return nil
	}
	return []string{words.Text("login.what_you_write_in_another_messenger")}
}

// listed says how many contacts there are, and names some of those who are online.
func listed(service string, contacts int, online []string) string {
	switch {
	case contacts == 0:
		return words.Text("login.your_contact_list_at_is_empty", service)
	case len(online) == 0:
		return words.Count("login.nobody_online", contacts, service)
	}
	named := online
	if len(named) > namedOnline {
		named = append(append([]string(nil), named[:namedOnline]...), words.Count("login.more", len(online)-namedOnline))
	}
	return words.Count("login.online", contacts, service, strings.Join(named, ", "))
}
