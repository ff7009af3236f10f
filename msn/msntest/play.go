package msntest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"matrix-msn/msn/wire"
)

// Script is what a played account does when something happens to it. Every
// function may be nil. They are called one after the other, from a goroutine of
// the account, and may call the server, the Bot and the Chat, but not Close the
// server; Close waits for the one that is running.
type Script struct {
	// Text is called for each text message.
	Text func(chat *Chat, from, text string)
	// Typing is called when somebody is typing.
	Typing func(chat *Chat, from string)
	// Nudge is called for each nudge.
	Nudge func(chat *Chat, from string)
	// Message is called for every message before the functions above.
	Message func(chat *Chat, from string, message wire.Message)
	// Joined and Left are called when somebody enters or leaves a conversation.
	Joined func(chat *Chat, account string)
	Left   func(chat *Chat, account string)
	// Added and Removed are called when somebody puts the account on FL or takes
	// it off.
	Added   func(by string)
	Removed func(by string)
	// Presence is called when a contact's status changes; FLN is offline.
	Presence func(account, status string)
	// Paged is called for each page (PAG, PGD) to the account's mobile device; see
	// Mobile.
	Paged func(page SentPage)
	// CircleText is called for each text in a circle that the account has entered, and
	// CircleTyping when somebody is typing there; circle is the address. See
	// Bot.EnterCircle.
	CircleText   func(circle, from, text string)
	CircleTyping func(circle, from string)
	// Messenger is what the account's program does beside texts: pictures and files. Nil does nothing.
	Messenger *Messenger
	// SignedOut is called when the account is signed out, with the reason of OUT.
	SignedOut func(reason string)
}

// Bot is an account that the server itself plays: online without a connection.
type Bot struct {
	srv     *Server
	account *Account
	script  Script
	queue   eventQueue
	// messenger is nil without Script.Messenger.
	messenger *messenger
	old       sync.Map // answers to the files that it offers as old clients do, by cookie

	// guarded by srv.mu
	session *session
	ignore  bool
	chats   map[*switchboard]*Chat
}

// playedCaps is the capability number of a played account: that of client 7.0
// without the bit for chunked messages (0x20), which a script would have to join.
const playedCaps = "1073791052"

// playedDialect is what a played account is taken to speak: the last that has
// neither web services nor endpoints.
const playedDialect = wire.FirstSOAP - 1

