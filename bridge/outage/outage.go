// Package outage tells a user in their chat with the bot that their account is not signed in any more, or that
// the service carries no texts of it, and that it is as it should be again: each once.
package outage

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/background"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/session"
	"matrix-msn/bridge/words"
	"matrix-msn/msn"
)

const (
	// AwayFor is how long an account is not signed in before its user is told, where the bridge goes on
	// trying: most outages are over before. What only the user can help is told at once.
	AwayFor = 3 * time.Minute
	// BackFor is how long an account stays signed in before an outage counts as over.
	BackFor = 30 * time.Second
)

// away is what a user is told of an outage in which the bridge goes on trying, whatever its reason: of
// another one it is the code of that.
const away = "away"

// Outages are those of one login.
type Outages struct {
	account *account.Account
	rooms   *room.Rooms
	work    *background.Work
	session *session.Session
	silent  bool

	mu      sync.Mutex
	stopped bool
	up      bool
	problem *reason.Reason // why it is not signed in, nil while that is not known
	since   time.Time      // when the outage began, zero while there is none
	back    time.Time      // when it was signed in last
	timer   *time.Timer    // looks again; nil before the first time
	asking  int            // commands that will say themselves how it is
	failing time.Time      // since when texts fail by the fault of the service, zero while they do not
	proven  bool           // an attempt without one has failed as well
	probe   *time.Timer    // makes the next attempt; nil before the first
}

// New returns the outages of a login, of which nobody is told if silent.
func New(a *account.Account, rooms *room.Rooms, work *background.Work, silent bool) *Outages {
	return &Outages{account: a, rooms: rooms, work: work, silent: silent}
}

// Listen has them follow the session.
func (o *Outages) Listen(s *session.Session) {
	o.session = s
	s.Use(o)
	session.Listen(s, o, hearing)
}

var hearing = session.Hears(
	session.OnTrouble((*Outages).trouble),
	session.OnReady(func(o *Outages, _ context.Context, _ *msn.Client) { o.ready() }),
)

// Start implements session.Part.
func (o *Outages) Start(context.Context) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stopped = false
}

// Stop implements session.Part.
func (o *Outages) Stop() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stopped = true
	if o.timer != nil {
		o.timer.Stop()
	}
	if o.probe != nil {
		o.probe.Stop()
	}
}

func (o *Outages) trouble(problem reason.Reason) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	if o.since.IsZero() {
		o.since = now
	}
	o.up, o.problem = false, &problem
	if !problem.Retried() {
		o.lookIn(0)
		return
	}
	o.lookIn(o.since.Add(AwayFor).Sub(now))
}

func (o *Outages) ready() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.up, o.problem, o.back = true, nil, time.Now()
	o.lookIn(BackFor)
	if o.failing.IsZero() && o.account.Stored().Outage == reason.CodeCarriesNothing {
		// It was so before a restart, and nobody knows that it is over.
		o.failing, o.proven = o.back, true
	}
	if !o.failing.IsZero() {
		o.probeIn(0)
	}
}

// lookIn has it looked after a time what the user is to be told. mu is held.
func (o *Outages) lookIn(after time.Duration) {
	if o.timer != nil {
		o.timer.Stop()
	}
	if !o.stopped && !o.silent {
		o.timer = time.AfterFunc(max(after, 0), func() { o.work.Try("outage", o.show) })
	}
}

// Ask is to be called by a command that signs in anew, and says itself how that went: nobody else does
// until told is called, and then only what has changed since. told is given what the user was told, nil for
// that the account is signed in.
func (o *Outages) Ask() (told func(context.Context, *reason.Reason)) {
	o.mu.Lock()
	o.asking++
	o.mu.Unlock()
	return func(ctx context.Context, problem *reason.Reason) {
		if !o.silent {
			o.remember(ctx, kindOf(problem))
		}
		o.mu.Lock()
		defer o.mu.Unlock()
		o.asking--
		if o.silent {
			return
		}
		// The session can say so a moment later.
		if problem == nil {
			o.up, o.problem, o.since, o.back = true, nil, time.Time{}, time.Now()
			o.lookIn(BackFor)
			return
		}
		if o.up || o.since.IsZero() {
			o.since = time.Now()
		}
		o.up, o.problem = false, problem
		o.lookIn(0)
	}
}

func kindOf(problem *reason.Reason) string {
	switch {
	case problem == nil:
		return ""
	case problem.Code == reason.CodeCarriesNothing:
		return problem.Code
	case problem.Retried():
		return away
	}
	return problem.Code
}

// due returns what the user is to know by now, and reports false when it is not yet time to say.
func (o *Outages) due(now time.Time) (problem *reason.Reason, since time.Time, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	since = o.since
	switch {
	case o.asking > 0:
		return nil, since, false
	case o.up && o.proven:
		nothing := carriesNothing(o)
		return &nothing, o.failing, now.Sub(o.failing) >= AwayFor
	case o.up:
		if ok = now.Sub(o.back) >= BackFor; ok {
			o.since = time.Time{}
		}
		return nil, since, ok
	case o.problem == nil:
		return nil, since, false
	}
	return o.problem, since, !o.problem.Retried() || now.Sub(since) >= AwayFor
}

// show tells the user what they do not know. It reports false when that failed.
func (o *Outages) show(ctx context.Context) (done bool) {
	problem, since, ok := o.due(time.Now())
	kind := kindOf(problem)
	known := o.account.Stored().Outage
	if !ok || known == kind {
		return true
	}
	if err := o.say(ctx, known, problem, since); err != nil {
		if ctx.Err() == nil {
			zerolog.Ctx(ctx).Warn().Err(err).Msg("Failed to tell a user whether their account is signed in; trying again")
		}
		return room.TakesNothing(err)
	}
	o.remember(ctx, kind)
	return true
}

// remember notes what the user knows, over restarts too. That it is not stored is logged there, and no
// reason to say it again: the next change stores it.
func (o *Outages) remember(ctx context.Context, kind string) {
	if o.account.Stored().Outage != kind {
		_ = o.account.Remember(ctx, func(kept *account.Record) { kept.Outage = kind })
	}
}

// say tells the user of a problem, or that there is none any more. known is what they were told before.
func (o *Outages) say(ctx context.Context, known string, problem *reason.Reason, since time.Time) error {
	chat, err := o.rooms.Management(ctx)
	if err != nil {
		return err
	}
	who, service := o.account.Identity.Account, o.account.Service.Name
	content := &event.MessageEventContent{MsgType: event.MsgNotice, Mentions: &event.Mentions{}}
	switch {
	case problem == nil && known == reason.CodeCarriesNothing:
		content.Body = words.Text("outage.carries_again", service, who)
	case problem != nil && problem.Code == reason.CodeCarriesNothing:
		content.Body = words.Text("outage.carries_nothing", names.Minutes(time.Since(since)), who, problem.Sentence)
	case problem == nil && since.IsZero():
		content.Body = words.Text("outage.signed_in_again", who, service)
	case problem == nil:
		content.Body = words.Text("outage.signed_in_again_after", who, service, names.Minutes(time.Since(since)-BackFor))
	case problem.Retried():
		content.Body = words.Text("outage.away",
			who, service, names.Minutes(AwayFor), problem.Sentence)
	default:
		// Somebody has to do something: this one rings.
		content.MsgType = event.MsgText
		content.Body = words.Text("outage.signed_out", who, service, problem.Sentence)
	}
	_, err = o.account.Bridge.Bot.SendMessage(ctx, chat, event.EventMessage, &event.Content{Parsed: content}, nil)
	return err
}
