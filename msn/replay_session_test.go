package msn

import (
	"errors"
	"slices"
	"strings"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/transcript"
	"matrix-msn/msn/wire"
)

// replayCall is a call of the interface that a recorded command stands for.
type replayCall struct {
	trid   string // of the recorded command
	result chan error
}

// session plays what came after signing in, record by record: what the server
// said is sent, what the client did becomes calls.
func (r *replay) session() {
	for n := range r.rec.records {
		i := r.rec.records[n]
		if r.used[n] || r.over {
			continue
		}
		r.used[n] = true
		switch {
		case strings.HasPrefix(i.Conn, "HTTP"):
		case isNotification(i.Conn):
			r.notificationItem(n, i)
		default:
			r.switchboardItem(n, i)
		}
	}
	if r.over {
		return
	}
	r.settle()
	r.ns.barrier()
	if err := r.client.Err(); err != nil {
		r.t.Errorf("the Client has ended: %v", err)
	}
}

func (r *replay) left(i item, why string) { r.t.Logf("left: %v: %s", i.Record, why) }

// notificationItem plays one record of the notification connection.
func (r *replay) notificationItem(n int, i item) {
	r.t.Helper()
	switch {
	case i.Kind == transcript.Connection:
		if i.Text == transcript.Open {
			return
		}
		r.settle()
		if i.Text == transcript.ClosedByClient {
			r.close()
			return
		}
		r.ns.close()
		r.disconnected(func(err error) bool { return errors.Is(err, ErrNotConnected) })
	case i.client():
		r.notificationCommand(i)
	default:
		r.serverCommand(n, i)
	}
}

// notificationCommand makes the call that a recorded command stands for.
func (r *replay) notificationCommand(i item) {
	r.t.Helper()
	if i.malformed {
		r.left(i, "no command")
		return
	}
	if why := never(i.cmd); why != "" {
		r.left(i, why)
		return
	}
	if r.listCommand(i) || r.requestCommand(i) {
		return
	}
	switch i.cmd.Verb {
	case "OUT":
		r.settle()
		r.close()
	case "CHG":
		if r.rec.dialect >= 8 && i.cmd.Arg(2) == "" {
			r.left(i, "CHG always has a capability number from MSNP8 on")
			return
		}
		if _, answered := r.peekAnswer(i); !answered && !r.closedAfter(i) {
			r.left(i, "was not answered")
			return
		}
		r.settle()
		r.ns.barrier()
		call := &replayCall{trid: i.cmd.Arg(0), result: make(chan error, 1)}
		go func() { call.result <- r.client.SetStatus(r.t.Context(), Status(i.cmd.Arg(1))) }()
		r.expectCommand(r.ns, i)
		r.status = call
	case "XFR":
		r.openConversation(i)
	}
}

// closedAfter reports whether the server closes the connection next.
func (r *replay) closedAfter(c item) bool {
	for _, i := range r.rec.records {
		if i.Line > c.Line && i.Conn == c.Conn {
			return i.Kind == transcript.Connection
		}
	}
	return false
}

// expectCommand reads the client's next command, which stands for a recorded one.
func (r *replay) expectCommand(conn *replayConn, recorded item) wire.Command {
	r.t.Helper()
	cmd := conn.read()
	r.compare(recorded, cmd)
	conn.trids[recorded.cmd.Arg(0)] = cmd.Arg(0)
	return cmd
}

// close closes the Client, which says good-bye.
func (r *replay) close() {
	r.t.Helper()
	done := make(chan struct{})
	go func() { _ = r.client.Close(); close(done) }()
	lines := r.ns.expectEnd()
	if !slices.Contains(lines, "OUT") {
		r.t.Errorf("the Client closed without OUT, with %q", lines)
	}
	r.finish(func(err error) bool { return err == ErrClosed })
	<-done
}

// finish waits for the last event.
func (r *replay) finish(want func(error) bool) {
	r.t.Helper()
	r.over = true
	for {
		e := nextEvent(r.t, r.client)
		if last, ok := e.(Disconnected); ok {
			if !want(last.Err) {
				r.t.Errorf("the Client ended with: %v", last.Err)
			}
			return
		}
	}
}

func (r *replay) disconnected(want func(error) bool) {
	r.t.Helper()
	r.settle()
	r.finish(want)
}

