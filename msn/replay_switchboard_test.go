package msn

import (
	"errors"
	"slices"
	"strings"
	"time"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/transcript"
	"matrix-msn/msn/internal/transport"
	"matrix-msn/msn/slp"
	"matrix-msn/msn/wire"
)

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
	r.client.conn.Do(func() {
		r.client.chats.Sessions(func(link *transport.Transport, leave func()) {
			if link.Conn() == conn.pipe {
				leave()
			}
		})
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
		if peer, _ := clean.Account(i.cmd.Arg(1)); peer == conn.peer && !slices.Contains(conn.people, peer) && conn.cause.cmd.Verb == "" &&
			len(conn.trids) == 1 {
			r.expectCommand(conn, i)
			return
		}
		r.boardInvites(conn, i)
	case "MSG":
		r.boardMessage(conn, i)
	case "OUT":
		r.settle()
		r.leave(conn)
	default:
		r.left(i, "this client never sends it")
	}
}

// boardInvites makes Invite of a recorded CAL.
func (r *replay) boardInvites(conn *replayConn, i item) {
	r.t.Helper()
	peer, ok := clean.Account(i.cmd.Arg(1))
	if !conn.group || conn.cause.cmd.Verb != "" {
		if err := r.client.Conversation(conn.peer).Invite(r.t.Context(), i.cmd.Arg(1)); !errors.Is(err, ErrArgument) {
			r.t.Errorf("%v: Invite: %v", i.Record, err)
		}
		r.left(i, "others are called into group chats only: what is said to one contact stays between two")
		return
	}
	r.settle()
	result := make(chan error, 1)
	go func() { result <- conn.cv.Invite(r.t.Context(), peer) }()
	switch {
	case !ok || peer == strings.ToLower(r.account):
		r.left(i, "not sent: nobody who can be called")
		if err := waitError(r.t, result); !errors.Is(err, ErrArgument) {
			r.t.Errorf("%v: Invite: %v", i.Record, err)
		}
	case slices.Contains(conn.people, peer):
		r.left(i, "not sent: they are there")
		if err := waitError(r.t, result); err != nil {
			r.t.Errorf("%v: Invite: %v", i.Record, err)
		}
	default:
		sent := conn.read()
		r.compare(i, sent)
		conn.trids[i.cmd.Arg(0)] = sent.Arg(0)
		if conn.invited == nil {
			conn.invited = make(map[string]chan error)
		}
		conn.invited[peer] = result
	}
}

// invited checks what Invite returns when somebody has come, or does not.
func (r *replay) invited(conn *replayConn, i item, account string, number int) {
	r.t.Helper()
	account, _ = clean.Account(account)
	result := conn.invited[account]
	delete(conn.invited, account)
	switch {
	case result == nil:
	case number != 0:
		r.checkNumber(i, result, number)
		r.due = append(r.due, expectation{i.Record.String(), func(e Event) bool {
			got, ok := e.(CallFailed)
			refused, _ := errors.AsType[*ServerError](got.Err)
			return ok && got.Account == account && conn.isOf(got.Conversation) && refused != nil && refused.Number == number
		}})
	default:
		if err := waitError(r.t, result); err != nil {
			r.t.Errorf("%v: Invite: %v", i.Record, err)
		}
	}
}

