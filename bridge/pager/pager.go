// Package pager sends pages to mobile devices and tells their senders what became of them:
// a page is on disk before it is sent and until its fate is told, and it is sent once.
package pager

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/queue"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/retry"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/session"
	"matrix-msn/bridge/words"
	"matrix-msn/database"
	"matrix-msn/msn"
	"matrix-msn/msn/notify"
)

const (
	// pagingNote is after how long a user is told that a page is on its way: errors
	// come within a round trip, the end of the wait for them takes long.
	pagingNote = 2 * time.Second
	// bounceWindow is how long after a page its bounce can come.
	bounceWindow = 24 * time.Hour
	// storeTimeout bounds storing one bounce. The session waits meanwhile.
	storeTimeout = 5 * time.Second
	// farewellTimeout bounds what is told at logout. The framework waits for it.
	farewellTimeout = 10 * time.Second
	// parallel is how many pages are under way at once.
	parallel = 16
	// patience is after how long a page is not counted for that any more.
	patience = 10 * time.Second
)

// Session is the connection of the login.
type Session interface {
	// Current returns the session, nil while there is none.
	Current() *msn.Client
}

// Notices are shown among the alerts.
type Notices interface {
	Notice(context.Context, database.Alert)
}

// Pager sends the pages of one login. It is stopped at first.
type Pager struct {
	account *account.Account
	session Session
	rooms   *room.Rooms
	notices Notices
	loop    *queue.Loop[string, *database.Page]
	puts    queue.Gate // closed while the user logs out
}

// New returns a Pager that is stopped.
func New(a *account.Account, session Session, rooms *room.Rooms, notices Notices) *Pager {
	p := &Pager{account: a, session: session, rooms: rooms, notices: notices}
	p.loop = queue.New(queue.Config[string, *database.Page]{
		Store: &table{a.DB.Page, a.Login.ID}, Work: p, Window: 1, Batch: 1, Parallel: parallel, Patience: patience,
	})
	return p
}

// Listen has bounces of pages told.
func (p *Pager) Listen(s *session.Session) { session.Listen(s, p, hearing) }

var hearing = session.Hears(session.OnDelivered((*Pager).bounced))

// Put stores a page to be sent. While the user logs out it does not: the table will be gone with the login, and what is left was told
// already. The error is msn.ErrClosed then.
func (p *Pager) Put(ctx context.Context, page *database.Page) error {
	return p.puts.Pass(msn.ErrClosed, func() error {
		if err := p.account.DB.Page.Put(ctx, page); err != nil {
			return err
		}
		p.loop.Wake(page.PageID, positionOf(page))
		return nil
	})
}

// Start sends pages that are put in from now on, and tells the fate of those that are in
// the table.
func (p *Pager) Start(ctx context.Context) {
	p.puts.Open()
	p.loop.Start(ctx)
}

// Stop ends what Start began. What is not told is told after the next start.
func (p *Pager) Stop() { p.loop.Stop() }

// Farewell tells the fate of what is left when the user logs out: the login, and
// with it the table, will be gone.
func (p *Pager) Farewell(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewellTimeout)
	defer cancel()
	p.puts.Close()
	p.puts.Wait(queue.PutsTimeout)
	if err := p.loop.Farewell(ctx, func(ctx context.Context, job *queue.Job[*database.Page]) queue.Outcome {
		return p.leftOver(ctx, job.Row)
	}); err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to tell what became of pages before the user logged out")
	}
}

// Begin implements queue.Work: it sends a page, or finds out what became of it.
func (p *Pager) Begin(ctx context.Context, job *queue.Job[*database.Page]) queue.Outcome {
	page := job.Row
	if page.State != database.PageSending || job.Earlier || page.WrittenAt.Before(job.Since.Truncate(time.Millisecond)) {
		return p.leftOver(ctx, page)
	}
	if err := job.Claim(ctx); errors.Is(err, queue.ErrLost) || ctx.Err() != nil {
		return queue.Leave()
	} else if err != nil {
		return p.settle(ctx, page, fmt.Errorf("%w: %w", reason.ErrBridge, err))
	}
	return queue.Pending(func() queue.Outcome {
		fate := p.send(ctx, page)
		if errors.Is(fate, queue.ErrLost) {
			return queue.Leave()
		}
		return p.settle(ctx, page, fate)
	})
}

