package window

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn"
)

// A page that was cut off gets what it missed, once, and in order; one that knows of another window, or missed more than
// is kept, gets everything.
func TestPageThatComesBackGetsWhatItMissedOnce(t *testing.T) {
	t.Parallel()
	w := withAlice(t, new(fake))
	s := serve(t, w)
	key := personKey + alice
	p := s.open("")
	w.Hear(said("before"))
	p.shows(key, "before")
	_ = p.body.Close()
	missed := []string{"one", "two", "three"}
	for _, text := range missed {
		w.Hear(said(text))
	}
	for range 2 { // from the same place, twice
		again := s.open(p.id)
		again.contacts, again.talks, again.messages = p.contacts, p.talks, make(map[uint64]Message)
		again.until("the last of it", func(v *view) bool { return slices.Contains(v.said(key), "three") })
		if again.all != 0 || !slices.Equal(again.said(key), missed) || len(again.changes) != len(missed) {
			t.Errorf("it was told everything %d times, and %q", again.all, again.changes)
		}
	}
	for i := range maxEntries {
		w.Hear(said(fmt.Sprint(i)))
	}
	for name, id := range map[string]string{"too old": p.id, "of another window": "x.3", "in the future": strings.Split(p.id, ".")[0] + ".99999", "none": "garbage"} {
		if changes, all, _, _ := w.state.since(id); all == "" || len(changes) > 0 {
			t.Errorf("an id that is %s: everything is not told, but %d changes", name, len(changes))
		}
	}
}

// Whatever changes, and whenever a page is cut off, in the end it shows what a new page shows.
func TestPagesAgreeWithNewOnes(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	f := new(fake)
	w := withAlice(t, f)
	pages := make([]*view, 3)
	ids := make([]string, len(pages))
	for i := range pages {
		pages[i] = new(view)
	}
	catchUp := func(i int) {
		changes, all, next, _ := w.state.since(ids[i])
		told := bufio.NewReader(strings.NewReader(events(next, changes, all)))
		p := &stream{lines: told, view: pages[i]}
		for {
			err := p.event()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		ids[i] = next
	}
	accounts := []string{alice, carol}
	for i := range 60 {
		accounts = append(accounts, fmt.Sprintf("stranger-%d@example.com", i))
	}
	for range 4000 {
		account := accounts[random.IntN(len(accounts))]
		contact := msn.Contact{Account: account, Name: fmt.Sprint(random.IntN(5)), Status: msn.Busy, Lists: msn.ListForward}
		switch random.IntN(8) {
		case 0:
			w.Hear(msn.PresenceChanged{Contact: contact})
		case 1:
			contact.Lists = 0
			w.Hear(msn.ContactChanged{Contact: contact})
		case 2, 3:
			length := random.IntN(200)
			if random.IntN(5) == 0 {
				length = 9000
			}
			w.Hear(msn.TextReceived{From: account, FromName: "x", Text: strings.Repeat("long ", length)})
		case 4:
			w.Hear(msn.NudgeReceived{Origin: msn.Origin{From: account}})
		case 5:
			w.Hear(msn.TypingReceived{From: account})
		case 6:
			if key := personKey + account; w.state.knows(key) {
				_, wait := w.say(t.Context(), key, fmt.Sprint(random.IntN(1000)))
				if err := wait(); err != nil {
					t.Fatal(err)
				}
			}
		case 7:
			catchUp(random.IntN(len(pages)))
		}
		if n := len(w.state.journal.entries); n > maxEntries || w.state.journal.bytes > maxJournalBytes+msn.MaxText || len(w.state.messages) > maxMessages || w.state.bytes > maxMessageBytes+msn.MaxText || len(w.state.talks) > maxTalks {
			t.Fatalf("it keeps %d entries of %d bytes, %d messages of %d bytes, %d conversations", n, w.state.journal.bytes, len(w.state.messages), w.state.bytes, len(w.state.talks))
		}
	}
	size := 0
	for _, m := range w.state.messages {
		size += m.size()
	}
	if size != w.state.bytes {
		t.Errorf("the messages have %d bytes, and %d are counted", size, w.state.bytes)
	}
	fresh := &view{}
	pages, ids = append(pages, fresh), append(ids, "")
	for i := range pages {
		catchUp(i)
	}
	for i, p := range pages[:len(pages)-1] {
		// A page leaves out what is too much by itself, and not at the same time.
		for id := range p.messages {
			if _, ok := fresh.messages[id]; !ok {
				delete(p.messages, id)
			}
		}
		if got, want := encode([]any{p.self, p.contacts, p.talks, p.messages}), encode([]any{fresh.self, fresh.contacts, fresh.talks, fresh.messages}); got != want {
			t.Errorf("page %d shows\n%s\na new one\n%s", i, got, want)
		}
	}
}

// Only so many pages are open, and one that goes, in the middle of what it is told, makes room for the next.
func TestPageThatGoesMakesRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := withAlice(t, new(fake))
		defer w.Close()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		leaving, leave := context.WithCancel(ctx)
		pages := []*writer{openPage(leaving, w, "")}
		for range maxPages - 1 {
			pages = append(pages, openPage(ctx, w, ""))
		}
		synctest.Wait()
		for i, p := range pages {
			if status, text := p.state(); status != http.StatusOK || !strings.Contains(text, "event: all\n") {
				t.Errorf("page %d: %d %s", i, status, text)
			}
		}
		refused := openPage(ctx, w, "")
		synctest.Wait()
		if status, text := refused.state(); status != http.StatusServiceUnavailable || !strings.Contains(text, "Close one") {
			t.Errorf("one page too many: %d %s", status, text)
		}
		w.Hear(said("hello"))
		leave()
		synctest.Wait()
		next := openPage(ctx, w, "")
		synctest.Wait()
		if status, text := next.state(); status != http.StatusOK || !strings.Contains(text, "hello") {
			t.Errorf("the page behind one that has gone: %d %s", status, text)
		}
		_, before := next.state()
		time.Sleep(aliveTime) // of the bubble
		synctest.Wait()
		if _, text := next.state(); text != before+": still there\n\n" {
			t.Errorf("without news a page is told %q", strings.TrimPrefix(text, before))
		}
	})
}

