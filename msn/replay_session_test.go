package msn

import (
	"errors"
	"slices"
	"strings"
	"time"

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
	switch i.cmd.Verb {
	case "OUT":
		r.settle()
		r.close()
	case "CHG":
		if r.rec.dialect >= 8 && i.cmd.Arg(2) == "" {
			r.left(i, "CHG always has a capability number from MSNP8 on")
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
	call := &replayCall{result: make(chan error, 1)}
	if failed {
		// The error shows in what SendText returns.
		go func() { call.result <- cv.SendText(r.t.Context(), "x", "") }()
	} else {
		r.client.ask(func() { r.client.call(cv) })
	}
	r.expectCommand(r.ns, i)
	r.ns.sendText(r.translate(r.ns, reply))
	conn := r.net.accept(r.rec.records[open].Conn)
	conn.peer = peer
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
	for _, i := range items {
		if i.server() && i.cmd.Verb == "USR" && i.cmd.Arg(1) != "OK" {
			return "", false, false
		}
		if !i.client() || i.cmd.Verb != "CAL" {
			continue
		}
		peer, valid := parseAccount(i.cmd.Arg(1))
		if !valid || peer == strings.ToLower(r.account) {
			return "", false, false
		}
		for _, reply := range items {
			if cause, ok := r.cause(reply); reply.server() && ok && cause.Line == i.Line {
				_, failed = reply.cmd.ErrorNumber()
				break
			}
		}
		return peer, failed, true
	}
	return "", false, false
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

// switchboardItem plays one record of a switchboard connection.
func (r *replay) switchboardItem(n int, i item) {
	r.t.Helper()
	conn := r.boards[i.Conn]
	if i.Kind == transcript.Connection && i.Text == transcript.Open {
		// The connections that are played were opened by XFR or RNG.
		r.left(i, "this client opens a switchboard only to call or to answer")
		r.boards[i.Conn] = nil
		return
	}
	if conn == nil {
		return
	}
	if conn.gone {
		if i.Kind != transcript.Connection {
			r.left(i, "this client leaves a session when nobody is there any more")
		}
		return
	}
	switch {
	case i.Kind == transcript.Connection:
		r.settle()
		r.endBoard(conn, i)
	case i.client():
		r.boardCommand(conn, i)
	default:
		r.boardAnswer(conn, i)
	}
}

// endBoard plays the end of a switchboard connection.
func (r *replay) endBoard(conn *replayConn, i item) {
	r.t.Helper()
	conn.gone = true
	if i.Text == transcript.ClosedByServer {
		conn.close()
		return
	}
	r.leave(conn)
}

// leave has the Client leave one session.
func (r *replay) leave(conn *replayConn) {
	r.t.Helper()
	conn.gone = true
	r.client.ask(func() {
		for s := range r.client.sessions {
			if s.transport != nil && s.transport.conn == conn.pipe {
				s.leave()
			}
		}
	})
	if lines := conn.expectEnd(); !slices.Equal(lines, []string{"OUT"}) {
		r.t.Errorf("leaving %s the client sent %q", conn.name, lines)
	}
}

// boardCommand makes the call that a recorded switchboard command stands for.
func (r *replay) boardCommand(conn *replayConn, i item) {
	r.t.Helper()
	if i.malformed {
		r.left(i, "no command")
		return
	}
	switch i.cmd.Verb {
	case "USR", "ANS":
		r.expectCommand(conn, i)
	case "CAL":
		if peer, _ := parseAccount(i.cmd.Arg(1)); peer == conn.peer && !slices.Contains(conn.people, peer) && conn.cause.cmd.Verb == "" &&
			len(conn.trids) == 1 {
			r.expectCommand(conn, i)
			return
		}
		r.left(i, "the interface calls one contact into a session, once")
	case "MSG":
		r.boardMessage(conn, i)
	case "OUT":
		r.settle()
		r.leave(conn)
	default:
		r.left(i, "this client never sends it")
	}
}

// boardMessage makes SendText or SendTyping of a recorded MSG.
func (r *replay) boardMessage(conn *replayConn, i item) {
	r.t.Helper()
	m := wire.ParseMessage(i.cmd.Payload)
	alone := slices.Equal(conn.people, []string{conn.peer})
	text := lineEnds.Replace(m.Text())
	switch {
	case !alone:
		r.left(i, "texts go to one contact who is alone with the user in a session")
		return
	case !strings.Contains("UNAD", i.cmd.Arg(1)) || i.cmd.Arg(1) == "":
		r.left(i, "no way to send a message")
		return
	case m.MediaType() == "text/x-msmsgscontrol" && m.Header.Get("TypingUser") != "":
		r.settle()
		result := make(chan error, 1)
		go func() { result <- r.client.Conversation(conn.peer).SendTyping(r.t.Context()) }()
		r.compare(i, r.newest(conn).read())
		if err := waitError(r.t, result); err != nil {
			r.t.Errorf("%v: SendTyping: %v", i.Record, err)
		}
		return
	case m.MediaType() != "text/plain":
		r.left(i, "the interface sends texts and typing notes")
		return
	case text == "" || m.Header.Get("Message-ID") != "" || len(i.cmd.Payload) > wire.MaxSwitchboardPayload:
		r.left(i, "no such text is sent: empty, cut by the sender, or too long for one message")
		return
	}
	r.settle()
	call := &replayCall{trid: i.cmd.Arg(0), result: make(chan error, 1)}
	go func() {
		call.result <- r.client.Conversation(conn.peer).SendText(r.t.Context(), text, m.Header.Get("X-MMS-IM-Format"))
	}()
	target := r.newest(conn)
	sent := target.read()
	r.compare(i, sent)
	if target == conn {
		conn.trids[i.cmd.Arg(0)] = sent.Arg(0)
	}
	_, answered := r.peekAnswer(i)
	if target != conn {
		r.t.Logf("line %d: of two sessions with a contact this client writes to the newest", i.Line)
		answered = false
	}
	if !answered {
		target.sendText("ACK " + sent.Arg(0) + "\r\n")
		if err := waitError(r.t, call.result); err != nil {
			r.t.Errorf("%v: SendText: %v", i.Record, err)
		}
		return
	}
	r.calls[conn] = append(r.calls[conn], call)
}

// newest returns the session that the client writes to: of those in which the
// contact is alone with the user, the one that opened last.
func (r *replay) newest(conn *replayConn) *replayConn {
	for _, other := range r.boards {
		if other != nil && !other.gone && other.peer == conn.peer && other.opened > conn.opened &&
			slices.Equal(other.people, []string{other.peer}) {
			conn = other
		}
	}
	return conn
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

// boardAnswer sends what the switchboard said.
func (r *replay) boardAnswer(conn *replayConn, i item) {
	r.t.Helper()
	if i.malformed {
		r.left(i, "no command as the specification has it: only survival counts")
		conn.sendText(i.Text)
		conn.gone = true
		conn.close()
		r.awaitEnd(conn)
		r.disregard()
		return
	}
	cause, isReply := r.cause(i)
	if isReply && conn.trids[cause.cmd.Arg(0)] == "" {
		r.left(i, "answers a command that was left out")
		return
	}
	text := r.translate(conn, i)
	args := i.cmd.Args
	number, isError := i.cmd.ErrorNumber()
	switch {
	case i.cmd.Verb == "IRO":
		r.boardJoins(conn, i, argAt(args, 3))
	case i.cmd.Verb == "JOI":
		r.boardJoins(conn, i, argAt(args, 0))
	case i.cmd.Verb == "BYE":
		r.boardLeaves(conn, i)
	case i.cmd.Verb == "MSG":
		r.boardReceives(conn, i)
	}
	conn.sendText(text)
	r.settle()
	if conn.opened == 0 && (i.cmd.Verb == "ANS" || i.cmd.Verb == "JOI") {
		conn.opened = i.Line
	}
	empty := conn.cause.cmd.Verb != "" && i.cmd.Verb == "ANS" || i.cmd.Verb == "BYE"
	switch {
	case i.cmd.Verb == "ACK", i.cmd.Verb == "NAK":
		r.callResult(conn, i, cause)
	case isError && cause.cmd.Verb == "MSG":
		r.callResult(conn, i, cause)
	case isError && len(r.calls[conn]) > 0:
		r.checkNumber(i, r.calls[conn][0].result, number)
		r.calls[conn] = r.calls[conn][1:]
		conn.gone = true
		conn.expectEnd()
	case isError:
		conn.gone = true
		conn.expectEnd()
	case empty && len(conn.people) == 0 && len(r.calls[conn]) == 0:
		conn.gone = true
		if lines := conn.expectEnd(); !slices.Equal(lines, []string{"OUT"}) {
			r.t.Errorf("%v: leaving the empty session the client sent %q", i.Record, lines)
		}
	}
}

// awaitEnd returns when the Client has given up the session of a connection that
// was closed.
func (r *replay) awaitEnd(conn *replayConn) {
	r.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		open := false
		r.client.ask(func() {
			for s := range r.client.sessions {
				open = open || s.transport != nil && s.transport.conn == conn.pipe
			}
		})
		if !open {
			return
		}
	}
	r.t.Fatalf("%s goes on after its end", conn.name)
}

// callResult checks what a SendText returns after its ACK or NAK.
func (r *replay) callResult(conn *replayConn, i, cause item) {
	r.t.Helper()
	for n, call := range r.calls[conn] {
		if call.trid != cause.cmd.Arg(0) {
			continue
		}
		r.calls[conn] = slices.Delete(r.calls[conn], n, n+1)
		err := waitError(r.t, call.result)
		if i.cmd.Verb == "ACK" && err != nil || i.cmd.Verb != "ACK" && !errors.Is(err, ErrNotDelivered) {
			r.t.Errorf("%v: SendText: %v", i.Record, err)
		}
		return
	}
}

func (r *replay) boardJoins(conn *replayConn, i item, account string) {
	account, ok := parseAccount(account)
	if !ok || account == strings.ToLower(r.account) || slices.Contains(conn.people, account) {
		return
	}
	conn.people = append(conn.people, account)
	r.due = append(r.due, expectation{i.Record.String(), func(e Event) bool {
		joined, ok := e.(ParticipantJoined)
		return ok && joined.Account == account && joined.Conversation.Peer() == conn.peer
	}})
}

func (r *replay) boardLeaves(conn *replayConn, i item) {
	account, ok := parseAccount(i.cmd.Arg(0))
	if !ok || !slices.Contains(conn.people, account) {
		return
	}
	conn.people = slices.DeleteFunc(conn.people, func(p string) bool { return p == account })
	r.due = append(r.due, expectation{i.Record.String(), func(e Event) bool {
		left, ok := e.(ParticipantLeft)
		return ok && left.Account == account && left.Idle == (i.cmd.Arg(1) == "1")
	}})
}

// boardReceives says what a received message has to be told as.
func (r *replay) boardReceives(conn *replayConn, i item) {
	from, ok := parseAccount(i.cmd.Arg(0))
	if !ok || from == strings.ToLower(r.account) {
		return
	}
	m := wire.ParseMessage(i.cmd.Payload)
	if m.Header.Get("Chunk") != "" || m.Header.Get("Chunks") != "" {
		r.chunk(conn, i, from, m)
		return
	}
	r.due = append(r.due, expectation{i.Record.String(), func(e Event) bool {
		switch e := e.(type) {
		case TextReceived:
			return m.MediaType() == "text/plain" && e.From == from && e.FromName == wire.Decode(i.cmd.Arg(1)) &&
				e.Text == strings.ReplaceAll(m.Text(), "\r\n", "\n") && e.Conversation.Peer() == conn.peer &&
				e.Format == m.Header.Get("X-MMS-IM-Format") && time.Since(e.At) < time.Minute
		case TypingReceived:
			return m.MediaType() == "text/x-msmsgscontrol" && e.From == from
		case OtherReceived:
			return m.MediaType() != "text/plain" && e.From == from && e.Message == m
		}
		return false
	}})
}

// chunk joins the parts of a recorded message: the last one is told as a whole.
func (r *replay) chunk(conn *replayConn, i item, from string, m wire.Message) {
	id := m.Header.Get("Message-ID")
	if m.Header.Get("Chunks") != "" {
		r.t.Logf("%v: first part of a message", i.Record)
		return
	}
	var whole strings.Builder
	total, seen := "", 0
	for _, other := range r.rec.records {
		if other.Line > i.Line || !other.server() || other.Conn != i.Conn || other.cmd.Verb != "MSG" {
			continue
		}
		part := wire.ParseMessage(other.cmd.Payload)
		if part.Header.Get("Message-ID") != id {
			continue
		}
		if chunks := part.Header.Get("Chunks"); chunks != "" {
			total = chunks
		}
		whole.WriteString(part.Body)
		seen++
	}
	if n, ok := parseSmall(total); !ok || n != seen {
		return
	}
	r.due = append(r.due, expectation{i.Record.String(), func(e Event) bool {
		text, ok := e.(TextReceived)
		return ok && text.From == from && text.Text == strings.ReplaceAll(whole.String(), "\r\n", "\n")
	}})
}
