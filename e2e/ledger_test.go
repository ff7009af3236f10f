package e2e

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/e2e/stack"
)

const (
	// laneTexts is the time between two texts of one writer in one room.
	laneTexts = 120 * time.Millisecond
	// laneUnderWay is how many texts have to have gone each way in each room before something goes wrong.
	laneUnderWay = 2
	// editEvery is of how many texts from Matrix one is changed at once.
	editEvery = 7
	// mostUnread is how many texts may be under way, and unread, in the connections when the bridge is killed: what
	// four people can say in half a second.
	mostUnread = 50
)

// wrote is a text of Alice's in a room, and the text that she has changed it to at once, if she has.
type wrote struct {
	text, changed string
	event, change id.EventID
}

// said is a text of a friend's, and what their client was told of it.
type said struct {
	text string
	err  error
}

// pages is what both sides have written in one room in one run.
type pages struct {
	*lane
	run    int
	wrote  []wrote
	said   []said
	unsure []wrote // the homeserver did not answer: it may have them

	overtaken bool // the homeserver need not push in order
}

// score is what became of texts that went one way.
type score struct{ sent, arrived, lost, doubled, disorder, told, toldArrived, unread int }

func (s *score) add(other score) {
	s.sent += other.sent
	s.arrived += other.arrived
	s.lost += other.lost
	s.doubled += other.doubled
	s.disorder += other.disorder
	s.told += other.told
	s.toldArrived += other.toldArrived
	s.unread += other.unread
}

func (p *pages) fromMatrix(n int) string {
	return fmt.Sprintf("%s from Matrix %d.%d", p.name, p.run, n)
}
func (p *pages) fromMSN(n int) string { return fmt.Sprintf("%s from MSN %d.%d", p.name, p.run, n) }

// write has Alice write the next text in a room.
func (c *crowd) write(p *pages) {
	w := wrote{text: p.fromMatrix(len(p.wrote) + len(p.unsure))}
	var err error
	w.event, err = c.alice.SendText(c.t.Context(), p.room, w.text)
	if err != nil {
		p.unsure = append(p.unsure, w)
		return
	}
	p.wrote = append(p.wrote, w)
}

// change has Alice change what she wrote last.
func (c *crowd) change(p *pages) {
	w := &p.wrote[len(p.wrote)-1]
	changed := w.text + " changed"
	content := &event.MessageEventContent{MsgType: event.MsgText, Body: changed}
	content.SetEdit(w.event)
	if sent, err := c.alice.Client.SendMessageEvent(c.t.Context(), p.room, event.EventMessage, content); err == nil {
		w.changed, w.change = changed, sent.EventID
	} else {
		w.changed = changed
	}
}

// tell has the friend say the next text.
func (c *crowd) tell(p *pages) error {
	text := p.fromMSN(len(p.said))
	ctx, cancel := context.WithTimeout(c.t.Context(), 5*time.Second)
	err := p.say(ctx, text)
	cancel()
	p.said = append(p.said, said{text, err})
	return err
}

// writeBoth has both sides write in all rooms until ctx ends.
func (c *crowd) writeBoth(ctx context.Context, all []*pages) {
	var writing sync.WaitGroup
	for _, p := range all {
		writing.Go(func() {
			for pause(ctx) {
				before := len(p.wrote)
				c.write(p)
				// Not again when the homeserver has not answered this time: that would be a second change of the last.
				if len(p.wrote) > before && len(p.wrote)%editEvery == 0 {
					c.change(p)
				}
			}
		})
		writing.Go(func() {
			for pause(ctx) {
				_ = c.tell(p)
			}
		})
	}
	writing.Wait()
}

// pause waits a moment, or returns false when ctx ends.
func pause(ctx context.Context) bool {
	select {
	case <-time.After(laneTexts):
		return true
	case <-ctx.Done():
		return false
	}
}

