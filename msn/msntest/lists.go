package msntest

import (
	"crypto/rand"
	"fmt"
	"strconv"

	"matrix-msn/msn/wire"
)

// List is a set of lists that a contact is on (protocol/02-contacts.md,
// section 1).
type List uint8

// The lists, with the bits that LST shows from MSNP8 on.
const (
	FL List = 1  // forward: people one watches
	AL List = 2  // allow: may see and call one
	BL List = 4  // block: may not
	RL List = 8  // reverse: people who have one on FL, answered
	PL List = 16 // pending: people who have one on FL, not answered yet

	// watches is what the server itself knows: they have one on FL, whatever one
	// has done with RL and PL.
	watches  List = 32
	allLists      = FL | AL | BL | RL | PL
)

var listNames = map[string]List{"FL": FL, "AL": AL, "BL": BL, "RL": RL, "PL": PL}

// contact is somebody on any list of an account.
type contact struct {
	email  string
	name   string // as it was given when adding
	alias  string // as the owner of the list calls them, by REA or SBP
	lists  List
	groups []*group

	// From MSNP13 on:
	book    bool   // in the address book though not on FL
	network int    // 0 and 1 are Passport
	invite  string // what somebody pending wrote to be let in
}

type group struct {
	number int
	guid   string
	name   string
}

// contactList keeps contacts in the order in which they came.
type contactList struct {
	byEmail map[string]*contact
	order   []*contact
}

func (l *contactList) get(email string) *contact { return l.byEmail[email] }

// on returns the lists that email is on.
func (l *contactList) on(email string) List {
	if c := l.byEmail[email]; c != nil {
		return c.lists
	}
	return 0
}

func (l *contactList) add(email string, lists List) *contact {
	c := l.byEmail[email]
	if c == nil {
		c = &contact{email: email}
		if l.byEmail == nil {
			l.byEmail = make(map[string]*contact)
		}
		l.byEmail[email] = c
		l.order = append(l.order, c)
	}
	c.lists |= lists
	return c
}

func (l *contactList) remove(email string, lists List) {
	c := l.byEmail[email]
	if c == nil {
		return
	}
	if c.lists &^= lists; c.lists&FL == 0 {
		c.groups, c.alias = nil, ""
	}
	if c.lists != 0 || c.book {
		return
	}
	delete(l.byEmail, email)
	for i, o := range l.order {
		if o == c {
			l.order = append(l.order[:i:i], l.order[i+1:]...)
			return
		}
	}
}

func (l *contactList) count(lists List) int {
	n := 0
	for _, c := range l.order {
		if c.lists&lists != 0 {
			n++
		}
	}
	return n
}

// SetAlias has an account call somebody on its lists by a name of its own, "" for none, as an
// edit of the database: its client sees it with its next list.
func (s *Server) SetAlias(email, other, alias string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[normalize(email)]
	if a == nil {
		return
	}
	if contact := a.list.get(normalize(other)); contact != nil {
		contact.alias = alias
		a.version++
	}
}

// SetList puts other on one list of an account or takes it off, as an edit of
// the database: nobody who is online is told, and the account's own client sees
// it with its next SYN. What goes on FL appears on the other's RL (or PL when the
// other has not allowed or blocked the account); AL and BL exclude each other.
// The account must exist, other need not.
func (s *Server) SetList(email string, list List, other string, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[normalize(email)]
	if a == nil {
		return
	}
	other = normalize(other)
	a.version++
	if !on {
		a.list.remove(other, list)
		if o := s.accounts[other]; o != nil && list&FL != 0 {
			o.list.remove(a.email, RL|PL|watches)
		}
		return
	}
	switch {
	case list&AL != 0:
		a.list.remove(other, BL)
	case list&BL != 0:
		a.list.remove(other, AL)
	}
	a.list.add(other, list)
	if o := s.accounts[other]; o != nil && list&FL != 0 {
		o.version++
		o.list.add(a.email, watches|reverseList(o, a.email))
	}
}

// reverseList is the list on which somebody appears who has a on FL now.
func reverseList(a *Account, adder string) List {
	if on := a.list.on(adder); on&RL != 0 || on&(AL|BL) != 0 && on&PL == 0 {
		return RL
	}
	return PL
}

// Befriend puts each of the accounts on FL, AL and RL of each other, as an edit
// of the database (see SetList). Accounts that do not exist are left out.
func (s *Server) Befriend(emails ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range emails {
		a := s.accounts[normalize(x)]
		if a == nil {
			continue
		}
		for _, y := range emails {
			if b := s.accounts[normalize(y)]; b != nil && a != b {
				a.list.remove(b.email, BL|PL)
				a.list.add(b.email, FL|AL|RL|watches)
			}
		}
		a.version++
	}
}

// Lists returns the lists of the account that other is on.
func (a *Account) Lists(other string) List {
	a.srv.mu.Lock()
	defer a.srv.mu.Unlock()
	return a.list.on(normalize(other)) & allLists
}

// AddGroup makes a group of the account's contact list and returns its GUID.
func (a *Account) AddGroup(name string) string {
	a.srv.mu.Lock()
	defer a.srv.mu.Unlock()
	return a.newGroup(name).guid
}

