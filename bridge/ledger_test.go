package bridge

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// ledger holds what was written on both sides against what arrived and what was told.
type ledger struct {
	// restless says that contacts leave and that the bridge is stopped while texts are on the wire: it is uncertain what became of these.
	restless bool

	mu      sync.Mutex
	written []*written
	said    []*utterance
	arrived map[string][]string // texts by contact, in order
}

// written is an event that the user wrote. Texts are told apart by their words.
type written struct {
	evt     id.EventID
	room    id.RoomID
	to      string // the contact, "" for a command
	text    string
	edits   *written   // what it gives a new text to, or nil
	deleted bool       // the user has taken it back
	edited  bool       // the user has given it a new text
	effect  func() int // how often a command was carried out
}

// utterance is a text that a contact said and the service has handed over.
type utterance struct {
	from, text string
	room       id.RoomID
	harms      int  // what had gone wrong before
	broken     bool // it went to a process that could not store it
	safe       bool // it was on disk, or in its room
}

func newLedger() *ledger { return &ledger{arrived: make(map[string][]string)} }

func (l *ledger) writes(w *written) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.written = append(l.written, w)
}

func (l *ledger) says(s *utterance) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.said = append(l.said, s)
}

// arrives notes a text that a contact got.
func (l *ledger) arrives(at, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.arrived[at] = append(l.arrived[at], text)
}

// told is what the user was told of an event.
type told struct{ delivered, refused, uncertain, interrupted int }

// isTold sorts what was said of events.
func isTold(records []record) map[id.EventID]*told {
	all := make(map[id.EventID]*told)
	for _, r := range records {
		if r.answer == "" {
			continue
		}
		if all[r.answer] == nil {
			all[r.answer] = new(told)
		}
		of := all[r.answer]
		text := r.body
		if r.kind == "status" {
			text = r.html // the notice that comes with it
		}
		switch {
		case r.kind == "status" && r.status == event.MessageStatusSuccess:
			of.delivered++
		case strings.Contains(text, "was not bridged"):
			of.refused++
		case strings.Contains(text, "may not have been bridged"):
			of.uncertain++
		case strings.Contains(text, "The bridge was stopped while it worked on this"):
			of.interrupted++
		}
	}
	return all
}

// check returns what is wrong when all is over.
func (l *ledger) check(records []record, made faults) (wrong []string) {
	harms := made.harms + made.stops // both can cut off what was under way
	l.mu.Lock()
	defer l.mu.Unlock()
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	of := isTold(records)
	for _, w := range l.written {
		is := of[w.evt]
		if is == nil {
			is = new(told)
		}
		if w.to != "" {
			l.checkText(w, *is, of, harms, complain)
			if made.harms == 0 && !l.restless && is.uncertain > 0 && !l.left(w) {
				complain("%q was told to be uncertain, and never left", w.text)
			}
		}
	}
	for to, texts := range l.arrived {
		l.checkOrder(to, texts, complain)
	}
	l.checkCommands(of, records, made, complain)
	l.checkSaid(records, harms, complain)
	return wrong
}

// copies returns how often a text arrived: as it was written, and as a correction.
func (l *ledger) copies(w *written) (plain, corrections int) {
	for _, text := range l.arrived[w.to] {
		switch text {
		case w.text:
			plain++
		case "* " + w.text:
			corrections++
		}
	}
	return plain, corrections
}

// left reports whether a text arrived, or the new text of one in its place.
func (l *ledger) left(w *written) bool {
	plain, corrections := l.copies(w)
	return plain+corrections > 0 || slices.ContainsFunc(l.written, func(e *written) bool { return e.edits == w && l.left(e) })
}

// isDelivered reports whether the user was told that a text arrived, and isToldOf whether they were
// told anything.
func isDelivered(w *written, of map[id.EventID]*told) bool {
	return of[w.evt] != nil && of[w.evt].delivered > 0
}

func isToldOf(w *written, of map[id.EventID]*told) bool {
	is := of[w.evt]
	return is != nil && is.delivered+is.refused+is.uncertain > 0
}

