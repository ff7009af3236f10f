package presence

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/event"
)

// model is what is so, whatever the keeper knows of it.
type model struct {
	t        *testing.T
	random   *rand.Rand
	server   *fakeServer
	store    *fakeStore
	keeper   *Keeper
	contacts []networkid.UserID
	logins   []networkid.UserLoginID

	status  map[networkid.UserID]State
	blocked map[string]bool // by login and contact: the contact does not let the user see them
	rooms   map[string]bool // by login and contact
	in      map[networkid.UserLoginID]bool
}

func pair(login networkid.UserLoginID, contact networkid.UserID) string {
	return string(login) + " " + string(contact)
}

func newModel(t *testing.T, seed uint64, server *fakeServer) *model {
	m := &model{
		t: t, random: rand.New(rand.NewPCG(seed, 1)), server: server, store: newFakeStore(), logins: []networkid.UserLoginID{home, other},
		status: make(map[networkid.UserID]State), blocked: make(map[string]bool), rooms: make(map[string]bool),
		in: make(map[networkid.UserLoginID]bool),
	}
	for i := range 8 {
		m.contacts = append(m.contacts, networkid.UserID(fmt.Sprintf("home/contact%d@example.com", i)))
		m.status[m.contacts[i]] = offline
	}
	m.keeper = start(t, server, m.store)
	return m
}

func (m *model) contact() networkid.UserID { return m.contacts[m.random.IntN(len(m.contacts))] }

// sees is how a login sees a contact.
func (m *model) sees(login networkid.UserLoginID, contact networkid.UserID) State {
	if m.blocked[pair(login, contact)] {
		return offline
	}
	return m.status[contact]
}

// tell has all logins told how a contact is, as the service does.
func (m *model) tell(contact networkid.UserID) {
	for _, login := range m.logins {
		if m.in[login] {
			m.keeper.Report(login, contact, m.sees(login, contact))
		}
	}
}

func (m *model) signIn(login networkid.UserLoginID) {
	m.in[login] = true
	var rooms []networkid.UserID
	for _, contact := range m.contacts {
		if m.rooms[pair(login, contact)] {
			rooms = append(rooms, contact)
		}
	}
	m.keeper.Begin(login, rooms)
	for _, contact := range m.contacts {
		if state := m.sees(login, contact); state != offline { // of the others nothing is said
			m.keeper.Report(login, contact, state)
		}
	}
}

// step has something happen.
func (m *model) step() {
	login, contact := m.logins[m.random.IntN(len(m.logins))], m.contact()
	switch m.random.IntN(16) {
	case 0:
		m.signIn(login)
	case 1:
		m.in[login] = false
		m.keeper.Lost(login)
	case 2:
		m.in[login] = false
		m.keeper.End(login)
	case 3:
		m.blocked[pair(login, contact)] = !m.blocked[pair(login, contact)]
		m.tell(contact)
	case 4:
		m.rooms[pair(login, contact)] = true
		if m.in[login] {
			m.keeper.Room(login, contact)
		}
	case 5:
		m.server.change(func() { m.server.fail = []error{nil, nil, errDown, refusal}[m.random.IntN(4)] })
	case 6:
		m.restart(m.random.IntN(2) == 0)
	case 7:
		m.store.change(func() {
			if m.store.fail = nil; m.random.IntN(3) == 0 {
				m.store.fail = errDown
			}
		})
	case 8:
		for range 10 { // flaps
			m.status[contact] = []State{offline, online("")}[m.random.IntN(2)]
			m.tell(contact)
		}
	case 9:
		m.tell(contact) // the same again
	case 10:
		m.keeper.Spoken(contact)
	default:
		m.status[contact] = []State{offline, online(""), online(fmt.Sprint("song ", m.random.IntN(5))),
			{Presence: event.PresenceUnavailable, Text: "Busy"}, {Presence: event.PresenceUnavailable}}[m.random.IntN(5)]
		m.tell(contact)
	}
}

// restart stops the bridge, or has it crash, and starts it. Logins are signed in later.
func (m *model) restart(crash bool) {
	for _, login := range m.logins {
		m.in[login] = false
	}
	if crash {
		m.keeper.crash()
	} else {
		for _, login := range m.logins {
			m.keeper.End(login)
		}
		m.server.change(func() { m.server.stopping = true })
		m.keeper.Stop()
		m.server.change(func() { m.server.stopping = false })
	}
	m.server.take()                               // what was sent while it was stopping
	m.store.change(func() { m.store.fail = nil }) // else there would be no start
	m.keeper = start(m.t, m.server, m.store)
}

// wanted is how a contact is to be shown when all is calm.
func (m *model) wanted(contact networkid.UserID) State {
	room, state := false, offline
	for _, login := range m.logins {
		if m.in[login] {
			room = room || m.rooms[pair(login, contact)]
			if sees := m.sees(login, contact); sees != offline {
				state = sees
			}
		}
	}
	if !room {
		return offline
	}
	return state
}

