package msntest

import (
	"slices"
	"strings"

	"matrix-msn/msn/wire"
)

// Endpoints: from MSNP16 on an account can be signed in several times at once
// (protocol/03-presence.md, section 7). All endpoints of an account share status,
// name, picture and personal message.

// main returns the endpoint whose status and capabilities stand for the account: the
// newest that has sent CHG, or the oldest when none has. It is nil when the account
// is not signed in.
func (a *Account) main() *session {
	for _, ss := range slices.Backward(a.endpoints) {
		if ss.status != "" {
			return ss
		}
	}
	if len(a.endpoints) == 0 {
		return nil
	}
	return a.endpoints[0]
}

// present returns the endpoints that have sent their first CHG and so hear of the
// presence of others.
func (a *Account) present() []*session {
	var list []*session
	for _, ss := range a.endpoints {
		if ss.status != "" {
			list = append(list, ss)
		}
	}
	return list
}

// lists returns the lists of the account that other is on, for who sees whom now.
// Clients of MSNP13 and later tell the notification server by ADL and RML, apart
// from what the web services keep (protocol/02-contacts.md, section 5), where
// countsAnnouncedLists.
func (a *Account) lists(other string) List {
	on := a.list.on(other)
	if a.told == nil {
		return on
	}
	return on&^(FL|AL|BL) | a.told[other]
}

// tell notes what a client said by ADL (added) or RML (removed).
func (a *Account) tell(other string, added, removed List) {
	if a.told != nil {
		a.told[other] = a.told[other]&^removed | added
	}
}

// signIn makes ss an endpoint of its account. Older ones are told OUT OTH and ended
// when they or ss are of MSNP15 or below, where there is one endpoint per account, and
// when they have the GUID of ss.
func (s *Server) signIn(ss *session) {
	a := ss.account
	for _, old := range slices.Clone(a.endpoints) {
		if min(old.dialect, ss.dialect) < wire.FirstEndpoints || old.endpoint == ss.endpoint {
			s.kick(old, "OTH")
		}
	}
	if ss.bot == nil && ss.dialect >= wire.FirstSOAP && s.is.countsAnnouncedLists && a.told == nil {
		a.told = make(map[string]List)
	}
	if main := a.main(); main != nil {
		ss.object, ss.personal = main.object, main.personal
	} else if ss.dialect >= wire.FirstSOAP && s.is.keepsPersonal {
		ss.personal = a.personal
	}
	a.endpoints = append(a.endpoints, ss)
	s.notifyChange()
	s.log.Info("signed in", "account", a.email, "dialect", ss.dialect.String())
}

// signOut ends a session: its contacts see it go, unless the account is signed in
// elsewhere too.
func (s *Server) signOut(ss *session) {
	a := ss.account
	i := slices.Index(a.endpoints, ss)
	if i < 0 {
		return
	}
	s.change(a, func() {
		if a.endpoints = slices.Delete(slices.Clone(a.endpoints), i, i+1); len(a.endpoints) == 0 {
			// A name set by PRP is that of the session; the address book's remains.
			a.told, a.name, a.stored = nil, a.bookName(), ""
		}
	})
	s.exitAll(ss)
	s.notifyChange()
	s.log.Info("signed out", "account", a.email)
}

// at is how an endpoint is named in switchboards and notes.
func (ss *session) at() string { return ss.account.email + ";" + ss.endpoint }

// named reports whether a client names its account rightly: with its endpoint from
// MSNP16 on.
func (ss *session) named(account string) bool {
	account, endpoint, _ := strings.Cut(account, ";")
	return normalize(account) == ss.account.email && strings.Trim(normalize(endpoint), "{}") == strings.Trim(ss.endpoint, "{}")
}

// endpointAt finds an endpoint of an account by its GUID.
func (a *Account) endpointAt(guid string) *session {
	for _, ss := range a.endpoints {
		if ss.endpoint != "" && ss.endpoint == normalize(guid) {
			return ss
		}
	}
	return nil
}

// shownEndpoints is what others, and the account's own endpoints, are told of endpoints.
func (a *Account) shownEndpoints() string {
	var b strings.Builder
	for _, ss := range a.endpoints {
		if ss.endpoint != "" {
			b.WriteString(ss.endpoint + " " + ss.caps + " " + ss.private + "\n")
		}
	}
	return b.String()
}

// Endpoint is where an account is signed in, from MSNP16 on.
type Endpoint struct {
	ID      string // GUID in braces, lower case
	Dialect wire.Dialect
	Private string // what it told its other endpoints of itself, as XML (PrivateEndpointData)
}

// Endpoints returns where an account is signed in, the oldest first; below MSNP16 that
// is one endpoint without ID.
func (s *Server) Endpoints(email string) []Endpoint {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[normalize(email)]
	if a == nil {
		return nil
	}
	var list []Endpoint
	for _, ss := range a.endpoints {
		list = append(list, Endpoint{ID: ss.endpoint, Dialect: ss.dialect, Private: ss.private})
	}
	return list
}
