package window

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"matrix-msn/msn"
)

// Limits of what a window keeps. The oldest goes.
const (
	maxMessages     = 500
	maxMessageBytes = 2 << 20
	maxTalks        = 50
	// maxContacts is how many contacts are shown: more than a list of this protocol holds.
	maxContacts = 1000
)

// Self is whose window it is.
type Self struct {
	Account  string `json:"account"`
	Name     string `json:"name"`
	Status   string `json:"status"`
	Personal string `json:"personal"`
	Picture  string `json:"picture"` // its path, "" for none
	// Scripted is set while nobody has written in a page.
	Scripted bool `json:"scripted"`
	SignedIn bool `json:"signedIn"`
}

// Contact is somebody on the contact list.
type Contact struct {
	Account  string `json:"account"`
	Name     string `json:"name"`
	Status   string `json:"status"`
	Personal string `json:"personal"`
	Picture  string `json:"picture"`
}

// Talk is a conversation.
type Talk struct {
	Key string `json:"key"`
	// Name is what somebody who is no contact calls themselves, "" of a group chat.
	Name    string   `json:"name"`
	Group   bool     `json:"group"`
	Members []string `json:"members"` // their accounts
}

// The kinds of messages.
const (
	kindText  = "text"
	kindNudge = "nudge"
	kindFile  = "file"
	kindNote  = "note" // what happened, in words
)

// The states of what the friend sends, and of files that come.
const (
	stateUnderWay = "under way"
	stateDone     = "done"
	stateFailed   = "failed"
)

// Message is something in a conversation.
type Message struct {
	ID    uint64 `json:"id"`
	Talk  string `json:"talk"`
	Kind  string `json:"kind"`
	Mine  bool   `json:"mine"`
	From  string `json:"from"` // the account
	Name  string `json:"name"`
	Parts []Part `json:"parts"`
	File  *File  `json:"file,omitempty"`
	State string `json:"state"`
	// Problem is what is wrong with it, in a sentence.
	Problem string `json:"problem"`
	At      int64  `json:"at"` // in milliseconds since 1970
}

// Part is a piece of a text: words, or a picture that stands for some of them.
type Part struct {
	Text    string `json:"text"`
	Picture string `json:"picture,omitempty"`
}

// File is one that was sent.
type File struct {
	Name  string `json:"name"`
	Bytes uint64 `json:"bytes"`
	Show  string `json:"show"` // "image", "audio", "video" or "file"
	Path  string `json:"path"` // "" while it is not there
}

func (m *Message) size() int {
	size := 200 + len(m.Talk) + len(m.From) + len(m.Name) + len(m.Problem)
	for _, part := range m.Parts {
		size += 40 + len(part.Text) + len(part.Picture)
	}
	if m.File != nil {
		size += 100 + len(m.File.Name)
	}
	return size
}

// typing says that somebody is writing, for some seconds from At on.
type typing struct {
	Talk string `json:"talk"`
	From string `json:"from"`
	Name string `json:"name"`
	At   int64  `json:"at"`
}

// state is what all pages show. What changes it also tells the journal.
type state struct {
	mu       sync.Mutex
	me       Self
	contacts map[string]Contact
	talks    []Talk // the one that somebody wrote into last comes last
	messages []Message
	bytes    int
	lastID   uint64
	journal  journal
}

func newState(me Self) *state {
	return &state{me: me, contacts: make(map[string]Contact), journal: newJournal()}
}

// snapshot is all that a page shows.
type snapshot struct {
	Self     Self      `json:"self"`
	Contacts []Contact `json:"contacts"`
	Talks    []Talk    `json:"talks"`
	Messages []Message `json:"messages"`
}

// since returns what a page has to be told that knows everything up to a place of the journal, as it names that: the
// changes, or all there is. id is the place after that; wait is closed when there is more.
func (s *state) since(id string) (changes []string, all string, next string, wait <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next, wait = s.journal.id(s.journal.last), s.journal.changed
	if n, ok := s.journal.place(id); ok {
		if changes, ok = s.journal.after(n); ok {
			return slices.Clone(changes), "", next, wait
		}
	}
	contacts := slices.SortedFunc(maps.Values(s.contacts), func(a, b Contact) int { return cmp.Compare(a.Account, b.Account) })
	return nil, encode(snapshot{Self: s.me, Contacts: contacts, Talks: s.talks, Messages: s.messages}), next, wait
}

