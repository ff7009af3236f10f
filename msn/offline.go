package msn

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"matrix-msn/msn/passport"
	"matrix-msn/msn/soap"
	"matrix-msn/msn/wire"
)

const (
	// maxOfflineKnown is how many offline messages of a session are remembered, so
	// that each is told once. More wait at the service until those are deleted.
	maxOfflineKnown = 5000
	// offlineAttempts is how often offline messages are asked for before they wait
	// for the next notice, and offlinePause what is waited between.
	offlineAttempts = 4
	offlinePause    = 10 * time.Second
	// offlineEvery is how often notices can have offline messages asked for: a server
	// that sends one after the other does not keep the Client busy.
	offlineEvery = 5 * time.Second
	// maxRuns is how many recipients' counters of offline messages are remembered.
	maxRuns = 1024
)

// OfflineReceived is a text that somebody wrote while the user was offline, from
// MSNP11 on. It stays at the service until DeleteOffline, and is told again by the
// next sign-in until then. Those that wait are told in the order in which they were
// written.
type OfflineReceived struct {
	ID             string // the service's, the same whenever it is told
	From, FromName string // From is vouched for by the service, FromName is not
	Text, Format   string
	At             time.Time // when it was written, by the service's clock
}

func (OfflineReceived) isEvent() {}

// offline is what a Client has to do with offline messages.
type offline struct {

	// What follows belongs to the owner.
	known    map[string]bool
	fetching bool
	again    bool      // a notice came since they were asked for
	next     time.Time // when they may be asked for again
	// counting: the service is to tell how many mails there are, which the server
	// did not.
	counting bool

	// sending is held while one is sent: services number them.
	sending sync.Mutex
	post    *soap.Post
	runs    map[string]*run
}

// run counts the messages to one recipient, as far as the service has, or may have,
// taken them.
type run struct {
	id   string
	sent int
}

// OfflineMessages reports whether the service takes messages for contacts who are
// offline: Web.Post is configured and the dialect is MSNP11 to MSNP17, or the dialect
// is MSNP18.
func (c *Client) OfflineMessages() bool {
	return c.dialect >= wire.FirstPrefixed || c.dialect >= firstOffline && c.cfg.Web.Post != ""
}

// firstOffline is the first dialect with offline messages.
const firstOffline wire.Dialect = 11

// offlineListed reports whether the service can be asked for offline messages.
func (c *Client) offlineListed() bool {
	return c.cfg.Web.Mailbox != "" && c.tickets != nil && c.err == nil
}

// offlineWaiting is called with every notice of offline messages. The first list of
// them can be part of it; they are asked for all the same, as lists are cut.
func (c *Client) offlineWaiting() {
	if !c.offlineListed() {
		return
	}
	if c.offline.fetching {
		c.offline.again = true
		return
	}
	c.offline.fetching = true
	if c.offline.known == nil {
		c.offline.known = make(map[string]bool)
	}
	wait := time.Until(c.offline.next)
	c.group.Go(func() {
		if pause(c.ctx, wait) != nil {
			return
		}
		var known map[string]bool
		if !c.ask(func() {
			known = maps.Clone(c.offline.known)
			c.offline.again, c.offline.next = false, time.Now().Add(offlineEvery)
		}) {
			return
		}
		var err error
		for attempt := 1; ; attempt++ {
			var list []OfflineReceived
			var mail *soap.MailData
			list, mail, err = c.fetchOffline(c.ctx, known)
			for _, m := range list {
				known[m.ID] = true
			}
			c.post(func() {
				c.countOffline(mail)
				c.tellOffline(list)
			})
			if err == nil || attempt == offlineAttempts || pause(c.ctx, offlinePause) != nil {
				break
			}
			c.log.Warn("offline messages not fetched", "account", c.account, "attempt", attempt, "error", err)
		}
		c.post(func() { c.offlineFetched(err) })
	})
}