// serverCommand sends what the notification server said.
func (r *replay) serverCommand(n int, i item) {
	r.t.Helper()
	if i.malformed {
		r.left(i, "no command as the specification has it: only survival counts")
		if !r.ns.sendText(i.Text) || !r.ns.reached() {
			r.finish(func(err error) bool { return true })
			return
		}
		r.settle()
		r.disregard()
		return
	}
	cause, isReply := r.cause(i)
	text := r.translate(r.ns, i)
	if isReply && r.ns.trids[cause.cmd.Arg(0)] == "" {
		switch i.cmd.Verb {
		case "ADD", "ADC", "REM", "REA", "SBP", "ADG", "RMG", "REG":
			// As if the user had changed the lists at another place.
			text = strings.Replace(i.Text, " "+i.cmd.Arg(0), " 0", 1)
		case "ILN":
		default:
			r.left(i, "answers a command that was left out")
			return
		}
	}
	switch i.cmd.Verb {
	case "RNG":
		r.ring(n, i)
		return
	case "XFR":
		if i.cmd.Arg(1) == "NS" {
			r.settle()
			r.ns.sendText(text)
			r.disconnected(func(err error) bool { var moved *MovedError; return errors.As(err, &moved) })
			return
		}
	case "OUT":
		r.settle()
		r.ns.sendText(text)
		r.disconnected(func(err error) bool {
			var out *OutError
			return errors.As(err, &out) && out.Reason == i.cmd.Arg(0)
		})
		return
	case "UBN":
		if words := strings.TrimSpace(i.cmd.Payload); strings.HasPrefix(words, "goawyplz") || strings.HasPrefix(words, "gtfo") {
			r.settle()
			r.ns.sendText(text)
			r.disconnected(func(err error) bool {
				var out *OutError
				return errors.As(err, &out) && out.SignedInElsewhere()
			})
			return
		}
	case "CHL":
		r.ns.sendText(text)
		r.challenge(n)
		return
	}
	r.expectEvents(i)
	r.ns.sendText(text)
	if isReply && cause.cmd.Verb == "CHG" && i.cmd.Verb != "ILN" && r.status != nil {
		r.statusResult(i)
	}
	if check := r.requests[cause.Line]; isReply && check != nil {
		delete(r.requests, cause.Line)
		check(i)
	}
}

// statusResult checks what SetStatus returns after the recorded answer.
func (r *replay) statusResult(i item) {
	r.t.Helper()
	err := waitError(r.t, r.status.result)
	r.status = nil
	number, isError := i.cmd.ErrorNumber()
	var refused *ServerError
	switch {
	case !isError && err != nil:
		r.t.Errorf("%v: SetStatus: %v", i.Record, err)
	case isError && (!errors.As(err, &refused) || refused.Number != number):
		r.t.Errorf("%v: SetStatus: %v", i.Record, err)
	}
}

// challenge reads the answer to CHL and finds the recorded one.
func (r *replay) challenge(n int) {
	r.t.Helper()
	cmd := r.ns.read()
	for m := n + 1; m < len(r.rec.records); m++ {
		i := r.rec.records[m]
		if i.client() && isNotification(i.Conn) && i.cmd.Verb == "QRY" && !r.used[m] {
			r.used[m] = true
			r.compare(i, cmd)
			r.ns.trids[i.cmd.Arg(0)] = cmd.Arg(0)
			return
		}
	}
	r.t.Logf("the recorded client does not answer CHL, this one does")
}

// ring sends RNG when the recorded client answers it: this client always does.
func (r *replay) ring(n int, i item) {
	r.t.Helper()
	open := r.isOpenFor("ANS", i.cmd.Arg(3), n)
	if open < 0 {
		r.left(i, "the recorded client does not answer this call, or with another ticket")
		return
	}
	first, _ := r.firstCommand(open)
	if first.cmd.Arg(3) != i.cmd.Arg(0) {
		r.left(i, "the recorded client answers for another session")
		return
	}
	r.settle()
	r.ns.sendText(i.Text)
	conn := r.net.accept(r.rec.records[open].Conn)
	conn.cause = i
	conn.peer = strings.ToLower(i.cmd.Arg(4))
	r.boards[conn.name] = conn
	r.used[open] = true
}

