// Package offline is messages that wait at the service while somebody is offline.
package offline

import (
	"sync"
	"time"

	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/internal/web"
	"matrix-msn/msn/soap"
	"matrix-msn/msn/wire"
)

// Config is what offline messages need to know of others.
type Config struct {
	// Build is the version of the client that is announced.
	Build string
	// Name returns the user's own display name. It is not called by the owner.
	Name func() string
	// UUM sends a message to an account without a switchboard, as MSNP18 leaves them for
	// contacts who are offline. The owner calls it.
	UUM func(to, payload string, result func(error))
	// Counted tells the numbers of mails that Count has asked for. The owner calls it.
	Counted func(inbox, folders int64, known bool)
}

// Messages are the offline messages of an account.
type Messages struct {
	conn *ns.Conn
	web  *web.Services
	cfg  Config

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

// New returns the offline messages of an account and registers what is theirs.
func New(conn *ns.Conn, services *web.Services, cfg Config) *Messages {
	m := &Messages{conn: conn, web: services, cfg: cfg}
	conn.HandleMessage("text/x-msmsgsinitialmdatanotification", m.data)
	conn.HandleMessage("text/x-msmsgsoimnotification", m.notice)
	return m
}

// Confirmed reports whether the service says of a message that Send left that it keeps it.
// Otherwise success only means that no error came.
func (m *Messages) Confirmed() bool { return m.Taken() && m.conn.Dialect() < wire.FirstPrefixed }

// Taken reports whether the service takes messages for contacts who are offline: the
// address of a service for them is known and the dialect is MSNP11 to MSNP17, or the dialect
// is MSNP18.
func (m *Messages) Taken() bool {
	d := m.conn.Dialect()
	return d >= wire.FirstPrefixed || d >= wire.FirstPersonal && m.web.Addresses().Post != ""
}