// AddGroupWithID is AddGroup with a GUID of the caller's choice.
func (a *Account) AddGroupWithID(name, guid string) {
	a.srv.mu.Lock()
	defer a.srv.mu.Unlock()
	a.newGroup(name).guid = guid
}

// PutInGroup puts a contact on FL into a group named by its GUID, as an edit of
// the database. It reports false when there is no such contact or group.
func (a *Account) PutInGroup(other, guid string) bool {
	a.srv.mu.Lock()
	defer a.srv.mu.Unlock()
	c, g := a.list.get(normalize(other)), a.group(guid)
	if c == nil || c.lists&FL == 0 || g == nil {
		return false
	}
	if !c.in(g) {
		c.groups = append(c.groups, g)
	}
	return true
}

func (a *Account) newGroup(name string) *group {
	a.lastGroup++
	g := &group{number: a.lastGroup, guid: newGUID(), name: name}
	a.groups = append(a.groups, g)
	return g
}

// group finds a group by number or GUID.
func (a *Account) group(id string) *group {
	for _, g := range a.groups {
		if g.guid == id || strconv.Itoa(g.number) == id {
			return g
		}
	}
	return nil
}

func (c *contact) in(g *group) bool {
	for _, x := range c.groups {
		if x == g {
			return true
		}
	}
	return false
}

func (c *contact) leave(g *group) {
	for i, x := range c.groups {
		if x == g {
			c.groups = append(c.groups[:i:i], c.groups[i+1:]...)
			return
		}
	}
}

func newGUID() string { return formatGUID(randomBytes(16)) }

func formatGUID(b []byte) string {
	b[6], b[8] = b[6]&0x0F|0x40, b[8]&0x3F|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

// allows reports whether a lets other see and call it.
func (a *Account) allows(other *Account) bool {
	switch on := a.lists(other.email); {
	case on&BL != 0:
		return false
	case on&AL != 0:
		return true
	}
	return a.blp == "AL"
}

// Add puts other on the account's FL and AL, as if the user had done so: the
// other side is told when it is online and finds the account on its PL (RL below
// MSNP10) otherwise.
func (a *Account) Add(other string) {
	s := a.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.accounts[normalize(other)]
	if o == nil {
		return
	}
	a.bumped()
	s.change(a, func() {
		a.list.remove(o.email, BL)
		a.list.add(o.email, AL)
		a.tell(o.email, FL|AL, BL)
	})
	if a.list.on(o.email)&FL == 0 {
		a.list.add(o.email, FL)
		s.reverse(a, o, true)
	}
}

// Remove takes other off the account's FL, as if the user had done so.
func (a *Account) Remove(other string) {
	s := a.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	other = normalize(other)
	if a.list.on(other)&FL == 0 {
		return
	}
	a.bumped()
	a.list.remove(other, FL)
	a.tell(other, 0, FL)
	if o := s.accounts[other]; o != nil {
		s.reverse(a, o, false)
	}
}

// Block moves other from AL to BL, or back, as if the user had done so.
func (a *Account) Block(other string, blocked bool) {
	s := a.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	other = normalize(other)
	s.change(a, func() {
		a.bumped()
		if blocked {
			a.list.remove(other, AL)
			a.list.add(other, BL)
			a.tell(other, BL, AL)
		} else {
			a.list.remove(other, BL)
			a.list.add(other, AL)
			a.tell(other, AL, BL)
		}
	})
}

// reverse records on o's side that a has added or removed it, and tells o.
func (s *Server) reverse(a, o *Account, added bool) {
	version := o.bumped()
	if added {
		o.list.add(a.email, PL|watches)
		if o.list.on(a.email)&RL != 0 {
			o.list.remove(a.email, PL)
		}
	} else {
		o.list.remove(a.email, RL|PL|watches)
	}
	for _, ss := range o.endpoints {
		s.tellReverse(ss, a, added, version)
	}
}

// tellReverse tells a client that a has added or removed its user.
func (s *Server) tellReverse(ss *session, a *Account, added bool, version uint32) {
	if ss.bot != nil {
		ss.bot.reversed(a.email, added)
		return
	}
	name := s.encode(a.name)
	switch {
	case ss.dialect >= wire.FirstSOAP:
		s.tellMember(ss, a, added)
	case added && ss.dialect >= wire.FirstContactIDs:
		ss.send(wire.New("ADC", "0", "RL", "N="+a.email, "F="+name))
	case added:
		ss.send(wire.New("ADD", "0", "RL", s.version(ss, version), a.email, name))
	case ss.dialect >= wire.FirstContactIDs:
		ss.send(wire.New("REM", "0", "RL", a.email))
	default:
		ss.send(wire.New("REM", "0", "RL", s.version(ss, version), a.email))
	}
}

// version returns the list version for a reply in ss: that of the account, or
// the count of the session.
func (s *Server) version(ss *session, version uint32) string {
	if s.is.versionPerSession {
		ss.serial++
		version = ss.serial
	}
	return strconv.FormatUint(uint64(version), 10)
}