// boardMessage makes SendText, SendNudge or SendTyping of a recorded MSG.
func (r *replay) boardMessage(conn *replayConn, i item) {
	r.t.Helper()
	m := wire.ParseMessage(i.cmd.Payload)
	kind := m.MediaType()
	if why := unsent(kind, m); why != "" {
		r.left(i, why)
		return
	}
	there := slices.Equal(conn.people, []string{conn.peer}) || conn.group && len(conn.people) > 0
	text := clean.LF(m.Text())
	switch {
	case !there:
		r.left(i, "nobody is there")
		return
	case conn.group && (conn.cv == nil || conn.cv.Group() == ""):
		r.left(i, "nothing has told which group chat it is yet")
		return
	case !strings.Contains("UNAD", i.cmd.Arg(1)) || i.cmd.Arg(1) == "":
		r.left(i, "no way to send a message")
		return
	case kind == "text/x-msmsgscontrol":
		r.settle()
		result := make(chan error, 1)
		go func() { result <- r.conversation(conn).SendTyping(r.t.Context()) }()
		r.compare(i, r.newest(conn).read())
		if err := waitError(r.t, result); err != nil {
			r.t.Errorf("%v: SendTyping: %v", i.Record, err)
		}
		return
	case isNudge(m):
		r.boardNudge(conn, i)
		return
	case text == "":
		if err := r.conversation(conn).SendText(r.t.Context(), text, ""); !errors.Is(err, ErrEmpty) {
			r.t.Errorf("%v: SendText: %v", i.Record, err)
		}
		r.left(i, "not sent: "+ErrEmpty.Error())
		return
	}
	r.boardCall(conn, i, func(cv *Conversation) error {
		return cv.SendText(r.t.Context(), text, m.Header.Get("X-MMS-IM-Format"))
	})
}

// unsent says why a message is not one that the interface sends, or "" when it is. Those that are
// received are played all the same.
func unsent(kind string, m wire.Message) string {
	switch {
	case m.Header.Get("Message-ID") != "":
		return "this client cuts texts that are too long for one message, and nothing else; where is its own affair"
	case len(m.Payload()) > wire.MaxSwitchboardPayload:
		return "longer than servers take"
	case kind == "text/plain", isNudge(m), kind == "text/x-msmsgscontrol" && m.Header.Get("TypingUser") != "":
		return ""
	}
	switch kind {
	case "text/x-clientcaps":
		return "this client does not tell contacts what program it is, nor that it keeps what they say"
	case "text/x-mms-emoticon":
		return "emoticons go with the text that holds them, and with the picture itself: see TestMessengerSendsEmoticons"
	case "application/x-msnmsgrp2p":
		return "transfers are replayed by TestRecordings of msn/p2p; here offers are declined"
	case "text/x-msmsgsinvite":
		return "files are not offered in this form: invitations are declined, which is checked where they are received"
	case "text/x-msnmsgr-datacast":
		return "of datacasts nudges are sent: winks and voice clips need the picture or sound that is not recorded"
	case "text/x-msmsgscontrol":
		return "a typing note that names nobody"
	}
	return "no message of a type that anybody knows"
}

// isNudge reports whether a message is a nudge.
func isNudge(m wire.Message) bool {
	return m.MediaType() == "text/x-msnmsgr-datacast" && wire.Header(m.Body).Get("ID") == "1"
}

// boardNudge makes SendNudge of a recorded nudge.
func (r *replay) boardNudge(conn *replayConn, i item) {
	r.t.Helper()
	nudge := func(cv *Conversation) error { return cv.SendNudge(r.t.Context()) }
	switch {
	case r.rec.dialect < wire.FirstPersonal:
		if err := nudge(r.conversation(conn)); !errors.Is(err, ErrDialect) {
			r.t.Errorf("%v: SendNudge: %v", i.Record, err)
		}
		r.left(i, "not sent: "+ErrDialect.Error())
	case r.nudged[conn.peer]:
		if err := nudge(r.conversation(conn)); !errors.Is(err, ErrTooFast) {
			r.t.Errorf("%v: SendNudge: %v", i.Record, err)
		}
		r.left(i, "not sent: "+ErrTooFast.Error())
	default:
		if r.nudged == nil {
			r.nudged = make(map[string]bool)
		}
		r.nudged[conn.peer] = true
		r.boardCall(conn, i, nudge)
	}
}

// boardCall makes a call that sends what was recorded, and waits for what becomes of it.
func (r *replay) boardCall(conn *replayConn, i item, send func(*Conversation) error) {
	r.t.Helper()
	r.settle()
	call := &replayCall{trid: i.cmd.Arg(0), result: make(chan error, 1)}
	go func() { call.result <- send(r.conversation(conn)) }()
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
			r.t.Errorf("%v: the call returns %v", i.Record, err)
		}
		return
	}
	r.calls[conn] = append(r.calls[conn], call)
}

