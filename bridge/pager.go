package bridge

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/retry"
	"matrix-msn/bridge/session"
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
	// pagerInterval is how often the table is looked at without being told of anything
	// new.
	pagerInterval = 30 * time.Second
)

// pager sends pages to mobile devices and tells their senders what became of them.
// A page is in the table before it is sent and until its fate is told: after a stop
// or a crash it is not sent a second time, and the next start tells that it is
// uncertain.
type pager struct {
	client *Client
	wake   chan struct{}  // one token: the table has something new
	loop   sync.WaitGroup // run
	pages  sync.WaitGroup

	mu     sync.Mutex
	fresh  map[string]bool // page IDs that were put in and not taken up yet
	active map[string]bool // page IDs that run has taken up
}

func newPager(c *Client) *pager {
	return &pager{client: c, wake: make(chan struct{}, 1), fresh: make(map[string]bool), active: make(map[string]bool)}
}

// Put stores a page to be sent.
func (p *pager) Put(ctx context.Context, page *database.Page) error {
	p.mu.Lock()
	p.fresh[page.PageID] = true
	p.mu.Unlock()
	if err := p.client.account.DB.Page.Put(ctx, page); err != nil {
		p.mu.Lock()
		delete(p.fresh, page.PageID)
		p.mu.Unlock()
		return err
	}
	p.signal()
	return nil
}

func (p *pager) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Start implements session.Part.
func (p *pager) Start(ctx context.Context) { p.loop.Go(func() { p.run(ctx) }) }

// Stop implements session.Part.
func (p *pager) Stop() { p.loop.Wait() }

// Listen has bounces of pages told.
func (p *pager) Listen(s *session.Session) { session.OnDelivered(s, p.client.pageBounced) }

// run sends pages and tells their fate until ctx ends.
func (p *pager) run(ctx context.Context) {
	defer p.pages.Wait()
	ticker := time.NewTicker(pagerInterval)
	defer ticker.Stop()
	for ctx.Err() == nil {
		if err := p.pass(ctx); err != nil && ctx.Err() == nil {
			zerolog.Ctx(ctx).Err(err).Msg("Failed to read table of pages")
			retry.Sleep(ctx, retry.First)
			continue
		}
		select {
		case <-p.wake:
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
}

// pass takes up what is new in the table. What is there and was not put in since the
// last run is left over from it.
func (p *pager) pass(ctx context.Context) error {
	pages, err := p.client.account.DB.Page.Untold(ctx, p.client.account.Login.ID)
	if err != nil {
		return err
	}
	for _, page := range pages {
		fresh, ok := p.begin(page)
		if !ok {
			continue
		}
		p.pages.Go(func() {
			defer p.end(page)
			if page.State == database.PageSending {
				fate := leftOverFate(page)
				if fresh {
					fate = p.send(ctx, page)
				}
				if !p.setFate(ctx, page, fate) {
					return
				}
			}
			p.settle(ctx, page)
		})
	}
	return nil
}

// leftOverFate is what is known of a page whose sending was interrupted.
func leftOverFate(page *database.Page) error {
	if page.SentAt.IsZero() {
		return reason.ErrPageNotSent
	}
	return msn.ErrUncertain
}

// begin reports whether a page is not taken up yet, and takes it up. fresh tells that
// it was never before.
func (p *pager) begin(page *database.Page) (fresh, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.active[page.PageID] {
		return false, false
	}
	fresh = p.fresh[page.PageID]
	delete(p.fresh, page.PageID)
	p.active[page.PageID] = true
	return fresh, true
}

func (p *pager) end(page *database.Page) {
	p.mu.Lock()
	delete(p.active, page.PageID)
	p.mu.Unlock()
	p.signal() // it can have bounced since
}

// send sends a page and waits until the service could have refused it.
func (p *pager) send(ctx context.Context, page *database.Page) error {
	session := p.client.session.Current()
	if session == nil {
		return msn.ErrNotConnected
	}
	result := make(chan error, 1)
	sending, cancel := context.WithCancel(ctx)
	defer cancel()
	p.pages.Go(func() {
		var stored error
		err := session.Page(sending, page.To, notify.Page{
			Text:     page.Text,
			Callback: notify.Callback{Location: notify.Location(page.Callback), Number: page.CallbackNumber},
		}, func(sent msn.SentPage) {
			page.TrID, page.SentAt = sent.TrID, sent.At
			if stored = p.client.account.DB.Page.SetSent(sending, page); stored != nil {
				cancel() // it must not go out when a crash would have it unknown
			}
		})
		if stored != nil {
			err = fmt.Errorf("%w: %w", reason.ErrBridge, stored)
		}
		result <- err
	})
	timer := time.NewTimer(pagingNote)
	defer timer.Stop()
	select {
	case err := <-result:
		return err
	case <-timer.C:
		if err := p.say(ctx, page, fmt.Sprintf("Paging %s …", p.nameOf(ctx, page.To))); err != nil {
			zerolog.Ctx(ctx).Err(err).Msg("Failed to tell that a page is on its way")
		}
	}
	return <-result
}

// setFate notes what became of a page, and goes on trying until ctx ends. It reports
// false when the page has bounced meanwhile, or telling has to wait for the next start.
func (p *pager) setFate(ctx context.Context, page *database.Page, fate error) bool {
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
	// What is known of the page is known here alone, so that nothing is left to the next
	// pass: it would find the page uncertain.
	changed := false
	for waits := retry.Waits(); ; {
		var err error
		if changed, err = p.client.account.DB.Page.Change(context.WithoutCancel(ctx), page, database.PageSending); err == nil {
			break
		}
		log.Err(err).Msg("Failed to note what became of a page")
		if !retry.Sleep(ctx, waits.NextBackOff()) {
			return false
		}
	}
	// It bounced meanwhile when it was not changed: the next pass tells.
	return changed && (ctx.Err() == nil || p.client.session.Leaving())
}

// settle tells the fate of a page, and goes on trying until ctx ends or the room
// shows that it takes nothing.
func (p *pager) settle(ctx context.Context, page *database.Page) {
	log := zerolog.Ctx(ctx).With().Str("page_id", page.PageID).Logger()
	untilTold(ctx, log, func() error { return p.say(ctx, page, p.sentence(ctx, page)) }, func() error {
		page.Told = true
		// Unless it has bounced meanwhile, which the next pass tells.
		_, err := p.client.account.DB.Page.Change(context.WithoutCancel(ctx), page, page.State)
		return err
	})
}

// say writes a notice where the page was typed, in answer to it.
func (p *pager) say(ctx context.Context, page *database.Page, text string) error {
	content := &event.MessageEventContent{MsgType: event.MsgNotice, Body: text, Mentions: &event.Mentions{}}
	if page.EventID != "" {
		content.RelatesTo = (&event.RelatesTo{}).SetReplyTo(page.EventID)
	}
	_, err := p.client.account.Bridge.Bot.SendMessage(ctx, page.RoomID, event.EventMessage, &event.Content{Parsed: content}, nil)
	return err
}

// sentence says what became of a page.
func (p *pager) sentence(ctx context.Context, page *database.Page) string {
	name := p.nameOf(ctx, page.To)
	about := p.client.account.About(name)
	switch page.State {
	case database.PagePaged:
		return fmt.Sprintf("Paged %s: no error came back. MSN does not confirm that a page has arrived.", name)
	case database.PageBounced:
		return bounceSentence(name, page)
	case database.PageUncertain:
		return reason.Of(msn.ErrUncertain, reason.Page, about).Sentence
	}
	return reason.OfCode(string(page.State), page.Code, reason.Page, about).Sentence
}

// bounceSentence says why a page came back.
func bounceSentence(name string, page *database.Page) string {
	text := fmt.Sprintf("Your page to %s did not arrive after all", name)
	switch page.Code {
	case notify.BounceTooLong:
		text += ": it was too long for the device"
	case "", "0", "1":
	default:
		text += " (code " + names.Clean(page.Code) + ")"
	}
	if page.Text != "" {
		text += fmt.Sprintf(". It said: %s", names.Cut(names.OneLine(page.Text), notify.MaxPageText))
	}
	return text
}

// nameOf names whom a page is for.
func (p *pager) nameOf(ctx context.Context, to string) string {
	if number, ok := strings.CutPrefix(to, names.Tel); ok {
		return number
	}
	return p.client.account.Person(ctx, to).Name
}

// Farewell tells the fate of what is left when the user logs out: the login, and
// with it the table, will be gone.
func (p *pager) Farewell(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewellTimeout)
	defer cancel()
	pages, err := p.client.account.DB.Page.Untold(ctx, p.client.account.Login.ID)
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to read table of pages")
	}
	for _, page := range pages {
		if page.State == database.PageSending && !p.setFate(ctx, page, leftOverFate(page)) {
			continue
		}
		p.settle(ctx, page)
	}
}

