package circle

import (
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"matrix-msn/msn/chat"
	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/xmltext"
	"matrix-msn/msn/roster"
	"matrix-msn/msn/soap"
	"matrix-msn/msn/wire"
)

// A server carries what is said in circles for those who have entered them in the session:
// in MSNP18 (protocol/01-login.md, section 4.5, and protocol/04-switchboard.md, section 5).

const (
	// MaxRefused is how often in a row a ticket of circles is refused before the address
	// book is not asked for another.
	MaxRefused = 3
	// MaxRetries is how often it is tried again to enter circles, retryAfter after what
	// time first.
	MaxRetries = 4
	retryAfter = time.Minute
)

// Begin enters the circles that the user belongs to and asks who else does. It is called by
// the owner, at the end of the sign-in, and does nothing below MSNP18.
func (c *Circles) Begin() {
	c.enter()
	c.follow()
}

// enter shows the server the ticket of the user's circles, so that it tells of
// invitations, and enters those that the user belongs to, so that it carries texts.
func (c *Circles) enter() {
	if !c.Carried() || c.ticket == "" || c.conn.Err() != nil {
		return
	}
	var entering []*circle
	for _, circle := range c.circles {
		if circle.Member && (circle.entry == entryNone || circle.entry == entryRefused) {
			circle.entry = entryAsked
			entering = append(entering, circle)
		}
	}
	if c.ticket == c.taken {
		c.ask(entering)
		return
	}
	c.taken = "" // a refusal takes the one before away too
	ticket := c.ticket
	cmd := wire.New("USR", "SHA", "A", base64.StdEncoding.EncodeToString([]byte(ticket)))
	c.conn.Request(cmd, func(_ wire.Command, err error) {
		if err == nil {
			c.taken, c.refused = ticket, 0
			c.ask(entering)
			return
		}
		for _, circle := range entering {
			c.entered(circle.ID, err)
		}
		if _, refused := errors.AsType[*errs.ServerError](err); !refused {
			return
		}
		c.conn.Warn("the server does not take the ticket of the circles", "error", err)
		// The circles may be others since the ticket was made.
		if c.refused++; c.refused < MaxRefused {
			c.lists.Refresh()
		}
	})
}

// ask puts circles on the user's lists for this session, each by a command of its
// own: a server refuses all for one that it does not like.
func (c *Circles) ask(circles []*circle) {
	for _, circle := range circles {
		circle.announced = true
		member := wire.Member{Account: circle.ID, Lists: uint8(roster.ListForward | roster.ListAllow), Network: network}
		for _, payload := range wire.FormatMembers([]wire.Member{member}, false) {
			c.conn.Request(wire.New("ADL").WithPayload(payload), func(_ wire.Command, err error) { c.entered(circle.ID, err) })
		}
	}
}

// Echo reports whether news of the circle with this ID, given without its host, say
// only that the user enters it, which servers announce once as a change. It is called by
// the owner, once for each such news.
func (c *Circles) Echo(id string) bool {
	for _, circle := range c.circles {
		if circle.announced && strings.EqualFold(bare(circle.ID), id) {
			circle.announced = false
			return true
		}
	}
	return false
}

// entered goes on when the server has let the user into a circle, or has not.
func (c *Circles) entered(id string, err error) {
	circle := c.find(id)
	if circle != nil && circle.entry == entryAsked {
		circle.entry, circle.refused, circle.announced = entryDone, nil, false
		if err != nil {
			circle.entry, circle.refused = entryRefused, err
		}
		if _, refused := errors.AsType[*errs.ServerError](err); refused {
			c.conn.Warn("circle not entered", "circle", id, "error", err)
		}
		if err == nil {
			c.appear(circle)
		}
	}
	c.chats.Flush(chat.ID{Circle: id})
	if err != nil {
		c.retry()
	}
}

// retry has circles that the server did not let the user into tried again, a few
// times and less and less often: it may have been busy.
func (c *Circles) retry() {
	if c.conn.Err() != nil || c.retrying || c.retries == MaxRetries {
		return
	}
	c.retrying = true
	wait := retryAfter << (2 * c.retries)
	c.retries++
	c.conn.After(wait, func() {
		c.retrying = false
		c.enter()
	})
}

// shutOut notes that the server does not have the user in a circle any more: the address
// book tells whether they belong to it still, and they enter it again then.
func (c *Circles) shutOut(id string) {
	if circle := c.find(id); circle != nil && circle.entry == entryDone {
		circle.entry, circle.Present = entryNone, nil
		c.lists.Refresh()
	}
}

// appear puts the user on the roster of those who are in the circle. Texts go without
// it, so that a server that refuses it does no harm.
func (c *Circles) appear(circle *circle) {
	put := wire.Routed{
		Routing:     wire.Header("").With("Routing", "1.0").With("To", circle.address("").String()).With("From", c.ownAddress().String()),
		Reliability: reliability,
		Content: wire.Header("").With("Publication", "1.0").With("Uri", "/circle").
			With("Content-Type", "application/circles+xml"),
		Body: "<circle><roster><id>IM</id><user><id>1:" + xmltext.Escape(c.conn.Account()) + "</id></user></roster></circle>",
	}
	c.conn.Request(wire.New("PUT").WithPayload(put.Payload()), func(_ wire.Command, err error) {
		if err != nil && c.conn.Err() == nil {
			c.conn.Warn("not on the roster of a circle", "circle", circle.ID, "error", err)
		}
	})
}

// reliability is the second block of what is sent.
const reliability = wire.Header("Reliability: 1.0\r\n")

// ownAddress is that of this endpoint.
func (c *Circles) ownAddress() wire.Address {
	return wire.Address{Network: soap.NetworkPassport, Account: c.conn.Account(), Endpoint: c.endpoint}
}
