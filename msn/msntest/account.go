package msntest

import (
	"crypto/md5"
	"time"

	"matrix-msn/msn/wire"
)

// Account is somebody who can sign in. Its methods edit what the server knows of
// them.
type Account struct {
	srv *Server

	email    string
	password string

	// guarded by srv.mu
	name       string
	id         string // GUID; C= in the lists of others
	verified   bool
	props      map[string]string
	list       contactList
	groups     []*group
	lastGroup  int
	gtc, blp   string
	gtcSet     bool // whether the user ever chose
	blpSet     bool
	choices    map[string]string // what the address book was told for "no", by the names of its settings
	version    uint32            // of lists and properties, for MSNP2 to MSNP9
	endpoints  []*session        // where it is signed in, oldest first
	told       map[string]List   // what its clients said by ADL, see lists
	stored     string            // the name in the address book, when it is not name
	personal   string            // the last personal message, see keepsPersonal
	offline    []*OfflineMessage
	sent       []time.Time // its last offline messages, see WithOfflineRate
	hasBook    bool        // see WithoutAddressBook
	lock       string      // the challenge of the offline message service
	everOnline bool
	mail       mailbox
	mspAuth    string // "" makes one for each sign-in
	refusal    string // see RefusePages
	profile    profile
}

// AccountOption changes how an account is made.
type AccountOption func(*Account)

// Name sets the display name; without it the e-mail address is shown.
func Name(name string) AccountOption { return func(a *Account) { a.name = name } }

// Property sets a property: PHH, PHW, PHM, MOB, MBE, WWE or HSB
// (protocol/02-contacts.md, section 4).
func Property(key, value string) AccountOption {
	return func(a *Account) { a.props[key] = value }
}

// ID sets the GUID under which the account stands in the lists of MSNP10 and
// later; without it, it is made from the address.
func ID(guid string) AccountOption { return func(a *Account) { a.id = guid } }

// Unverified makes an account whose e-mail address was never confirmed: USR OK
// says so, and its name cannot be changed (209).
func Unverified() AccountOption { return func(a *Account) { a.verified = false } }

// Mobile gives an account a mobile device that takes pages: MOB is Y.
func Mobile() AccountOption { return Property("MOB", "Y") }

// Unread makes an account that has unread mail at sign-in.
func Unread(inbox, folders int) AccountOption {
	return func(a *Account) { a.mail = mailbox{enabled: true, inbox: inbox, folders: folders} }
}

// WithoutAddressBook makes an account that never had an address book: the web
// service says so until ABAdd makes one.
func WithoutAddressBook() AccountOption { return func(a *Account) { a.hasBook = false } }

// MSPAuth sets the ticket for web log-ins that the profile message carries from
// MSNP3 on; without it, each sign-in has its own.
func MSPAuth(ticket string) AccountOption { return func(a *Account) { a.mspAuth = ticket } }

// AddAccount makes an account, or gives an existing one a new password and the
// options. It is not signed in and has no contacts.
func (s *Server) AddAccount(email, password string, opts ...AccountOption) *Account {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[normalize(email)]
	if a == nil {
		a = &Account{
			srv: s, email: normalize(email), name: email, id: guidOf(normalize(email)), verified: true,
			props: make(map[string]string), choices: make(map[string]string), gtc: "A", blp: "AL", version: 1, hasBook: true,
		}
		s.accounts[a.email] = a
	}
	a.password = password
	for _, opt := range opts {
		opt(a)
	}
	return a
}

// Account returns the account of that address, or nil.
func (s *Server) Account(email string) *Account {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accounts[normalize(email)]
}

// Email returns the address in lower case.
func (a *Account) Email() string { return a.email }

// Name returns the display name.
func (a *Account) Name() string {
	a.srv.mu.Lock()
	defer a.srv.mu.Unlock()
	return a.name
}

// PersonalMessage returns the personal message, as it was written: escaped for XML.
func (a *Account) PersonalMessage() string {
	a.srv.mu.Lock()
	defer a.srv.mu.Unlock()
	text, _ := element(a.personal, "PSM")
	return text
}

// SetName changes the display name and tells those who see the account online,
// as if the user had done so.
func (a *Account) SetName(name string) {
	a.srv.mu.Lock()
	defer a.srv.mu.Unlock()
	a.srv.change(a, func() { a.name, a.stored = name, "" })
}

// SetPassword changes the password; a session that is open goes on.
func (a *Account) SetPassword(password string) {
	a.srv.mu.Lock()
	defer a.srv.mu.Unlock()
	a.password = password
}

// SetProperty sets a property and tells those who may know; an empty value
// removes it.
func (a *Account) SetProperty(key, value string) {
	a.srv.mu.Lock()
	defer a.srv.mu.Unlock()
	a.srv.setProperty(a, key, value)
}

// Property returns a property, or "" when it is not set.
func (a *Account) Property(key string) string {
	a.srv.mu.Lock()
	defer a.srv.mu.Unlock()
	return a.props[key]
}

// SetDefaultAllowed chooses what BLP says: whether people on neither AL nor BL
// may see and call the account. The default is true.
func (a *Account) SetDefaultAllowed(allowed bool) {
	a.srv.mu.Lock()
	defer a.srv.mu.Unlock()
	a.srv.change(a, func() {
		if a.blp = "BL"; allowed {
			a.blp = "AL"
		}
	})
}

// guidOf makes a GUID that is the same for the same text.
func guidOf(text string) string {
	h := md5.Sum([]byte(text))
	return formatGUID(h[:])
}

// bumped counts a change of lists or properties and returns the new version, as
// replies of MSNP2 to MSNP9 carry it.
func (a *Account) bumped() uint32 {
	a.version++
	return a.version
}

// session is an account that is signed in: over a connection, or played by the
// server.
type session struct {
	account *Account
	conn    *conn
	bot     *Bot

	dialect  wire.Dialect
	endpoint string // GUID in braces, lower case; from MSNP16 on
	ticket   string // that it signed in with, from MSNP8 on
	status   string // "" until the first CHG; the same at all endpoints after that
	caps     string // capability number, "0" below MSNP8; from MSNP16 on with a colon
	object   string // MSNObject as it came, "" for none
	personal string // payload of the last UUX
	private  string // what the endpoint told of itself (PrivateEndpointData)
	synced   bool
	noCalls  bool     // IMS OFF
	serial   uint32   // list version, see versionPerSession
	alerts   uint64   // how many were given an ID
	found    []Person // by the last FND
	circles  circleLogin
}

// send queues a command for the client of a session; a played account has none.
func (ss *session) send(cmd wire.Command) {
	if ss.conn != nil {
		ss.conn.send(cmd)
	}
}

// visible reports whether the account can be seen by anybody.
func (a *Account) visible() bool {
	ss := a.main()
	if ss == nil {
		return false
	}
	switch ss.status {
	case "", "FLN", "HDN":
		return false
	}
	return true
}