// conversation returns the conversation that a session is of.
func (r *replay) conversation(conn *replayConn) *Conversation {
	if conn.group {
		return conn.cv
	}
	return r.client.Conversation(conn.peer)
}

// newest returns the session that the client writes to: of those in which the
// contact is alone with the user, the one that opened last.
func (r *replay) newest(conn *replayConn) *replayConn {
	if conn.group {
		return conn
	}
	for _, other := range r.boards {
		if other != nil && !other.gone && other.peer == conn.peer && other.opened > conn.opened &&
			slices.Equal(other.people, []string{other.peer}) {
			conn = other
		}
	}
	return conn
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
	r.settle() // what another connection has sent before is told before
	text := r.translate(conn, i)
	args := i.cmd.Args
	number, isError := i.cmd.ErrorNumber()
	answers := 0
	switch {
	case i.cmd.Verb == "IRO":
		r.boardJoins(conn, i, argAt(args, 3))
	case i.cmd.Verb == "JOI":
		r.boardJoins(conn, i, argAt(args, 0))
	case i.cmd.Verb == "BYE":
		r.boardLeaves(conn, i)
	case i.cmd.Verb == "MSG":
		answers = r.boardReceives(conn, i)
	}
	conn.sendText(text)
	r.declines(conn, i, answers)
	r.settle()
	if conn.opened == 0 && (i.cmd.Verb == "ANS" || i.cmd.Verb == "JOI") {
		conn.opened = i.Line
	}
	empty := conn.cause.cmd.Verb != "" && i.cmd.Verb == "ANS" || i.cmd.Verb == "BYE"
	if i.cmd.Verb == "JOI" {
		place, _, _ := strings.Cut(argAt(args, 0), ";")
		r.invited(conn, i, place, 0)
	}
	switch {
	case isError && cause.cmd.Verb == "CAL" && conn.group && len(conn.people) > 0:
		r.invited(conn, i, cause.cmd.Arg(1), number)
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
		r.client.conn.Do(func() {
			r.client.chats.Sessions(func(link *transport.Transport, _ func()) {
				open = open || link.Conn() == conn.pipe
			})
		})
		if !open {
			return
		}
	}
	r.t.Fatalf("%s goes on after its end", conn.name)
}

// callResult checks what a call returns after its ACK or NAK.
func (r *replay) callResult(conn *replayConn, i, cause item) {
	r.t.Helper()
	for n, call := range r.calls[conn] {
		if call.trid != cause.cmd.Arg(0) {
			continue
		}
		r.calls[conn] = slices.Delete(r.calls[conn], n, n+1)
		err := waitError(r.t, call.result)
		if i.cmd.Verb == "ACK" && err != nil || i.cmd.Verb != "ACK" && !errors.Is(err, ErrNotDelivered) {
			r.t.Errorf("%v: the call returns %v", i.Record, err)
		}
		return
	}
}

func (r *replay) boardJoins(conn *replayConn, i item, account string) {
	_, place, _ := strings.Cut(account, ";")
	account, ok := clean.Account(account)
	if ok && place != "" {
		if conn.at == nil {
			conn.at = make(map[string]int)
		}
		conn.at[account]++
	}
	if !ok || account == strings.ToLower(r.account) || slices.Contains(conn.people, account) {
		return
	}
	conn.people = append(conn.people, account)
	conn.group = conn.group || len(conn.people) > 1
	r.due = append(r.due, expectation{i.Record.String(), func(e Event) bool {
		joined, ok := e.(ParticipantJoined)
		if !ok || joined.Account != account || !conn.isOf(joined.Conversation) {
			return false
		}
		conn.cv = joined.Conversation
		return true
	}})
}

