// Package request is people who have put the user on their contact list and wait for an answer: the
// user lets them see them, or blocks them. Each is told once a day, when they ask or at a sign-in
// while they wait, and only so many at once: the others are summed up, which counts as told.
package request

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/background"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/session"
	"matrix-msn/bridge/words"
	"matrix-msn/database"
	"matrix-msn/msn"
	"matrix-msn/msn/wire"
)

// textWait is how long is waited for what somebody writes with their request: web services bring
// it after the notification server has said who it is. What comes later is told by itself.
const textWait = 5 * time.Second

// Tell tells the user something about people who write to them.
type Tell func(ctx context.Context, id networkid.MessageID, text string)

// Notes are counted, so that nobody floods the user with them.
type Notes interface {
	// AllowRequest reports whether there may be a notice of somebody's request, and counts people:
	// one who changes their request all the time takes no place of others.
	AllowRequest(account string, now time.Time) bool
	// Rest returns how long what is counted now still counts.
	Rest(now time.Time) time.Duration
}

// Alike knows who can be taken for somebody else.
type Alike interface {
	// Behind says, as a sentence to stand behind another one, for whom somebody can be taken who
	// bears a name, or returns "".
	Behind(ctx context.Context, who, name string) string
}

// Requests tells the user of people who wait for an answer. It is stopped at first.
type Requests struct {
	account *account.Account
	session *session.Session
	notes   Notes
	work    *background.Work
	tell    Tell
	alike   Alike
	heard   toldRequests

	mu      sync.Mutex
	started bool
	summing *time.Timer            // of the sum at the end of the window, nil while none is planned
	awaited map[string]*time.Timer // of whose text is waited for, by account; AllowRequest bounds them
}

// New returns the requests to a login. work is done while the login is started.
func New(a *account.Account, s *session.Session, work *background.Work, notes Notes, alike Alike, tell Tell) *Requests {
	return &Requests{account: a, session: s, work: work, notes: notes, alike: alike, tell: tell}
}

// Listen has what the session tells handled. It is to be called after that of what stores contacts.
func (r *Requests) Listen(s *session.Session) {
	s.Use(r)
	session.Listen(s, r, hearing)
}

var hearing = session.Hears(
	session.OnReadyWith((*Requests).tellAll),
	session.On(func(r *Requests, ctx context.Context, evt msn.ContactChanged) { r.wrote(ctx, evt.Contact) }),
	session.On(func(r *Requests, ctx context.Context, evt msn.AddedYou) { r.added(ctx, evt.Contact) }),
)

// Start implements session.Part. Who waits is told at the sign-in.
func (r *Requests) Start(context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.started = true
}

// Stop implements session.Part.
func (r *Requests) Stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.started = false
	if r.summing != nil {
		r.summing.Stop()
		r.summing = nil
	}
	for _, timer := range r.awaited {
		timer.Stop()
	}
	r.awaited = nil
}

// await tells of somebody when what they write is known, or surely with the end of
// textWait. It reports false for one of whom nothing is to be waited for.
func (r *Requests) await(contact msn.Contact) bool {
	client := r.session.Current()
	if contact.Request != "" || client == nil || client.Dialect() < wire.FirstSOAP {
		return false // earlier dialects have no such text
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.started {
		return true // the next sign-in tells
	}
	if r.awaited == nil {
		r.awaited = make(map[string]*time.Timer)
	}
	if r.awaited[contact.Account] == nil {
		r.awaited[contact.Account] = time.AfterFunc(textWait, func() {
			r.work.Do("request "+contact.Account, func(ctx context.Context) {
				client := r.session.Current()
				if !r.arrived(contact.Account) || client == nil {
					return
				}
				if contact, _ := client.Contact(contact.Account); contact.WaitsForAnswer() {
					r.tellOne(ctx, contact)
				}
			})
		})
	}
	return true
}

// arrived ends the waiting for what somebody writes, and reports whether there was any.
func (r *Requests) arrived(account string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	timer := r.awaited[account]
	if timer == nil {
		return false
	}
	timer.Stop()
	delete(r.awaited, account)
	return true
}

// added tells the user of somebody who has added them.
func (r *Requests) added(ctx context.Context, contact msn.Contact) {
	switch {
	case !contact.WaitsForAnswer():
	case r.notes.AllowRequest(contact.Account, time.Now()):
		if !r.await(contact) {
			r.tellOne(ctx, contact)
		}
	default:
		r.sumLater()
	}
}

// sumLater has those summed up who have added the user and were not told, when the window
// is over. Whoever is stopped before that sums them up at the next sign-in.
func (r *Requests) sumLater() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.started && r.summing == nil {
		r.summing = time.AfterFunc(r.notes.Rest(time.Now()), func() { r.work.Do("requests", r.sum) })
	}
}

// sum tells how many wait for an answer whom the user was not told of.
func (r *Requests) sum(ctx context.Context) {
	r.mu.Lock()
	r.summing = nil // who comes from now on is in the next one
	r.mu.Unlock()
	client := r.session.Current()
	if client == nil {
		return // the next sign-in tells
	}
	_, left := r.waiting(ctx, client.Contacts())
	now := time.Now()
	if len(left) == 1 && r.notes.AllowRequest(left[0], now) {
		contact, _ := client.Contact(left[0])
		r.tellOne(ctx, contact)
	} else if len(left) > 0 {
		text := words.Count("request.more", len(left))
		r.tell(ctx, msnid.MakeNoticeMessageID("requests", now.UTC().Format(time.RFC3339Nano)), text)
		r.summedUp(ctx, now, left)
	}
}

