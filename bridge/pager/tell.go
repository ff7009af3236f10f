package pager

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/words"
	"matrix-msn/database"
	"matrix-msn/msn"
	"matrix-msn/msn/notify"
)

// Tell implements queue.Work. The fate of a page is in its row.
func (p *Pager) Tell(ctx context.Context, page *database.Page, _ error) error {
	err := p.say(ctx, page, p.sentence(ctx, page))
	if room.TakesNothing(err) {
		return nil
	}
	return err
}

// say writes a notice where the page was typed, in answer to it.
func (p *Pager) say(ctx context.Context, page *database.Page, text string) error {
	return p.rooms.Notice(ctx, page.RoomID, text, page.EventID)
}

// sentence says what became of a page.
func (p *Pager) sentence(ctx context.Context, page *database.Page) string {
	name := p.nameOf(ctx, page.To)
	about := p.account.About(name)
	switch page.State {
	case database.PagePaged:
		return words.Text("pager.paged_no_error_came_back_msn", name)
	case database.PageBounced:
		return bounceSentence(name, page)
	case database.PageUncertain:
		return reason.Of(msn.ErrUncertain, reason.Page, about).Sentence
	}
	return reason.OfCode(string(page.State), page.Code, reason.Page, about).Sentence
}

// bounceSentence says why a page came back.
func bounceSentence(name string, page *database.Page) string {
	text := reason.Of(reason.Bounced{Code: page.Code}, reason.Bounce, reason.Subject{Name: name}).Sentence
	if page.Text != "" {
		text += " " + words.Text("pager.said", names.Cut(names.OneLine(page.Text), notify.MaxPageText))
	}
	return text
}

// nameOf names whom a page is for.
func (p *Pager) nameOf(ctx context.Context, to string) string {
	if number, ok := strings.CutPrefix(to, names.Tel); ok {
		return number
	}
	return p.account.Person(ctx, to).Name
}

// bounced notes that a page has failed after all; its sender is told where they
// typed it.
func (p *Pager) bounced(ctx context.Context, evt msn.PageBounced) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	log := zerolog.Ctx(ctx)
	now := time.Now()
	to := evt.Page.To
	if account, ok := msnid.FromServer(to); ok {
		to = account
	}
	page, err := p.account.DB.Page.Sent(ctx, p.account.Login.ID, evt.Page.TrID, to, now.Add(-bounceWindow))
	if err != nil {
		log.Err(err).Msg("Failed to look for a page that bounced")
	}
	if page != nil {
		before := page.State
		page.State, page.Code, page.Told, page.UpdatedAt = database.PageBounced, evt.Code, false, now
		changed, err := p.account.DB.Page.Change(ctx, page, before)
		if err == nil && !changed { // its own answer came in between
			if page, err = p.account.DB.Page.Get(ctx, p.account.Login.ID, page.PageID); err == nil && page != nil {
				before = page.State
				page.State, page.Code, page.Told, page.UpdatedAt = database.PageBounced, evt.Code, false, now
				changed, err = p.account.DB.Page.Change(ctx, page, before)
			}
		}
		if err == nil && changed {
			p.loop.Wake(page.PageID, positionOf(page))
			return
		}
		log.Err(err).Msg("Failed to note that a page bounced")
	}
	name := "somebody"
	if to != "" {
		name = p.nameOf(ctx, names.Clean(to))
	}
	p.notices.Notice(ctx, database.Alert{
		AlertID:    msnid.MakeNoticeMessageID("bounce", fmt.Sprint(evt.Page.TrID), to, now.Format(time.RFC3339Nano)),
		ReceivedAt: now,
		Kind:       database.AlertKindPage,
		Text:       bounceSentence(name, &database.Page{Text: evt.Page.Page.Text, Code: evt.Code}),
	})
}