// A page that does not read holds up nothing, and Close ends what is under way.
func TestCloseInTheMiddle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{hold: make(chan struct{})}
		w := withAlice(t, f)
		stuck := newWriter()
		stuck.stuck = make(chan struct{})
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost:1/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		go w.Handler("localhost:1").ServeHTTP(stuck, r)
		page := openPage(t.Context(), w, "")
		synctest.Wait()
		w.once(newWriter(), "", func() (uint64, func() error) { return w.say(w.ctx, personKey+alice, "never acknowledged") })
		w.Hear(said("all the same"))
		synctest.Wait()
		if _, text := page.state(); !strings.Contains(text, "never acknowledged") || !strings.Contains(text, "all the same") {
			t.Errorf("the page shows %s", text)
		}
		closed := make(chan struct{})
		for range 2 {
			go func() {
				w.Close()
				closed <- struct{}{}
			}()
		}
		synctest.Wait()
		close(stuck.stuck) // the server gives up on it after writeTime
		<-closed
		<-closed
		late := newWriter()
		w.once(late, "", func() (uint64, func() error) { return w.say(w.ctx, personKey+alice, "too late") })
		after := openPage(t.Context(), w, "")
		synctest.Wait()
		if status, _ := after.state(); status != http.StatusServiceUnavailable {
			t.Errorf("a page of a window that is closed: %d", status)
		}
		for _, m := range w.state.messages {
			if m.Mine && m.State != stateFailed {
				t.Errorf("%q is %s", m.Parts[0].Text, m.State)
			}
		}
	})
}

// However a name or a text looks, a page is told it in one event, as it is.
func TestHostileTextsAreToldAsTheyAre(t *testing.T) {
	t.Parallel()
	w := withAlice(t, new(fake))
	s := serve(t, w)
	p := s.open("")
	for _, hostile := range []string{
		"</script><script>alert(1)</script>", "a\n\nevent: all\ndata: {}\n\n", "a\r\rdata: x", "\u2028\u2029", `"}]}`, "\x00\x1b[2J",
		"<img src=x onerror=alert(1)>", "\u202etxt", strings.Repeat("ﷺ", 5000),
	} {
		w.Hear(msn.PresenceChanged{Contact: msn.Contact{Account: alice, Name: hostile, Personal: hostile, Status: msn.Online, Lists: msn.ListForward}})
		w.Hear(said(hostile))
		p.until(hostile, func(v *view) bool {
			for _, m := range v.messages {
				if m.Name == hostile && m.Parts[0].Text == hostile {
					return v.contacts[alice].Name == hostile && v.contacts[alice].Personal == hostile
				}
			}
			return false
		})
	}
	if p.all != 1 {
		t.Errorf("the page was told everything %d times", p.all)
	}
}