// pageBounced notes that a page has failed after all; its sender is told where they
// typed it.
func (c *Client) pageBounced(ctx context.Context, evt msn.PageBounced) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	log := zerolog.Ctx(ctx)
	now := time.Now()
	to := evt.Page.To
	if account, ok := msnid.FromServer(to); ok {
		to = account
	}
	page, err := c.account.DB.Page.Sent(ctx, c.account.Login.ID, evt.Page.TrID, to, now.Add(-bounceWindow))
	if err != nil {
		log.Err(err).Msg("Failed to look for a page that bounced")
	}
	if page != nil {
		before := page.State
		page.State, page.Code, page.Told, page.UpdatedAt = database.PageBounced, evt.Code, false, now
		changed, err := c.account.DB.Page.Change(ctx, page, before)
		if err == nil && !changed { // its own answer came in between
			if page, err = c.account.DB.Page.Get(ctx, c.account.Login.ID, page.PageID); err == nil && page != nil {
				before = page.State
				page.State, page.Code, page.Told, page.UpdatedAt = database.PageBounced, evt.Code, false, now
				changed, err = c.account.DB.Page.Change(ctx, page, before)
			}
		}
		if err == nil && changed {
			c.pager.signal()
			return
		}
		log.Err(err).Msg("Failed to note that a page bounced")
	}
	name := "somebody"
	if to != "" {
		name = c.pager.nameOf(ctx, names.Clean(to))
	}
	c.alerts.Notice(ctx, database.Alert{
		AlertID:    msnid.MakeNoticeMessageID("bounce", fmt.Sprint(evt.Page.TrID), to, now.Format(time.RFC3339Nano)),
		ReceivedAt: now,
		Kind:       database.AlertKindPage,
		Text:       bounceSentence(name, &database.Page{Text: evt.Page.Page.Text, Code: evt.Code}),
	})
}
