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
	wake   chan struct{} // one token: the table has something new
	pages  sync.WaitGroup

	mu     sync.Mutex
	fresh  map[string]bool // page IDs that were put in and not taken up yet
	active map[string]bool // page IDs that run has taken up
}

func newPager(c *Client) *pager {
	return &pager{client: c, wake: make(chan struct{}, 1), fresh: make(map[string]bool), active: make(map[string]bool)}
}

// put stores a page to be sent.
func (p *pager) put(ctx context.Context, page *database.Page) error {
	p.mu.Lock()
	p.fresh[page.PageID] = true
	p.mu.Unlock()
	if err := p.client.connector.db.Page.Put(ctx, page); err != nil {
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

// run sends pages and tells their fate until ctx ends.
func (p *pager) run(ctx context.Context) {
	defer p.farewell(ctx)
	defer p.pages.Wait()
	ticker := time.NewTicker(pagerInterval)
	defer ticker.Stop()
	for ctx.Err() == nil {
		if err := p.pass(ctx); err != nil && ctx.Err() == nil {
			zerolog.Ctx(ctx).Err(err).Msg("Failed to read table of pages")
			sleep(ctx, firstRetry)
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
	pages, err := p.client.connector.db.Page.Untold(ctx, p.client.login.ID)
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
		return errPageNotSent
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
	session := p.client.current()
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
			if stored = p.client.connector.db.Page.SetSent(sending, page); stored != nil {
				cancel() // it must not go out when a crash would have it unknown
			}
		})
		if stored != nil {
			err = fmt.Errorf("%w: %w", errBridge, stored)
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
		code, _ := explain(fate, pageFailures, subject{})
		page.State = database.PageState(code)
	}
	var tooLong *notify.TooLongError
	var refused *msn.ServerError
	switch {
	case errors.As(fate, &tooLong):
		page.Code = fmt.Sprint(tooLong.Count)
	case errors.As(fate, &refused):
		page.Code = fmt.Sprint(refused.Number)
	}
	if fate != nil {
		log.Info().Err(fate).Msg("Page was not sent, or may not have been")
	}
	page.UpdatedAt = time.Now()
	// What is known of the page is known here alone, so that nothing is left to the next
	// pass: it would find the page uncertain.
	changed := false
	for waits := newWaits(); ; {
		var err error
		if changed, err = p.client.connector.db.Page.Change(context.WithoutCancel(ctx), page, database.PageSending); err == nil {
			break
		}
		log.Err(err).Msg("Failed to note what became of a page")
		if !sleep(ctx, waits.NextBackOff()) {
			return false
		}
	}
	// It bounced meanwhile when it was not changed: the next pass tells.
	return changed && (ctx.Err() == nil || p.client.leaving.Load())
}

// settle tells the fate of a page, and goes on trying until ctx ends or the room
// shows that it takes nothing.
func (p *pager) settle(ctx context.Context, page *database.Page) {
	log := zerolog.Ctx(ctx).With().Str("page_id", page.PageID).Logger()
	untilTold(ctx, log, func() error { return p.say(ctx, page, p.sentence(ctx, page)) }, func() error {
		page.Told = true
		// Unless it has bounced meanwhile, which the next pass tells.
		_, err := p.client.connector.db.Page.Change(context.WithoutCancel(ctx), page, page.State)
		return err
	})
}

// say writes a notice where the page was typed, in answer to it.
func (p *pager) say(ctx context.Context, page *database.Page, text string) error {
	content := &event.MessageEventContent{MsgType: event.MsgNotice, Body: text, Mentions: &event.Mentions{}}
	if page.EventID != "" {
		content.RelatesTo = (&event.RelatesTo{}).SetReplyTo(page.EventID)
	}
	_, err := p.client.connector.br.Bot.SendMessage(ctx, page.RoomID, event.EventMessage, &event.Content{Parsed: content}, nil)
	return err
}

// sentence says what became of a page.
func (p *pager) sentence(ctx context.Context, page *database.Page) string {
	name := p.nameOf(ctx, page.To)
	about := p.client.subject(name)
	switch page.State {
	case database.PagePaged:
		return fmt.Sprintf("Paged %s: no error came back. MSN does not confirm that a page has arrived.", name)
	case database.PageBounced:
		return bounceSentence(name, page)
	case database.PageUncertain:
		_, sentence := explain(msn.ErrUncertain, pageFailures, about)
		return sentence
	case "msn-page-too-long":
		var count int
		if _, err := fmt.Sscan(page.Code, &count); err == nil {
			_, sentence := explain(&notify.TooLongError{Count: count}, pageFailures, about)
			return sentence
		}
	case "msn-server-error":
		return fmt.Sprintf("%s refused the page to %s (error %s).", about.service, name, page.Code)
	}
	for _, table := range [][]failure{pageFailures, commonFailures} {
		for _, row := range table {
			if row.code == string(page.State) {
				return row.sentence(about)
			}
		}
	}
	return fmt.Sprintf("The page to %s was not sent: %s did something unexpected. The admin of this bridge finds more in the log.", name, about.service)
}

// bounceSentence says why a page came back.
func bounceSentence(name string, page *database.Page) string {
	text := fmt.Sprintf("Your page to %s did not arrive after all", name)
	switch page.Code {
	case notify.BounceTooLong:
		text += ": it was too long for the device"
	case "", "0", "1":
	default:
		text += " (code " + shorten(oneLine(page.Code), maxName) + ")"
	}
	if page.Text != "" {
		text += fmt.Sprintf(". It said: %s", shorten(oneLine(page.Text), notify.MaxPageText))
	}
	return text
}

// nameOf names whom a page is for.
func (p *pager) nameOf(ctx context.Context, to string) string {
	if number, ok := strings.CutPrefix(to, telPrefix); ok {
		return number
	}
	return p.client.recipient(ctx, to).name
}

// farewell tells the fate of what is left when the user logs out: the login, and
// with it the table, will be gone.
func (p *pager) farewell(ctx context.Context) {
	if !p.client.leaving.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewellTimeout)
	defer cancel()
	pages, err := p.client.connector.db.Page.Untold(ctx, p.client.login.ID)
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
	page, err := c.connector.db.Page.Sent(ctx, c.login.ID, evt.Page.TrID, to, now.Add(-bounceWindow))
	if err != nil {
		log.Err(err).Msg("Failed to look for a page that bounced")
	}
	if page != nil {
		before := page.State
		page.State, page.Code, page.Told, page.UpdatedAt = database.PageBounced, evt.Code, false, now
		changed, err := c.connector.db.Page.Change(ctx, page, before)
		if err == nil && !changed { // its own answer came in between
			if page, err = c.connector.db.Page.Get(ctx, c.login.ID, page.PageID); err == nil && page != nil {
				before = page.State
				page.State, page.Code, page.Told, page.UpdatedAt = database.PageBounced, evt.Code, false, now
				changed, err = c.connector.db.Page.Change(ctx, page, before)
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
		name = c.pager.nameOf(ctx, cleanName(to))
	}
	c.notice(ctx, database.Alert{
		AlertID:    msnid.MakeNoticeMessageID("bounce", fmt.Sprint(evt.Page.TrID), to, now.Format(time.RFC3339Nano)),
		ReceivedAt: now,
		Kind:       database.AlertKindPage,
		Text:       bounceSentence(name, &database.Page{Text: evt.Page.Page.Text, Code: evt.Code}),
	})
}
