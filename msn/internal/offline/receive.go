package offline

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/internal/web"
	"matrix-msn/msn/passport"
	"matrix-msn/msn/soap"
	"matrix-msn/msn/wire"
)

const (
	// maxOfflineKnown is how many offline messages of a session are remembered, so
	// that each is told once. More wait at the service until those are deleted.
	maxOfflineKnown = 5000
	// Attempts is how often offline messages are asked for before they wait
	// for the next notice, and Pause what is waited between.
	Attempts = 4
	Pause    = 10 * time.Second
	// Every is how often notices can have offline messages asked for: a server
	// that sends one after the other does not keep the Client busy.
	Every = 5 * time.Second
)

// Received is a text that somebody wrote while the user was offline, from
// MSNP11 on. It stays at the service until Delete, and is told again by the
// next sign-in until then. Those that wait are told in the order in which they were
// written.
type Received struct {
	ID             string // the service's, the same whenever it is told
	From, FromName string // From is vouched for by the service, FromName is not
	Text, Format   string
	At             time.Time // when it was written, by the service's clock
}

// Size implements Event.
func (e Received) Size() int { return event.Size(e.ID, e.From, e.FromName, e.Text, e.Format) }

// listed reports whether the service can be asked for offline messages.
func (m *Messages) listed() bool {
	return m.web.Addresses().Mailbox != "" && m.web.Tickets() != nil && m.conn.Err() == nil
}

// Count has the service asked for the numbers of mails too, and reports whether it is.
func (m *Messages) Count() bool {
	m.counting = m.listed()
	return m.counting
}

// data handles the list that comes after signing in. It can be too large for a notice.
func (m *Messages) data(message wire.Message) bool {
	if data := wire.Header(message.Body).Get("Mail-Data"); data == "too-large" || strings.Contains(data, "<M>") {
		m.waiting()
	}
	return false // others are told too
}

// notice handles the notice of an offline message.
func (m *Messages) notice(wire.Message) bool {
	m.waiting()
	return false
}

// waiting is called with every notice of offline messages. The first list of
// them can be part of it; they are asked for all the same, as lists are cut.
func (m *Messages) waiting() {
	if !m.listed() {
		return
	}
	if m.fetching {
		m.again = true
		return
	}
	m.fetching = true
	if m.known == nil {
		m.known = make(map[string]bool)
	}
	wait := time.Until(m.next)
	m.conn.Go(func(ctx context.Context) {
		if web.Pause(ctx, wait) != nil {
			return
		}
		var known map[string]bool
		if !m.conn.Do(func() {
			known = maps.Clone(m.known)
			m.again, m.next = false, time.Now().Add(Every)
		}) {
			return
		}
		var err error
		for attempt := 1; ; attempt++ {
			var list []Received
			var mail *soap.MailData
			list, mail, err = m.fetch(ctx, known)
			for _, received := range list {
				known[received.ID] = true
			}
			m.conn.Post(func() {
				m.countMails(mail)
				m.tell(list)
			})
			if err == nil || attempt == Attempts || web.Pause(ctx, Pause) != nil {
				break
			}
			m.conn.Log().Warn("offline messages not fetched", "account", m.conn.Account(), "attempt", attempt, "error", err)
		}
		m.conn.Post(func() { m.fetched(err) })
	})
}