// backAgain has both sides write in the room until a text has arrived each way.
func (c *crowd) backAgain(p *pages) error {
	deadline := time.Now().Add(comesBack)
	late := func(what string) error {
		return fmt.Errorf("%s: after %s no text has come %s; the bridge's log ends with\n%s", p.name, comesBack, what, c.bridge.Log())
	}
	for arrived := false; !arrived; {
		if time.Now().After(deadline) {
			return late("to MSN")
		}
		mark := c.alice.Mark()
		before := len(p.wrote)
		c.write(p)
		if len(p.wrote) == before {
			continue
		}
		last := p.wrote[len(p.wrote)-1]
		// A homeserver that could not reach the bridge tries again after 2, 4, 8 and up to 64 seconds. Until then it is
		// looked, again and again, who has heard the text and whether Alice was told of it.
		for begun := time.Now(); !arrived && time.Since(begun) < 70*time.Second && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			arrived = !slices.ContainsFunc(p.hearers, func(f *friend) bool { return f.now().Count(0, stack.HeardText("", last.text)) == 0 })
			if !arrived && c.alice.Count(mark, noticeAbout(last.event)) > 0 && time.Since(begun) > time.Second {
				break
			}
		}
	}
	var said error
	for {
		if time.Now().After(deadline) {
			if said == nil {
				return fmt.Errorf("%w\nand the service took what %s said", late("to Matrix"), p.name)
			}
			return fmt.Errorf("%w\nand %s was told %w", late("to Matrix"), p.name, said)
		}
		mark := c.alice.Mark()
		if said = c.tell(p); said != nil {
			pause(c.t.Context()) // as people do
			continue
		}
		last := p.said[len(p.said)-1]
		limit := comesBack / 3
		if p.several {
			limit = callEvery // the service takes it whether Alice is there or not: the next may find her
		}
		ctx, cancel := context.WithTimeout(c.t.Context(), limit)
		_, err := c.alice.WaitEventAfter(ctx, mark, last.text, stack.Text(p.room, p.ghost, last.text))
		cancel()
		if err == nil {
			return nil
		}
	}
}

// news is what Alice has seen in one run.
type news struct {
	own     map[string]id.EventID   // her own texts
	texts   map[id.RoomID][]string  // what the ghosts have said
	notices map[id.EventID][]notice // what she was told of her events
}

// notice is that a text was not bridged.
type notice struct {
	event   id.EventID
	certain bool
	text    string
}

// placed is a text with its place in what Alice has seen.
type placed struct {
	text string
	at   int
}

// look reads what Alice has seen since mark.
func (c *crowd) look(mark stack.Mark) news {
	n := news{make(map[string]id.EventID), make(map[id.RoomID][]string), make(map[id.EventID][]notice)}
	// What was encrypted comes again when it was decrypted, which may be later than what came after it.
	place := make(map[id.EventID]int)
	// The framework takes back that it waits for the key of a text when it has come.
	takenBack := make(map[id.EventID]bool)
	texts := make(map[id.RoomID][]placed)
	c.alice.Count(mark, func(s stack.Seen) bool {
		if _, ok := place[s.ID]; !ok {
			place[s.ID] = len(place)
		}
		if s.Type == event.EventRedaction {
			takenBack[s.Redacts], takenBack[s.Content.AsRedaction().Redacts] = true, true
		}
		if s.Type != event.EventMessage {
			return false
		}
		message := s.Content.AsMessage()
		switch {
		case message.RelatesTo.GetReplaceID() != "":
		case message.MsgType == event.MsgNotice:
			about := message.RelatesTo.GetReplyTo()
			certain := strings.Contains(message.Body, "was not bridged")
			if certain || strings.Contains(message.Body, "may not have been bridged") {
				n.notices[about] = append(n.notices[about], notice{s.ID, certain, message.Body})
			}
		case s.Sender == c.alice.ID():
			n.own[message.Body] = s.ID
		default:
			texts[s.RoomID] = append(texts[s.RoomID], placed{message.Body, place[s.ID]})
		}
		return false
	})
	for about, told := range n.notices {
		if told = slices.DeleteFunc(told, func(t notice) bool { return takenBack[t.event] }); len(told) > 0 {
			n.notices[about] = told
		} else {
			delete(n.notices, about)
		}
	}
	for room, all := range texts {
		slices.SortStableFunc(all, func(a, b placed) int { return cmp.Compare(a.at, b.at) })
		for _, text := range all {
			n.texts[room] = append(n.texts[room], text.text)
		}
	}
	return n
}

// counts counts texts.
func counts(texts []string) map[string]int {
	n := make(map[string]int, len(texts))
	for _, text := range texts {
		n[text]++
	}
	return n
}

// settle looks again and again until it is known of every text what became of it, a minute at most, and returns what
// Alice has seen.
func (c *crowd) settle(mark stack.Mark, all []*pages, unread bool) news {
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if err := c.alice.Settle(c.t.Context()); err != nil {
			c.t.Fatal(err)
		}
		n := c.look(mark)
		open := slices.ContainsFunc(all, func(p *pages) bool {
			p.find(n)
			to, from := p.score(c.t, n, unread, false)
			return to.lost > 0 || from.lost > 0
		})
		if !open || time.Now().After(deadline) {
			return n
		}
	}
}

// find moves what the homeserver has after all out of unsure, and what it has lost itself out of wrote: the bridge
// cannot have heard of it.
func (p *pages) find(n news) {
	p.unsure = slices.DeleteFunc(p.unsure, func(w wrote) bool {
		found := n.own[w.text]
		if found != "" {
			w.event = found
			p.wrote = append(p.wrote, w)
		}
		return found != ""
	})
	p.wrote = slices.DeleteFunc(p.wrote, func(w wrote) bool {
		if n.own[w.text] == "" {
			p.unsure = append(p.unsure, w)
			return true
		}
		return false
	})
}