// Play signs an account in without a connection and has script act for it. An
// account that does not exist is made, with a password nobody knows. Who is
// signed in as that account is told OUT OTH; who signs in as it later ends the
// play, but for a Messenger with endpoints.
func (s *Server) Play(email string, script Script) *Bot {
	if s.Account(email) == nil {
		s.AddAccount(email, newGUID())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[normalize(email)]
	b := &Bot{srv: s, account: a, script: script, chats: make(map[*switchboard]*Chat)}
	b.queue.ready = make(chan struct{}, 1)
	if s.closed {
		b.queue.closed = true
		return b
	}
	s.wg.Go(b.queue.run)
	b.session = &session{account: a, bot: b, dialect: playedDialect, caps: playedCaps, synced: true}
	if script.Messenger != nil {
		b.messenger = newMessenger(b, *script.Messenger)
		b.messenger.announce(b.session)
	}
	s.signIn(b.session)
	s.change(a, func() { b.session.status = "NLN" })
	return b
}

// Account returns the account being played.
func (b *Bot) Account() *Account { return b.account }

// SetStatus changes the status: NLN, BSY, HDN …; FLN signs out.
func (b *Bot) SetStatus(status string) {
	if status == "FLN" {
		b.SignOut()
		return
	}
	b.srv.mu.Lock()
	defer b.srv.mu.Unlock()
	b.srv.change(b.account, func() { b.session.status = status })
}

// SetPersonalMessage changes the personal message shown to MSNP11 and later.
func (b *Bot) SetPersonalMessage(text string) {
	b.srv.mu.Lock()
	defer b.srv.mu.Unlock()
	data := "<Data><PSM>" + xmlEscaper.Replace(text) + "</PSM><CurrentMedia></CurrentMedia></Data>"
	if b.account.main() == b.session {
		b.srv.setPersonal(b.session, data)
	}
}

var xmlEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;")

// Chats returns how many conversations the account is in.
func (b *Bot) Chats() int {
	b.srv.mu.Lock()
	defer b.srv.mu.Unlock()
	return len(b.chats)
}

// IgnoreCalls chooses whether calls are left unanswered: the caller is told
// RINGING and nobody comes.
func (b *Bot) IgnoreCalls(ignore bool) {
	b.srv.mu.Lock()
	defer b.srv.mu.Unlock()
	b.ignore = ignore
}

// SignOut leaves all conversations and signs out. The script hears nothing more.
func (b *Bot) SignOut() {
	b.srv.mu.Lock()
	defer b.srv.mu.Unlock()
	if !b.srv.closed {
		b.leaveAll()
		b.srv.signOut(b.session)
	}
	b.queue.close()
}

func (b *Bot) leaveAll() {
	for _, chat := range b.chats {
		b.srv.leave(chat.party, false)
		chat.ended()
	}
	clear(b.chats)
}

// kicked: somebody else has signed in as the account, or Kick was called. The
// server is locked.
func (b *Bot) kicked(reason string) {
	b.leaveAll()
	if f := b.script.SignedOut; f != nil {
		b.queue.add(func() { f(reason) })
	}
	b.queue.close()
}

// rung: somebody calls. The server is locked.
func (b *Bot) rung(sb *switchboard) {
	if b.ignore {
		return
	}
	chat := b.newChat(sb)
	b.srv.join(chat.party)
}

func (b *Bot) newChat(sb *switchboard) *Chat {
	chat := &Chat{bot: b}
	chat.party = &party{account: b.account, session: b.session, sb: sb, chat: chat}
	b.chats[sb] = chat
	return chat
}

func (b *Bot) reversed(by string, added bool) {
	f := b.script.Removed
	if added {
		f = b.script.Added
	}
	if f != nil {
		b.queue.add(func() { f(by) })
	}
}

func (b *Bot) presence(account, status string) {
	if f := b.script.Presence; f != nil {
		b.queue.add(func() { f(account, status) })
	}
}

func (b *Bot) paged(page SentPage) {
	if f := b.script.Paged; f != nil {
		b.queue.add(func() { f(page) })
	}
}

// CallError says why a call could not be made: the number that CAL would have
// got, for example 217 (not online, or not accepting).
type CallError struct{ Number string }

func (e *CallError) Error() string { return "msntest: call refused with error " + e.Number }

// ErrNobodyThere says that a conversation has no other members.
var ErrNobodyThere = errors.New("msntest: nobody else is in the conversation")

// Call opens a conversation and waits until everybody called has come in.
func (b *Bot) Call(ctx context.Context, emails ...string) (*Chat, error) {
	s := b.srv
	s.mu.Lock()
	if s.closed || b.account.main() != b.session {
		s.mu.Unlock()
		return nil, fmt.Errorf("%w: %s", ErrNotOnline, b.account.email)
	}
	chat := b.newChat(s.newSwitchboard())
	chat.party.sb.parties = append(chat.party.sb.parties, chat.party)
	s.mu.Unlock()
	for _, email := range emails {
		if err := chat.Invite(ctx, email); err != nil {
			chat.Leave()
			return nil, err
		}
	}
	return chat, nil
}

// Say sends a text to one other account: in a conversation with just them if
// there is one, or by calling them.
func (b *Bot) Say(ctx context.Context, to, text string) error {
	chat, err := b.chatWith(ctx, to)
	if err != nil {
		return err
	}
	return chat.Say(text)
}

func (b *Bot) chatWith(ctx context.Context, to string) (*Chat, error) {
	b.srv.mu.Lock()
	for sb, chat := range b.chats {
		if len(sb.parties) != 2 {
			continue
		}
		for _, p := range sb.parties {
			if p.account.email == normalize(to) && p.chat != chat {
				b.srv.mu.Unlock()
				return chat, nil
			}
		}
	}
	b.srv.mu.Unlock()
	return b.Call(ctx, to)
}

// maxEvents is how many events may wait for a script; what comes then is lost,
// so that a flood does not take all memory.
const maxEvents = 10000

// eventQueue calls functions one after the other.
type eventQueue struct {
	mu     sync.Mutex
	events []func()
	closed bool
	ready  chan struct{}
}

func (q *eventQueue) add(f func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || len(q.events) >= maxEvents {
		return
	}
	q.events = append(q.events, f)
	q.wake()
}

func (q *eventQueue) wake() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// close lets what is queued be called and then ends.
func (q *eventQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	q.closed = true
	if q.ready != nil {
		q.wake()
	}
}

func (q *eventQueue) run() {
	for range q.ready {
		for {
			q.mu.Lock()
			events, closed := q.events, q.closed
			q.events = nil
			q.mu.Unlock()
			for _, f := range events {
				f()
			}
			if len(events) == 0 {
				if closed {
					return
				}
				break
			}
		}
	}
}
