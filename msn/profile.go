package msn

import (
	"strconv"
	"strings"
	"time"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/wire"
)

// profile is what a web login needs of the sign-in
// (protocol/07-misc-founding-spec.md, section 2.3). auth is a secret: it must get
// into no log and no error.
type profile struct {
	auth    string // MSPAuth
	sid, kv string
	login   time.Time
}

// maxSecret is the longest MSPAuth that is kept, in bytes; real ones have 60 to
// 600. A part of one is of no use.
const maxSecret = 4096

// begin forgets the profile of an earlier connection. When the server gives none,
// the local time counts, and what the login server's ticket says.
func (p *profile) begin(now time.Time, ticket string) {
	*p = profile{login: now, auth: ticketPart(ticket)}
}

// ticketPart returns the value of t in a ticket "t=…&p=…", or "" when it has none.
// From the days of MSNP9 on it stands for MSPAuth.
func ticketPart(ticket string) string {
	for part := range strings.SplitSeq(ticket, "&") {
		if value, ok := strings.CutPrefix(part, "t="); ok {
			return strings.Clone(value)
		}
	}
	return ""
}

// message handles the profile message. Others are told of it too.
func (p *profile) message(m wire.Message) (understood bool) {
	p.update(m.Header)
	return false
}

// update reads the profile message (protocol/01-login.md, section 6), which is
// all header. What it leaves out stays as it was.
func (p *profile) update(h wire.Header) {
	if auth := h.Get("MSPAuth"); auth != "" && len(auth) <= maxSecret {
		p.auth = clean.Cut(auth, maxSecret)
	}
	if sid := h.Get("sid"); sid != "" {
		p.sid = clean.Cut(sid, clean.MaxName)
	}
	if kv := h.Get("kv"); kv != "" {
		p.kv = clean.Cut(kv, clean.MaxName)
	}
	// 32 bits of seconds reach to the year 2106; more is a mistake, and so is 0.
	if seconds, err := strconv.ParseUint(h.Get("LoginTime"), 10, 32); err == nil && seconds > 0 {
		p.login = time.Unix(int64(seconds), 0)
	}
}