// isOf reports whether a conversation is the one of a session: that of its contact,
// and once several were there that of a group of them all.
func (conn *replayConn) isOf(cv *Conversation) bool {
	if cv.Group() == "" {
		// Those who are there already are told before it is a group chat.
		return cv.Peer() == conn.peer && (!conn.group || conn.opened == 0)
	}
	for _, account := range conn.people {
		if !slices.Contains(cv.Members(), account) {
			return false
		}
	}
	return conn.group
}

func (r *replay) boardLeaves(conn *replayConn, i item) {
	account, ok := clean.Account(i.cmd.Arg(0))
	if !ok || !slices.Contains(conn.people, account) {
		return
	}
	if strings.Contains(i.cmd.Arg(0), ";") {
		if conn.at[account]--; conn.at[account] > 0 {
			return // they are still there at another place
		}
	}
	conn.people = slices.DeleteFunc(conn.people, func(p string) bool { return p == account })
	r.due = append(r.due, expectation{i.Record.String(), func(e Event) bool {
		left, ok := e.(ParticipantLeft)
		return ok && left.Account == account && left.Idle == (i.cmd.Arg(1) == "1")
	}})
}

// boardReceives says what a received message has to be told as, and returns how many messages answer
// it.
func (r *replay) boardReceives(conn *replayConn, i item) (answers int) {
	from, ok := clean.Account(i.cmd.Arg(0))
	m := wire.ParseMessage(i.cmd.Payload)
	if from == strings.ToLower(r.account) && r.rec.dialect >= wire.FirstEndpoints && m.MediaType() == "text/plain" {
		// Said at another place of the user's.
		r.due = append(r.due, expectation{i.Record.String(), func(e Event) bool {
			sent, ok := e.(TextSent)
			return ok && conn.isOf(sent.Conversation) && sent.Text == strings.ReplaceAll(m.Text(), "\r\n", "\n")
		}})
	}
	if !ok || from == strings.ToLower(r.account) {
		return 0
	}
	if m.Header.Get("Chunk") != "" || m.Header.Get("Chunks") != "" {
		r.chunk(conn, i, from, m)
		return 0
	}
	if answers, is := r.offer(conn, i, from, m); is {
		return answers
	}
	if list := slp.ParseEmoticons(m.Body); m.MediaType() == slp.Emoticons && len(list) > 0 {
		if conn.emoticons == nil {
			conn.emoticons = make(map[string][]slp.Emoticon)
		}
		conn.emoticons[from] = list
		return 0
	}
	var announced []slp.Emoticon
	if m.MediaType() == "text/plain" {
		announced = conn.emoticons[from]
		delete(conn.emoticons, from)
	}
	r.due = append(r.due, expectation{i.Record.String(), func(e Event) bool {
		switch e := e.(type) {
		case TextReceived:
			conn.cv = e.Conversation
			return m.MediaType() == "text/plain" && slices.Equal(e.Emoticons, announced) && e.From == from && e.FromName == wire.Decode(i.cmd.Arg(1)) &&
				e.Text == strings.ReplaceAll(m.Text(), "\r\n", "\n") && conn.isOf(e.Conversation) &&
				e.Format == m.Header.Get("X-MMS-IM-Format") && time.Since(e.At) < time.Minute
		case TypingReceived:
			conn.cv = e.Conversation
			return m.MediaType() == "text/x-msmsgscontrol" && e.From == from
		case NudgeReceived:
			return isNudge(m) && e.From == from && e.FromName == wire.Decode(i.cmd.Arg(1)) && conn.isOf(e.Conversation)
		case OtherReceived:
			return !isNudge(m) && m.MediaType() != "text/plain" && e.From == from && e.Message == m
		}
		return false
	}})
	return 0
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
	if n, ok := clean.Small(total); !ok || n != seen {
		return
	}
	r.due = append(r.due, expectation{i.Record.String(), func(e Event) bool {
		text, ok := e.(TextReceived)
		return ok && text.From == from && text.Text == strings.ReplaceAll(whole.String(), "\r\n", "\n")
	}})
}
