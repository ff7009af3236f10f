package msn

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"matrix-msn/msn/passport"
	"matrix-msn/msn/wire"
)

// request is a command on the notification connection that waits for its answer.
type request struct {
	verb  string
	timer *time.Timer
	done  func(wire.Command, error) // called once, by the owner
	// more, if it is set, is given each answer and reports whether another one
	// belongs to it.
	more func(wire.Command) bool
}

// request sends a command and calls done with the answer, a *ServerError, or
// what kept the answer away.
func (c *Client) request(verb string, args []string, done func(wire.Command, error)) {
	c.requestCommand(wire.New(verb, args...), done)
}

// requestCommand is request for a command that may have a payload; its TrID is
// put in front of its parameters.
func (c *Client) requestCommand(cmd wire.Command, done func(wire.Command, error)) {
	if c.err != nil {
		done(wire.Command{}, c.ended())
		return
	}
	c.submit(c.ns.newTrID(), cmd, c.timeouts.Request, &request{done: done})
}

// submit sends a command under a TrID that was taken for it. done gets ErrTimeout
// when nothing has answered it after wait.
func (c *Client) submit(trid uint32, cmd wire.Command, wait time.Duration, r *request) {
	if c.err != nil {
		r.done(wire.Command{}, c.ended())
		return
	}
	cmd.Args = append([]string{formatTrID(trid)}, cmd.Args...)
	if err := c.tell(cmd); err != nil {
		r.done(wire.Command{}, err)
		return
	}
	r.verb = cmd.Verb
	r.timer = c.after(wait, func() {
		if c.pending[trid] == r {
			delete(c.pending, trid)
			r.done(wire.Command{}, ErrTimeout)
		}
	})
	c.pending[trid] = r
}

// exchange sends a command and waits for its answer. read makes of the answer what is
// wanted; it is called by the owner.
func (c *Client) exchange(ctx context.Context, cmd wire.Command, read func(wire.Command) error) error {
	return c.await(ctx, func(result func(error)) {
		c.requestCommand(cmd, func(reply wire.Command, err error) {
			if err == nil {
				err = read(reply)
			}
			result(err)
		})
	})
}

// replies reports whether a command called got can answer one called sent. Clients
// have always taken CVQ for CVR (protocol/07-misc-founding-spec.md, section 1.1).
func replies(sent, got string) bool {
	if sent == "CVR" || sent == "CVQ" {
		return got == "CVR" || got == "CVQ"
	}
	return sent == got
}

// tell sends a command on the notification connection.
func (c *Client) tell(cmd wire.Command) error {
	c.log.Debug("sent", "command", logged(cmd))
	c.pulse.sent = time.Now()
	err := c.ns.send(cmd)
	if errors.Is(err, errUnread) {
		c.end(c.lost(err))
	}
	return err
}

func formatTrID(trid uint32) string { return strconv.FormatUint(uint64(trid), 10) }

// notification handles one command of the notification server.
func (c *Client) notification(cmd wire.Command) {
	if c.answer(cmd) {
		return
	}
	if number, ok := cmd.ErrorNumber(); ok {
		if trid, known := cmd.TrID(); !known || !c.pageFailed(trid, cmd.Verb) {
			c.accuse(serverError(number, "an earlier command"))
		}
		return
	}
	if events, ok := c.roster.update(cmd); ok {
		c.emit(events...)
		return
	}
	switch cmd.Verb {
	case "ILN", "NLN":
		c.emit(c.book.online(cmd)...)
	case "FLN":
		c.emit(c.book.offline(cmd)...)
	case "UBX":
		c.emit(c.book.personal(cmd)...)
	case "MSG":
		c.message(cmd)
	case "UBN":
		c.note(cmd)
	case "UBM":
		c.federated(cmd)
	case "NFY":
		c.circleNews(cmd)
	case "SDG":
		c.circleMessage(cmd)
	case "NOT":
		c.alert(cmd)
	case "IPG":
		c.incomingPage(cmd)
	case "CHL":
		c.challenge(cmd.Arg(1))
	case "QNG":
		c.wish(cmd.Arg(0))
	case "RNG":
		c.ring(cmd)
	case "CHG":
		c.changed(cmd)
	case "XFR":
		if cmd.Arg(1) == "NS" {
			c.end(movedError(cmd))
		}
	case "OUT":
		c.end(outError(cmd))
	}
}

// answer hands a command to the request that it answers, if there is one. ILN
// and others repeat the TrID of a command that they do not answer.
func (c *Client) answer(cmd wire.Command) bool {
	trid, ok := cmd.TrID()
	if !ok || trid == 0 {
		return false
	}
	r := c.pending[trid]
	if r == nil {
		return false
	}
	number, isError := cmd.ErrorNumber()
	if !isError && !replies(r.verb, cmd.Verb) {
		return false
	}
	if !isError && r.more != nil && r.more(cmd) {
		return true
	}
	delete(c.pending, trid)
	r.timer.Stop()
	if isError {
		r.done(wire.Command{}, serverError(number, r.verb))
		return true
	}
	r.done(cmd, nil)
	return true
}

// challenge answers CHL. Some servers acknowledge a QRY and some do not; a wrong
// one is followed by 540 and the end of the connection.
func (c *Client) challenge(challenge string) {
	product := passport.ProductFor(c.dialect)
	reply := wire.New("QRY", product.ID).WithPayload(passport.ChallengeAnswer(c.dialect, product, challenge))
	c.requestCommand(reply, func(_ wire.Command, err error) {
		if refused, ok := err.(*ServerError); ok {
			c.accuse(refused)
		}
	})
}

// accuse notes an error that no call is told of. If the connection ends now, this
// is why.
func (c *Client) accuse(err *ServerError) {
	c.lastError, c.lastErrorAt = err, time.Now()
	c.log.Warn("error of the server", "account", c.account, "error", err)
}

// changed applies a CHG that nobody asked for: the server has set the user's
// status.
func (c *Client) changed(cmd wire.Command) {
	if status := Status(cmd.Arg(1)); status.settable() || status == Offline {
		c.status = Status(strings.Clone(string(status)))
	}
}

// statusArgs are the parameters of CHG behind the TrID
// (protocol/03-presence.md, section 2). Servers ignore a CHG without capability
// number from MSNP8 on.
func (c *Client) statusArgs(status Status) []string {
	if c.dialect < 8 {
		return []string{string(status)}
	}
	return []string{string(status), c.capabilities()}
}

// outError reads OUT: "[reason [minutes]]".
func outError(cmd wire.Command) *OutError {
	e := &OutError{Reason: keep(cmd.Arg(0), maxName)}
	if e.Reason == "RCT" {
		// The longest wait that a server can ask for is a day: more is a mistake.
		if minutes, err := strconv.ParseUint(cmd.Arg(1), 10, 16); err == nil {
			e.After = min(time.Duration(minutes)*time.Minute, 24*time.Hour)
		}
	}
	return e
}

// movedError reads an XFR NS that comes in mid-session: "0 NS host:port …", or
// "0 NS 0" for a soft reset.
func movedError(cmd wire.Command) *MovedError {
	if address := keep(cmd.Arg(2), maxName); address != "0" {
		return &MovedError{Address: address}
	}
	return &MovedError{}
}

// logged is a command that shows in logs without its payload and secrets.
type logged wire.Command

// LogValue implements slog.LogValuer.
func (l logged) LogValue() slog.Value { return slog.StringValue(wire.Command(l).String()) }