// tellAll tells at a sign-in who waits for an answer.
func (r *Requests) tellAll(ctx context.Context, client *msn.Client, contacts []msn.Contact) {
	waiting, untold := r.waiting(ctx, contacts)
	now := time.Now()
	var others []string
	for _, account := range untold {
		if !r.notes.AllowRequest(account, now) {
			others = append(others, account)
			continue
		}
		contact, _ := client.Contact(account)
		r.tellOne(ctx, contact)
	}
	switch {
	case len(others) == 0:
	case r.told(ctx, dailyID("requests", now)):
		r.sumLater()
	default:
		r.tellDaily(ctx, "requests", words.Count("request.several", waiting))
		r.summedUp(ctx, now, others)
	}
}

// maxSummedUp is how many people are remembered who were summed up within a day. Of those that are
// forgotten it is told again.
const maxSummedUp = 500

// summedUp notes that people were summed up: they count as told for the day.
func (r *Requests) summedUp(ctx context.Context, now time.Time, accounts []string) {
	_ = r.account.Remember(ctx, func(kept *account.Record) {
		all := append(slices.Clone(kept.SummedUp.On(day(now))), accounts...)
		kept.SummedUp = account.SummedUp{Day: day(now), Accounts: all[max(0, len(all)-maxSummedUp):]}
	})
}

// waiting returns how many of the contacts wait for an answer, and those whom the user was not told of
// today.
func (r *Requests) waiting(ctx context.Context, contacts []msn.Contact) (waiting int, untold []string) {
	now := time.Now()
	var accounts []string
	for _, contact := range contacts {
		if account, ok := msnid.FromServer(contact.Account); ok && contact.WaitsForAnswer() {
			accounts = append(accounts, account)
		}
	}
	if len(accounts) == 0 {
		return 0, nil
	}
	alerts, err := r.account.DB.Alert.Last(ctx, r.account.Login.ID, database.MaxAlerts)
	if err != nil { // they are told again: the table knows what it has
		zerolog.Ctx(ctx).Err(err).Msg("Failed to read of whom the user was told")
	}
	told := make(map[networkid.MessageID]struct{}, len(alerts))
	for _, alert := range alerts {
		told[alert.AlertID] = struct{}{}
	}
	summedUp := make(map[string]bool)
	for _, account := range r.account.Stored().SummedUp.On(day(now)) {
		summedUp[account] = true
	}
	for _, account := range accounts {
		if _, ok := told[requestID(account, now)]; ok {
			r.NoteTold(account) // perhaps by another process
		} else if !summedUp[account] {
			untold = append(untold, account)
		}
	}
	return len(accounts), untold
}

// told reports whether the user was told something.
func (r *Requests) told(ctx context.Context, id networkid.MessageID) bool {
	alert, err := r.account.DB.Alert.Get(ctx, r.account.Login.ID, id)
	return err == nil && alert != nil
}

// tellOne tells of one who waits for an answer.
func (r *Requests) tellOne(ctx context.Context, contact msn.Contact) {
	account, ok := msnid.FromServer(contact.Account)
	if !ok {
		zerolog.Ctx(ctx).Warn().Msg("Somebody whose account is invalid has added the user")
		return
	}
	r.NoteTold(account)
	who, name := account, names.Clean(contact.Name)
	if name != "" && name != account {
		who = names.Quoted(name) + " (" + account + ")"
	}
	service, text := r.account.Service.Name, ""
	if contact.Request == "" {
		text = words.Text("request.added", who, service, account)
	} else {
		text = words.Text("request.added_and_writes", who, service, account, quotedText(contact))
	}
	r.tellDaily(ctx, requestOf+account, text+r.alike.Behind(ctx, account, name))
}

// quotedText is what somebody has written with their request.
func quotedText(contact msn.Contact) string { return names.Quoted(names.OneLine(contact.Request)) }

// wrote tells what somebody wrote with their request: with it, or by itself when the user was
// told of that before.
func (r *Requests) wrote(ctx context.Context, contact msn.Contact) {
	account, ok := msnid.FromServer(contact.Account)
	if !ok || contact.Request == "" || !contact.WaitsForAnswer() || !r.notes.AllowRequest(account, time.Now()) {
		return
	}
	r.arrived(contact.Account)
	told, err := r.account.DB.Alert.Get(ctx, r.account.Login.ID, requestID(account, time.Now()))
	switch {
	case err == nil && told == nil:
		r.tellOne(ctx, contact)
	case err != nil || !strings.Contains(told.Text, quotedText(contact)):
		r.tellDaily(ctx, "request text "+account, words.Text("request.who_has_added_you_writes", account, quotedText(contact)))
	}
}

// requestOf stands before the account in what tellDaily tells of somebody's request.
const requestOf = "request "

// requestID is by what it is known that the user was told of somebody's request today.
func requestID(account string, now time.Time) networkid.MessageID {
	return dailyID(requestOf+account, now)
}

// dailyID is by what something is known that is told once a day.
func dailyID(what string, now time.Time) networkid.MessageID {
	return msnid.MakeNoticeMessageID("daily", what, day(now))
}

func day(now time.Time) string { return now.UTC().Format(time.DateOnly) }

// tellDaily tells something once a day.
func (r *Requests) tellDaily(ctx context.Context, what, text string) {
	r.tell(ctx, dailyID(what, time.Now()), text)
}