func (s *state) self() Self {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.me
}

// setSelf changes the friend.
func (s *state) setSelf(change func(*Self)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.me
	if change(&s.me); s.me != before {
		s.journal.add("self", s.me)
	}
}

// setContact adds a contact, or changes what is shown of them. The picture that they have stays if the new one is "".
func (s *state) setContact(c Contact) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, known := s.contacts[c.Account]
	if before == c || !known && len(s.contacts) >= maxContacts {
		return
	}
	s.contacts[c.Account] = c
	s.journal.add("contact", c)
}

// setPicture changes the display picture of a contact.
func (s *state) setPicture(account, path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.contacts[account]; ok && c.Picture != path {
		c.Picture = path
		s.contacts[account] = c
		s.journal.add("contact", c)
	}
}

func (s *state) removeContact(account string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.contacts[account]; ok {
		delete(s.contacts, account)
		s.journal.add("contact gone", account)
	}
}

// name returns what somebody is called.
func (s *state) name(account string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return cmp.Or(s.contacts[account].Name, account)
}

// knows reports whether a conversation is there, or could begin: with a contact.
func (s *state) knows(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.ContainsFunc(s.talks, func(t Talk) bool { return t.Key == key }) {
		return true
	}
	account, ok := strings.CutPrefix(key, personKey)
	_, listed := s.contacts[account]
	return ok && listed
}

// touch puts a conversation behind all others, and makes it if it is not there.
func (s *state) touch(t Talk) {
	at := slices.IndexFunc(s.talks, func(other Talk) bool { return other.Key == t.Key })
	if at >= 0 {
		before := s.talks[at]
		if t.Name == "" {
			t.Name = before.Name
		}
		if len(t.Members) == 0 {
			t.Members = before.Members
		}
		s.talks = append(slices.Delete(slices.Clone(s.talks), at, at+1), t)
		if t.Name == before.Name && slices.Equal(t.Members, before.Members) {
			return
		}
	} else {
		s.talks = append(slices.Clip(s.talks), t)
	}
	s.journal.add("talk", t)
	for len(s.talks) > maxTalks {
		gone := s.talks[0].Key
		s.talks = slices.Clone(s.talks[1:])
		s.messages = slices.DeleteFunc(slices.Clone(s.messages), func(m Message) bool {
			if m.Talk == gone {
				s.bytes -= m.size()
			}
			return m.Talk == gone
		})
		s.journal.add("talk gone", gone)
	}
}

// add puts a message into its conversation, and returns its ID.
func (s *state) add(t Talk, m Message) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.touch(t)
	s.lastID++
	m.ID, m.Talk = s.lastID, t.Key
	if m.At == 0 {
		m.At = time.Now().UnixMilli()
	}
	s.messages, s.bytes = append(s.messages, m), s.bytes+m.size()
	for len(s.messages) > maxMessages || s.bytes > maxMessageBytes && len(s.messages) > 1 {
		s.bytes -= s.messages[0].size()
		s.messages[0] = Message{}
		s.messages = s.messages[1:]
	}
	s.journal.add("message", m)
	return m.ID
}

// change changes a message, if it is still there.
func (s *state) change(id uint64, how func(*Message)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := slices.BinarySearchFunc(s.messages, id, func(m Message, id uint64) int { return cmp.Compare(m.ID, id) })
	if !ok {
		return
	}
	m := s.messages[at]
	s.bytes -= m.size()
	how(&m)
	s.messages[at], s.bytes = m, s.bytes+m.size()
	s.journal.add("message", m)
}

// types tells that somebody is writing.
func (s *state) types(t typing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.journal.add("typing", t)
}

// statuses are the statuses by the names that pages have for them.
var statuses = map[string]msn.Status{
	"online": msn.Online, "busy": msn.Busy, "idle": msn.Idle, "back": msn.BeRightBack, "away": msn.Away,
	"phone": msn.OnThePhone, "lunch": msn.OutToLunch, "hidden": msn.Hidden, "offline": msn.Offline,
}

// statusName is the name of a status.
func statusName(status msn.Status) string {
	for name, known := range statuses {
		if status == known {
			return name
		}
	}
	return "offline"
}