// openConversation plays an XFR: the call that it is for is found in what
// follows.
func (r *replay) openConversation(i item) {
	r.t.Helper()
	reply, ok := r.answerTo(i)
	if !ok {
		r.left(i, "was not answered")
		return
	}
	r.settle()
	r.ns.barrier()
	if number, isError := reply.cmd.ErrorNumber(); isError {
		sent := goSend(r.t, r.client.Conversation(r.somebody()), "x")
		r.expectCommand(r.ns, i)
		r.ns.sendText(r.translate(r.ns, reply))
		r.checkNumber(reply, sent, number)
		return
	}
	open := r.isOpenFor("USR", reply.cmd.Arg(4), 0)
	if open < 0 {
		r.left(i, "the recorded client does not use the ticket")
		return
	}
	peer, failed, ok := r.firstCall(open)
	if !ok {
		r.left(i, "the recorded client calls nobody into the session, or is not let in")
		return
	}
	cv := r.client.Conversation(peer)
	group := r.callsMore(open, peer)
	if group {
		// What is said to one contact stays between two: several people are a group chat from the
		// beginning.
		cv = r.client.GroupChat(clean.NewGUID(), peer)
	}
	call := &replayCall{result: make(chan error, 1)}
	if failed {
		// The error shows in what SendText returns.
		go func() { call.result <- cv.SendText(r.t.Context(), "x", "") }()
	} else {
		r.client.conn.Do(func() { r.client.chats.Call(cv) })
	}
	r.expectCommand(r.ns, i)
	r.ns.sendText(r.translate(r.ns, reply))
	conn := r.net.accept(r.rec.records[open].Conn)
	conn.peer = peer
	if group {
		conn.group, conn.cv = true, cv
	}
	r.boards[conn.name] = conn
	r.used[open] = true
	if failed {
		r.calls[conn] = append(r.calls[conn], call)
	}
}

// answerTo finds the server's answer to a recorded command, and takes it out.
func (r *replay) answerTo(c item) (item, bool) {
	for n, i := range r.rec.records {
		if i.Line <= c.Line || !i.server() || i.Conn != c.Conn {
			continue
		}
		if cause, ok := r.cause(i); ok && cause.Line == c.Line {
			r.used[n] = true
			return i, true
		}
	}
	return item{}, false
}

// firstCall says who is called first on the connection that record n opens, and
// whether that is answered by an error.
func (r *replay) firstCall(n int) (peer string, failed, ok bool) {
	items := r.on(n)
	admitted := false
	for _, i := range items {
		if i.server() && i.cmd.Verb == "USR" && i.cmd.Arg(1) == "OK" {
			admitted = true
		}
		if i.server() && i.cmd.Verb == "USR" && i.cmd.Arg(1) != "OK" {
			return "", false, false
		}
		if !i.client() || i.cmd.Verb != "CAL" {
			continue
		}
		peer, valid := clean.Account(i.cmd.Arg(1))
		if !valid || peer == strings.ToLower(r.account) {
			return "", false, false
		}
		for _, reply := range items {
			if cause, ok := r.cause(reply); reply.server() && ok && cause.Line == i.Line {
				_, failed = reply.cmd.ErrorNumber()
				break
			}
		}
		return peer, failed, admitted
	}
	return "", false, false
}

// callsMore reports whether somebody besides peer is called into the session on the connection that
// record n opens, and is answered for.
func (r *replay) callsMore(n int, peer string) bool {
	items := r.on(n)
	for _, reply := range items {
		if !reply.server() {
			continue
		}
		if cause, ok := r.cause(reply); ok && cause.cmd.Verb == "CAL" {
			account, valid := clean.Account(cause.cmd.Arg(1))
			if valid && account != peer && account != strings.ToLower(r.account) {
				return true
			}
		}
	}
	return false
}

// somebody is an account to write to when it does not matter to whom.
func (r *replay) somebody() string {
	for _, c := range r.client.Contacts() {
		return c.Account
	}
	return "somebody@example.com"
}

// checkNumber checks that a call fails with the recorded error number.
func (r *replay) checkNumber(i item, result <-chan error, number int) {
	r.t.Helper()
	err := waitError(r.t, result)
	var refused *ServerError
	if !errors.As(err, &refused) || refused.Number != number {
		r.t.Errorf("%v: the call returns %v", i.Record, err)
	}
}

// peekAnswer finds the server's answer to a recorded command.
func (r *replay) peekAnswer(c item) (item, bool) {
	for _, i := range r.rec.records {
		if i.Line > c.Line && i.server() && i.Conn == c.Conn {
			if cause, ok := r.cause(i); ok && cause.Line == c.Line {
				return i, true
			}
		}
	}
	return item{}, false
}
