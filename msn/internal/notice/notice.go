// Package notice is what the service itself has to say: alerts (NOT), mail and system
// messages.
package notice

import (
	"time"

	"go.mau.fi/util/exsync"

	"matrix-msn/msn/internal/limit"
	"matrix-msn/msn/internal/ns"
)

// Hooks are who else is told.
type Hooks struct {
	// AddressBook is called when the address book has changed, and Circle when a circle
	// has; id is the one that web services have.
	AddressBook func()
	Circle      func(id string)
	// CountMails asks somebody else for the numbers of mails that the server left out, and
	// reports whether they will be told by Count.
	CountMails func() bool
}

// Notices are the notices of a connection. They belong to its owner, who calls the methods.
type Notices struct {
	conn  *ns.Conn
	hooks Hooks

	mail mailbox
	all  *limit.Limiter                         // by kind
	seen *exsync.RingBuffer[alertKey, struct{}] // made by the first alert

	left  int         // events left out and not told yet
	timer *time.Timer // runs while left is not 0
}

// New returns the notices of a connection and registers what is theirs.
func New(conn *ns.Conn, hooks Hooks) *Notices {
	n := &Notices{conn: conn, hooks: hooks, all: limit.New(AlertBurst, AlertEvery)}
	conn.Handle(ns.Verb{Name: "NOT", Do: n.alert})
	conn.HandleMessage("text/x-msmsgsinitialemailnotification", n.mailCounts)
	conn.HandleMessage("text/x-msmsgsinitialmdatanotification", n.mailData)
	conn.HandleMessage("text/x-msmsgsemailnotification", n.mailArrived)
	conn.HandleMessage("text/x-msmsgsactivemailnotification", n.mailMoved)
	conn.HandleMessage("application/x-msmsgsemailnotification", n.mailOld)
	conn.HandleMessage("application/x-msmsgssystemmessage", n.systemMessage)
	conn.OnEnd(func(error) { n.tellSuppressed() })
	return n
}
