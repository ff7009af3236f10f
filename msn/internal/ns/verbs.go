package ns

import (
	"fmt"
	"strconv"
	"time"

	"matrix-msn/internal/lazy"
	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/passport"
	"matrix-msn/msn/wire"
)

// Verb is a command of the server that answers nothing, and what is done with it.
type Verb struct {
	Name string
	// From and To are the dialects in which it exists. Zero means the oldest and the
	// newest. In others it is passed over.
	From, To wire.Dialect
	Do       func(wire.Command)
}

// Handle registers the verbs of a part, those that the dialect has. A verb has one owner.
func (c *Conn) Handle(verbs ...Verb) {
	for _, v := range verbs {
		if c.dialect < v.From || v.To != 0 && c.dialect > v.To {
			continue
		}
		if c.verb(v.Name) != nil {
			panic("ns: two parts handle " + v.Name)
		}
		c.verbs = append(c.verbs, verb{nameOf(v.Name), v.Do})
	}
}

// verb is a Verb that the dialect has.
type verb struct {
	name verbName
	do   func(wire.Command)
}

// verbName is a verb, which has three letters.
type verbName [3]byte

func nameOf(name string) (n verbName) {
	copy(n[:], name)
	return n
}

// verb returns what handles a verb, or nil. There are some twenty: a list takes less memory
// than a table, of which there are as many as there are connections.
func (c *Conn) verb(name string) *verb {
	for i, n := 0, nameOf(name); i < len(c.verbs); i++ {
		if c.verbs[i].name == n {
			return &c.verbs[i]
		}
	}
	return nil
}

// message is what is done with a MSG of the server of a media type.
type message struct {
	mediaType  string
	understood func(wire.Message) bool
}

// HandleMessage registers what is done with a MSG of the server of a media type. What no
// part has understood becomes a ServerMessage.
func (c *Conn) HandleMessage(mediaType string, understood func(wire.Message) bool) {
	c.messages = append(c.messages, message{mediaType, understood})
}

// OnLateError registers who may know what an error is about that answers no request. known
// reports whether it does.
func (c *Conn) OnLateError(known func(trid uint32, number int) bool) {
	c.late = append(c.late, known)
}

// forget takes back all that was registered: the sign-in begins anew.
func (c *Conn) forget() {
	c.verbs, c.messages, c.late, c.onEnd, c.watchers = nil, nil, nil, nil, nil
}

// Dispatch handles one command of the server. The owner calls it.
func (c *Conn) Dispatch(cmd wire.Command) {
	if cmd.Verb == "QNG" {
		c.pong(cmd.Arg(0)) // which has no TrID, and is most of what comes by connections that are many
		return
	}
	if c.answer(cmd) {
		return
	}
	if number, ok := cmd.ErrorNumber(); ok {
		c.stray(cmd, number)
		return
	}
	switch cmd.Verb {
	case "CHL":
		c.challenge(cmd.Arg(1))
	case "XFR":
		c.moved(cmd)
	case "OUT":
		c.End(outError(cmd))
	case "MSG":
		c.hear(wire.ParseMessage(cmd.Payload))
	default:
		if v := c.verb(cmd.Verb); v != nil {
			v.do(cmd)
		}
	}
}

// stray takes an error that answers no request.
func (c *Conn) stray(cmd wire.Command, number int) {
	if trid, ok := cmd.TrID(); ok {
		for _, known := range c.late {
			if known(trid, number) {
				return
			}
		}
	}
	c.Accuse(errs.Server(number, "an earlier command"))
}

// Accuse notes an error that no call is told of. If the connection ends now, this is why.
func (c *Conn) Accuse(err *errs.ServerError) {
	c.lastError, c.accusedAt = err, time.Now()
	c.Warn("error of the server", "error", err)
}

// hear handles a MSG of the server.
func (c *Conn) hear(m wire.Message) {
	understood := false
	kind := m.MediaType()
	for _, handler := range c.messages {
		if handler.mediaType == kind {
			understood = handler.understood(m) || understood
		}
	}
	if !understood && c.self != "" {
		c.Emit(ServerMessage{Message: m})
	}
}

// ServerMessage is a MSG from the notification server itself (account "Hotmail") of a type
// that has no event of its own.
type ServerMessage struct{ Message wire.Message }

// Size implements Event.
func (e ServerMessage) Size() int { return event.Size(string(e.Message.Header), e.Message.Body) }

// challenge answers CHL. Some servers acknowledge a QRY and some do not; a wrong one is
// followed by 540 and the end of the connection.
func (c *Conn) challenge(challenge string) {
	product := passport.ProductFor(c.dialect)
	reply := wire.New("QRY", product.ID).WithPayload(passport.ChallengeAnswer(c.dialect, product, challenge))
	c.Request(reply, func(_ wire.Command, err error) {
		if refused, ok := err.(*errs.ServerError); ok {
			c.Accuse(refused)
		}
	})
}

// moved handles XFR, which sends the client to another server: "trid NS host:port …", or
// "trid NS 0" for a new sign-in on the same connection.
func (c *Conn) moved(cmd wire.Command) {
	trid, _ := cmd.TrID()
	r, _ := c.pending.Get(trid)
	switch address := clean.Cut(cmd.Arg(2), clean.MaxName); {
	case cmd.Arg(1) != "NS" && !c.ready && r != nil:
		c.settle(r)
		r.Done(wire.Command{}, fmt.Errorf("%w: XFR to %q while signing in", wire.ErrProtocol, cmd.Arg(1)))
	case cmd.Arg(1) != "NS":
	case address != "0":
		c.End(&errs.MovedError{Address: address})
	case c.ready:
		c.End(&errs.MovedError{})
	default:
		c.restart()
	}
}

// restart has the sign-in that is under way begin anew. Nothing is left of the parts that
// the one before has registered, nor of what they have begun.
func (c *Conn) restart() {
	c.forget()
	c.endPeriods()
	c.self = ""
	c.backlog = backlog{}
	c.abortAdopted()
	c.converse()
	pending, waiting := c.pending, c.waiting
	c.pending, c.waiting = lazy.Table[uint32, *request]{}, nil
	for _, r := range pending.All() {
		r.timer.Stop()
		r.Done(wire.Command{}, &errs.MovedError{})
	}
	for _, result := range waiting {
		result(&errs.MovedError{})
	}
}

// outError reads OUT: "[reason [minutes]]".
func outError(cmd wire.Command) *errs.OutError {
	e := &errs.OutError{Reason: clean.Cut(cmd.Arg(0), clean.MaxName)}
	if e.Reason == "RCT" {
		// The longest wait that a server can ask for is a day: more is a mistake.
		if minutes, err := strconv.ParseUint(cmd.Arg(1), 10, 16); err == nil {
			e.After = min(time.Duration(minutes)*time.Minute, 24*time.Hour)
		}
	}
	return e
}