// leftOver is what becomes of a page that was not put in since the last start.
func (p *Pager) leftOver(ctx context.Context, page *database.Page) queue.Outcome {
	switch {
	case page.State != database.PageSending:
		return queue.Tell(nil)
	case page.SentAt.IsZero():
		return p.settle(ctx, page, reason.ErrPageNotSent)
	}
	return p.settle(ctx, page, msn.ErrUncertain)
}

// settle notes the fate of a page and has it told.
func (p *Pager) settle(ctx context.Context, page *database.Page, fate error) queue.Outcome {
	if !p.setFate(ctx, page, fate) {
		return queue.Leave()
	}
	return queue.Tell(fate)
}

// send sends a page and waits until the service could have refused it.
func (p *Pager) send(ctx context.Context, page *database.Page) error {
	session := p.session.Current()
	if session == nil {
		return msn.ErrNotConnected
	}
	sending, cancel := context.WithCancel(ctx)
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- p.page(sending, cancel, session, page) }()
	timer := time.NewTimer(pagingNote)
	defer timer.Stop()
	select {
	case err := <-result:
		return err
	case <-timer.C:
		if err := p.say(ctx, page, words.Text("pager.paging", p.nameOf(ctx, page.To))); err != nil {
			zerolog.Ctx(ctx).Err(err).Msg("Failed to tell that a page is on its way")
		}
	}
	return <-result
}

// page is send without news in between. cancel ends sending.
func (p *Pager) page(sending context.Context, cancel context.CancelFunc, session *msn.Client, page *database.Page) error {
	var stored error
	err := session.Page(sending, page.To, notify.Page{
		Text:     page.Text,
		Callback: notify.Callback{Location: notify.Location(page.Callback), Number: page.CallbackNumber},
	}, func(sent msn.SentPage) {
		page.TrID, page.SentAt = sent.TrID, sent.At
		changed, err := p.account.DB.Page.SetSent(sending, page)
		switch {
		case err != nil:
			stored = fmt.Errorf("%w: %w", reason.ErrBridge, err)
		case !changed:
			stored = queue.ErrLost
		}
		if stored != nil {
			cancel() // it must not go out when a crash would have it unknown
		}
	})
	if stored != nil {
		return stored
	}
	return err
}

// setFate notes what became of a page, and goes on trying until ctx ends. It reports
// false when the page has bounced meanwhile, or telling has to wait for the next start.
func (p *Pager) setFate(ctx context.Context, page *database.Page, fate error) bool {
	log := zerolog.Ctx(ctx).With().Str("page_id", page.PageID).Logger()
	switch {
	case fate == nil:
		page.State = database.PagePaged
	case errors.Is(fate, msn.ErrUncertain):
		page.State = database.PageUncertain
	default:
		code := reason.Of(fate, reason.Page, reason.Subject{}).Code
		page.State = database.PageState(code)
	}
	if fate != nil {
		page.Code = reason.NumberOf(fate)
		log.Info().Err(fate).Msg("Page was not sent, or may not have been")
	}
	page.UpdatedAt = time.Now()
	// What is known of the page is known here alone: the next start would find it uncertain.
	changed := false
	for waits := retry.Storing(); ; {
		var err error
		if changed, err = p.account.DB.Page.Change(context.WithoutCancel(ctx), page, database.PageSending); err == nil {
			break
		}
		log.Err(err).Msg("Failed to note what became of a page")
		if !retry.Sleep(ctx, waits.NextBackOff()) {
			return false
		}
	}
	// It bounced meanwhile when it was not changed: that is told.
	return changed && ctx.Err() == nil
}