func (l *ledger) checkText(w *written, is told, of map[id.EventID]*told, harms int, complain func(string, ...any)) {
	plain, corrections := l.copies(w)
	if plain+corrections > 1 {
		complain("%q arrived %d times", w.text, plain+corrections)
	}
	here := plain+corrections > 0
	// The new text of a message that waited goes in its place: then that message is told of.
	edited, editedTold := false, false
	for _, e := range l.written {
		if e.edits == w {
			inPlace, _ := l.copies(e)
			edited = edited || inPlace > 0
			editedTold = true
		}
	}
	switch {
	case w.deleted && !here && is.refused+is.uncertain <= 1:
		return // nobody has to be told that what was taken back did not arrive
	case w.edits != nil && harms > 0 && is == (told{}) && here == isDelivered(w.edits, of) && isToldOf(w.edits, of):
		return // the message is told of in whose place it went; the process ended before it said so of the edit
	case w.edits != nil && harms > 0 && !here && is.delivered+is.uncertain == 0 && is.refused > 1:
		return // it was said again by the next process, as of what arrives
	case is.delivered+is.refused+is.uncertain == 0:
		complain("of %q nothing was told (it arrived %t)", w.text, here)
	case is.delivered > 0 && is.refused+is.uncertain > 0, is.refused+is.uncertain > 1:
		complain("of %q was told %+v", w.text, is)
	case is.refused > 0 && here:
		complain("%q arrived, and was told not to have", w.text)
	case is.delivered > 1 && harms == 0: // it may be said again by the next process
		complain("of %q was told %d times that it arrived", w.text, is.delivered)
	case is.delivered > 0 && !here && w.edits == nil && !(editedTold && edited):
		complain("%q was told to have arrived, and has not", w.text)
	}
}

// checkOrder sees whether a contact got texts in the order in which they were written.
func (l *ledger) checkOrder(to string, texts []string, complain func(string, ...any)) {
	last := -1
	for _, text := range texts {
		at := slices.IndexFunc(l.written, func(w *written) bool { return w.to == to && w.text == strings.TrimPrefix(text, "* ") })
		if at < 0 {
			complain("%s got %q, which nobody wrote", to, text)
			continue
		}
		if original := l.written[at].edits; original != nil && text == l.written[at].text {
			if was, _ := l.copies(original); was == 0 {
				at = slices.Index(l.written, original) // it may be in its place, or a text of its own
				if at < last {
					at = last
				}
			}
		}
		if at < last {
			complain("%s got %q after %q", to, text, l.written[last].text)
		}
		last = max(last, at)
	}
}

// checkCommands sees whether each command was answered once, or said to have been interrupted.
// After a fault both can be: the answer was the last that the process did.
func (l *ledger) checkCommands(of map[id.EventID]*told, records []record, made faults, complain func(string, ...any)) {
	commands, answered := 0, 0
	rooms := make(map[id.RoomID]bool)
	for _, w := range l.written {
		if w.to != "" {
			continue
		}
		commands++
		rooms[w.room] = true
		if done := w.effect(); done > 1 {
			complain("%q was carried out %d times", w.text, done)
		}
		if is := of[w.evt]; is != nil && is.interrupted > 0 {
			commands--
			if is.interrupted > 1 || made.harms+made.stops == 0 {
				complain("%q was told %d times to have been interrupted", w.text, is.interrupted)
			}
		}
	}
	for _, r := range records {
		if r.kind == "message" && r.sender == fakeBot && r.answer == "" && rooms[r.room] {
			answered++
		}
	}
	if answered < commands-made.calls || answered > commands && made.harms+made.stops == 0 {
		complain("of %d commands that were not interrupted %d were answered", commands, answered)
	}
}

func (l *ledger) checkSaid(records []record, harms int, complain func(string, ...any)) {
	last := make(map[id.RoomID]int)
	for n, r := range records {
		if r.kind != "message" {
			continue
		}
		at := slices.IndexFunc(l.said, func(s *utterance) bool { return s.room == r.room && s.text == r.body })
		if at < 0 {
			continue
		}
		if n := last[r.room]; at < n {
			complain("%q is in its room after %q", r.body, l.said[n].text)
		}
		last[r.room] = max(last[r.room], at)
		if slices.ContainsFunc(records[:n], func(before record) bool {
			return before.kind == r.kind && before.room == r.room && before.body == r.body
		}) {
			complain("%q is in its room twice", r.body)
		}
	}
	for _, s := range l.said {
		there := slices.ContainsFunc(records, func(r record) bool { return r.kind == "message" && r.room == s.room && r.body == s.text })
		if !there && (s.safe || !s.broken && s.harms == harms) {
			complain("%q is not in its room (it was stored %t)", s.text, s.safe)
		}
	}
}