// longText is from how many bytes on a correction names only what changed. The texts of one room alone are so long: of
// the others nobody could tell whose correction it is.
const longText = 40

// lastWords returns the number of a text and what was added to it: of a longer one only that is sent when the text has
// arrived.
func lastWords(changed string) string {
	words := strings.Fields(changed)
	return strings.Join(words[len(words)-2:], " ")
}

// score holds what arrived against what was told. Unread is set when what the service has acknowledged may be gone
// with a connection. With say, every fault of the bridge fails the test.
func (p *pages) score(t *testing.T, n news, unread, say bool) (toMSN, toMatrix score) {
	t.Helper()
	wrong := func(format string, args ...any) {
		if say {
			t.Errorf(format, args...)
		}
	}
	heard := make([]map[string]int, len(p.hearers))
	for i, f := range p.hearers {
		texts := f.heard()
		heard[i] = counts(texts)
		if first := disorder(texts, fmt.Sprintf("%s from Matrix %d.", p.name, p.run)); first != "" {
			toMSN.disorder++
			if !p.overtaken {
				wrong("%s has heard %q out of order", f.name, first)
			}
		}
	}
	for _, w := range p.wrote {
		toMSN.sent++
		least, most, corrected := 1<<30, 0, 1<<30
		for i := range p.hearers {
			old, changed := heard[i][w.text], 0
			if w.changed != "" {
				changed = heard[i][w.changed] + heard[i]["* "+w.changed]
			}
			if len(w.changed) >= longText {
				changed += heard[i]["* … "+lastWords(w.changed)]
			}
			least, most, corrected = min(least, max(old, changed)), max(most, old, changed), min(corrected, changed)
		}
		told, certain := len(n.notices[w.event]), 0
		for _, notice := range n.notices[w.event] {
			if notice.certain {
				certain++
			}
		}
		toldOfChange := len(n.notices[w.change])
		toMSN.told += min(told, 1)
		if least > 0 {
			toMSN.arrived++
			toMSN.toldArrived += min(told, 1)
		}
		switch {
		case most > 1:
			toMSN.doubled++
			forms := make([]string, len(p.hearers))
			for i := range p.hearers {
				forms[i] = fmt.Sprintf("%d as it was, %d changed, %d as a correction", heard[i][w.text], heard[i][w.changed], heard[i]["* "+w.changed])
			}
			wrong("%q was heard %d times: %s", w.text, most, strings.Join(forms, "; "))
		case least == 0 && told == 0, w.change != "" && corrected == 0 && told+toldOfChange == 0:
			toMSN.lost++
			wrong("%q was heard %d times, its change %d times, and Alice was told nothing", w.text, least, corrected)
		case told > 1, most > 0 && certain > 0 && corrected == 0:
			wrong("%q (%s) was heard %d times, and Alice was told %d times that it was not, %d of them for sure: %+v",
				w.text, w.event, most, told, certain, n.notices[w.event])
		}
	}
	unread = unread || p.several
	texts := n.texts[p.room]
	seen := counts(texts)
	if first := disorder(texts, fmt.Sprintf("%s from MSN %d.", p.name, p.run)); first != "" {
		toMatrix.disorder++
		wrong("Alice has seen %q out of order", first)
	}
	for _, s := range p.said {
		got := seen[s.text]
		if s.err == nil {
			toMatrix.sent++
			toMatrix.arrived += min(got, 1)
		} else {
			toMatrix.told++
			toMatrix.toldArrived += min(got, 1)
		}
		switch {
		case got > 1:
			toMatrix.doubled++
			wrong("Alice has seen %q %d times", s.text, got)
		case got == 0 && s.err == nil && unread:
			toMatrix.unread++
		case got == 0 && s.err == nil:
			toMatrix.lost++
			wrong("Alice has not seen %q, which the service had acknowledged", s.text)
		}
	}
	if toMatrix.unread > mostUnread {
		wrong("%d texts of %s are gone that the service had taken", toMatrix.unread, p.name)
	}
	return toMSN, toMatrix
}

// disorder returns the first text with the beginning whose number is not above that of the one before it, or "".
// Changed texts may come later, and are left out.
func disorder(texts []string, beginning string) string {
	before := -1
	for _, text := range texts {
		rest, ok := strings.CutPrefix(text, beginning)
		if !ok || strings.HasSuffix(rest, " changed") {
			continue
		}
		var number int
		if _, err := fmt.Sscan(rest, &number); err != nil || number < before {
			return text
		}
		before = number
	}
	return ""
}