// fetchOffline returns the offline messages that are not known yet, oldest first, and
// what the service tells besides, nil when it tells nothing. It is called outside of the
// owner. What could be had is returned with an error.
func (c *Client) fetchOffline(ctx context.Context, known map[string]bool) ([]OfflineReceived, *soap.MailData, error) {
	tickets := c.tickets
	mailbox := c.mailbox(tickets)
	var mail *soap.MailData
	err := tickets.with(ctx, passport.ServiceMessenger, func() (err error) {
		mail, err = mailbox.Metadata(ctx)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	var got []numbered
	var failed error
	failures, unnamed := 0, 0
	for _, w := range mail.Offline {
		if len(w.ID) > maxName {
			unnamed++
			continue
		}
		from, ok := parseAccount(w.From)
		if !ok || known[w.ID] || len(known)+len(got) >= maxOfflineKnown {
			continue
		}
		var text *soap.OfflineText
		err := tickets.with(ctx, passport.ServiceMessenger, func() (err error) {
			text, err = mailbox.Get(ctx, w.ID)
			return err
		})
		if ctx.Err() != nil {
			failed = err
			break
		}
		if err != nil {
			// Another one may be had; this one is asked for again.
			failed = err
			failures++
			continue
		}
		at := text.At
		if at.IsZero() {
			at = w.At
		}
		got = append(got, numbered{OfflineReceived{
			ID: strings.Clone(w.ID), From: from, FromName: keep(w.Name, maxName),
			Text: text.Text, Format: cleanFormat(text.Format), At: at,
		}, text.RunID, text.Number})
	}
	if unnamed > 0 {
		// By a part of its ID a message can be neither fetched nor removed.
		c.log.Warn("offline messages with too long IDs left out", "account", c.account, "messages", unnamed)
	}
	if failures > 0 {
		failed = fmt.Errorf("%d of %d: %w", failures, len(mail.Offline), failed)
	}
	return inOrder(got), mail, failed
}

// numbered is an offline message with its place among those that its sender wrote in
// one session.
type numbered struct {
	OfflineReceived
	run    string
	number int
}

// inOrder sorts offline messages by their time stamps, and those of one session of a
// sender, whose stamps can be equal, by their numbers. A message without a stamp, or
// with one that is yet to come, has come now.
func inOrder(got []numbered) []OfflineReceived {
	slices.SortStableFunc(got, func(a, b numbered) int { return a.At.Compare(b.At) })
	places := make(map[string][]int) // of the messages of each sender and session
	for i, m := range got {
		if m.run != "" {
			places[m.From+" "+m.run] = append(places[m.From+" "+m.run], i)
		}
	}
	list := make([]OfflineReceived, len(got))
	for i := range got {
		list[i] = got[i].OfflineReceived
	}
	for _, at := range places {
		sorted := slices.Clone(at)
		slices.SortStableFunc(sorted, func(a, b int) int { return cmp.Compare(got[a].number, got[b].number) })
		for i, from := range sorted {
			list[at[i]] = got[from].OfflineReceived
		}
	}
	now := time.Now()
	for i := range list {
		if list[i].At.IsZero() || list[i].At.After(now) {
			list[i].At = now
		}
	}
	return list
}

func (c *Client) mailbox(t *tickets) *soap.Mailbox {
	return &soap.Mailbox{Caller: c.caller(), URL: c.cfg.Web.Mailbox, Ticket: t.ticket(passport.ServiceMessenger)}
}

// countOffline tells the numbers of mails that the server left out.
func (c *Client) countOffline(mail *soap.MailData) {
	if c.err != nil || !c.offline.counting || mail == nil || !mail.Counted {
		return
	}
	c.offline.counting = false
	c.counted(mailbox{
		known: true, inbox: int(min(mail.Inbox, maxMails)), folders: int(min(mail.Folders, maxMails)), url: c.mail.url,
	})
}

// tellOffline tells what was fetched.
func (c *Client) tellOffline(list []OfflineReceived) {
	if c.err != nil {
		return
	}
	for _, m := range list {
		if !c.offline.known[m.ID] {
			c.offline.known[m.ID] = true
			c.emit(m)
		}
	}
}

// offlineFetched is called when nothing more is asked for.
func (c *Client) offlineFetched(err error) {
	again := c.offline.again
	c.offline.fetching, c.offline.again = false, false
	if c.err != nil {
		return
	}
	if c.offline.counting {
		c.offline.counting = false
		c.counted(mailbox{url: c.mail.url})
	}
	if err != nil {
		c.log.Warn("offline messages not fetched: they wait for the next notice or sign-in", "account", c.account, "error", err)
	}
	if again {
		c.offlineWaiting()
	}
}

// DeleteOffline removes offline messages from the service. One that the service does
// not know counts as removed. The error is ErrDialect when there are none in this
// session, and what the service says otherwise; then the others are removed all the
// same, where it takes them one by one.
func (c *Client) DeleteOffline(ctx context.Context, ids ...string) error {
	tickets := c.tickets
	if tickets == nil || c.cfg.Web.Mailbox == "" {
		return ErrDialect
	}
	err := tickets.with(ctx, passport.ServiceMessenger, func() error {
		deleted, err := c.mailbox(tickets).Delete(ctx, ids...)
		c.post(func() {
			for _, id := range deleted {
				delete(c.offline.known, id) // it is listed no more
			}
		})
		return err
	})
	return webError(err)
}