// fetch returns the offline messages that are not known yet, oldest first, and
// what the service tells besides, nil when it tells nothing. It is called outside of the
// owner. What could be had is returned with an error.
func (m *Messages) fetch(ctx context.Context, known map[string]bool) ([]Received, *soap.MailData, error) {
	tickets := m.web.Tickets()
	mailbox := m.mailbox(tickets)
	var mail *soap.MailData
	err := tickets.With(ctx, passport.ServiceMessenger, func() (err error) {
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
		if len(w.ID) > clean.MaxName {
			unnamed++
			continue
		}
		from, ok := clean.Account(w.From)
		if !ok || known[w.ID] || len(known)+len(got) >= maxOfflineKnown {
			continue
		}
		var text *soap.OfflineText
		err := tickets.With(ctx, passport.ServiceMessenger, func() (err error) {
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
		got = append(got, numbered{Received{
			ID: strings.Clone(w.ID), From: from, FromName: clean.Cut(w.Name, clean.MaxName),
			Text: text.Text, Format: clean.Format(text.Format), At: at,
		}, text.RunID, text.Number})
	}
	if unnamed > 0 {
		// By a part of its ID a message can be neither fetched nor removed.
		m.conn.Log().Warn("offline messages with too long IDs left out", "account", m.conn.Account(), "messages", unnamed)
	}
	if failures > 0 {
		failed = fmt.Errorf("%d of %d: %w", failures, len(mail.Offline), failed)
	}
	return inOrder(got), mail, failed
}

// numbered is an offline message with its place among those that its sender wrote in
// one session.
type numbered struct {
	Received
	run    string
	number int
}

// inOrder sorts offline messages by their time stamps, and those of one session of a
// sender, whose stamps can be equal, by their numbers. A message without a stamp, or
// with one that is yet to come, has come now.
func inOrder(got []numbered) []Received {
	slices.SortStableFunc(got, func(a, b numbered) int { return a.At.Compare(b.At) })
	places := make(map[string][]int) // of the messages of each sender and session
	for i, m := range got {
		if m.run != "" {
			places[m.From+" "+m.run] = append(places[m.From+" "+m.run], i)
		}
	}
	list := make([]Received, len(got))
	for i := range got {
		list[i] = got[i].Received
	}
	for _, at := range places {
		sorted := slices.Clone(at)
		slices.SortStableFunc(sorted, func(a, b int) int { return cmp.Compare(got[a].number, got[b].number) })
		for i, from := range sorted {
			list[at[i]] = got[from].Received
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

func (m *Messages) mailbox(t *web.Tickets) *soap.Mailbox {
	return &soap.Mailbox{Caller: m.web.Caller(), URL: m.web.Addresses().Mailbox, Ticket: t.Ticket(passport.ServiceMessenger)}
}

// countMails tells the numbers of mails that the server left out.
func (m *Messages) countMails(mail *soap.MailData) {
	if m.conn.Err() == nil && m.counting && mail != nil && mail.Counted {
		m.counting = false
		m.cfg.Counted(int64(mail.Inbox), int64(mail.Folders), true)
	}
}

// tell tells what was fetched.
func (m *Messages) tell(list []Received) {
	if m.conn.Err() != nil {
		return
	}
	for _, received := range list {
		if !m.known[received.ID] {
			m.known[received.ID] = true
			m.conn.Emit(received)
		}
	}
}

// fetched is called when nothing more is asked for.
func (m *Messages) fetched(err error) {
	again := m.again
	m.fetching, m.again = false, false
	if m.conn.Err() != nil {
		return
	}
	if m.counting {
		m.counting = false
		m.cfg.Counted(0, 0, false)
	}
	if err != nil {
		m.conn.Warn("offline messages not fetched: they wait for the next notice or sign-in", "error", err)
	}
	if again {
		m.waiting()
	}
}

// Known returns the IDs of the messages that were told and wait at the service. It is called
// by the owner.
func (m *Messages) Known() []string { return slices.Sorted(maps.Keys(m.known)) }

// Delete removes offline messages from the service. One that the service does not know
// counts as removed. The error is errs.ErrDialect when there are none in this session, the
// connection's when it has ended, and what the service says otherwise; then the others are
// removed all the same, where it takes them one by one.
func (m *Messages) Delete(ctx context.Context, ids ...string) error {
	tickets := m.web.Tickets()
	if tickets == nil || m.web.Addresses().Mailbox == "" {
		return errs.ErrDialect
	}
	if m.conn.Reason() != nil {
		return m.conn.Ended()
	}
	bound, release := m.conn.Bind(ctx)
	defer release()
	err := tickets.With(bound, passport.ServiceMessenger, func() error {
		deleted, err := m.mailbox(tickets).Delete(bound, ids...)
		m.conn.Post(func() {
			for _, id := range deleted {
				delete(m.known, id) // it is listed no more
			}
		})
		return err
	})
	if err != nil && ctx.Err() == nil && bound.Err() != nil {
		return fmt.Errorf("%w: %w", m.conn.Interrupted(), err)
	}
	return web.Error(err)
}