// check holds what is shown against the model.
func (m *model) check(when string) {
	m.t.Helper()
	for _, contact := range m.contacts {
		if shown, want := m.server.shows(contact), m.wanted(contact); shown != want {
			m.t.Errorf("%s: %s is shown as %+v, want %+v", when, contact, shown, want)
		}
	}
}

// checkPace holds the requests against the limits.
func (m *model) checkPace(sent []request) {
	m.t.Helper()
	var last time.Time
	puts := make(map[networkid.UserID]time.Time)
	for _, r := range sent {
		if r.bye {
			continue
		}
		if gap := r.at.Sub(last); gap < pace {
			m.t.Errorf("%v after another request comes %+v", gap, r)
		}
		last = r.at
		if before, ok := puts[r.ghost]; ok && !r.look && r.at.Sub(before) < perGhost {
			m.t.Errorf("%v after another presence comes %+v", r.at.Sub(before), r)
		}
		if !r.look {
			puts[r.ghost] = r.at
		}
	}
}

// checkPresent checks that the keeper knows who is shown as there without looking at everybody.
func (m *model) checkPresent() {
	m.t.Helper()
	k := m.keeper
	k.mu.Lock()
	defer k.mu.Unlock()
	shown := 0
	for _, g := range k.ghosts {
		if g.shown == offline {
			continue
		}
		shown++
		if _, noted := k.present[g]; !noted {
			m.t.Errorf("%s is shown as %+v, which is not noted", g.id, g.shown)
		}
	}
	if len(k.present) != shown {
		m.t.Errorf("%d are noted as there, %d are shown so", len(k.present), shown)
	}
}

// Whatever happens to contacts, logins, the service, the homeserver, the disk and the bridge:
// when all is calm Matrix shows what is so, the limits were kept, and then nothing is sent.
func TestKeeperAgainstItsModel(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := newFakeServer(t)
				server.latency = time.Duration(seed%3) * 30 * time.Millisecond
				m := newModel(t, seed, server)
				var sent []request
				for range 150 {
					before := m.keeper
					m.step()
					if m.keeper != before {
						m.checkPace(sent)
						sent = nil // the limits are those of one process
					}
					time.Sleep(time.Duration(m.random.Int64N(int64(8 * time.Second))))
					sent = append(sent, server.take()...)
					m.checkPresent()
				}
				m.checkPace(sent)
				server.change(func() { server.fail = nil })
				m.store.change(func() { m.store.fail = nil })
				for _, login := range m.logins {
					if m.random.IntN(3) == 0 {
						m.in[login] = false
						m.keeper.End(login)
					} else {
						m.signIn(login)
					}
				}
				// An hour for those that were refused, and for a homeserver that showed none.
				time.Sleep(rest + longestPause + time.Minute)
				m.check("when all is calm")
				time.Sleep(10 * time.Minute)
				server.take()
				time.Sleep(24 * time.Hour)
				if sent := server.take(); len(sent) > 0 {
					t.Errorf("in a quiet day %d requests are sent, the first %+v", len(sent), sent[0])
				}
				m.check("a day later")
				for _, contact := range m.contacts {
					if m.wanted(contact) != offline && !m.store.has(contact) {
						t.Errorf("%s is shown as online, and not on disk", contact)
					}
				}
				m.keeper.Stop()
				for _, contact := range m.contacts {
					if shown := server.shows(contact); shown != offline {
						t.Errorf("after the end %s is %+v", contact, shown)
					}
				}
				if listed, _ := m.store.All(t.Context()); len(listed) > 0 {
					t.Errorf("after the end %v are on disk", listed)
				}
			})
		})
	}
}

// Where the homeserver shows nobody for longer than half a minute, or as online for longer than
// some minutes, what is so is shown all the same once that is known.
func TestPresenceOutlastsTheHomeserversMemory(t *testing.T) {
	for name, server := range map[string]*fakeServer{
		"offline after 30 s": {end: 30 * time.Second, idle: 5 * time.Minute},
		"idle after 5 min":   {idle: 5 * time.Minute, end: 30 * time.Minute},
		"for ever":           {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newFakeServer(t)
				s.end, s.idle = server.end, server.idle
				m := newModel(t, 1, s)
				m.in[home] = true
				for i, contact := range m.contacts {
					m.rooms[pair(home, contact)] = true
					m.status[contact] = []State{online("song"), {Presence: event.PresenceUnavailable, Text: "Away"}, offline}[i%3]
				}
				m.signIn(home)
				time.Sleep(7 * time.Minute)
				s.take()
				for range 3600 {
					m.check("in the hour after")
					time.Sleep(time.Second)
				}
				sent := s.take()
				perHour := map[string]int{"offline after 30 s": 6 * 3600 / 25, "idle after 5 min": 6 * 15, "for ever": 0}[name]
				if n := len(sent); n < perHour*9/10 || n > perHour+6 {
					t.Errorf("in an hour %d requests keep 6 contacts online, want %d", n, perHour)
				}
				m.keeper.Stop()
			})
		})
	}
}
