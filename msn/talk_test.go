package msn_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
)

// dice decide what chance decides, each time by what it is about: a seed can be played again
// however goroutines take turns.
type dice uint64

// throw returns a number below n.
func (d dice) throw(n int, about ...any) int {
	h := fnv.New64a()
	_, _ = fmt.Fprintln(h, append([]any{uint64(d)}, about...)...)
	return int(h.Sum64() >> 1 % uint64(n))
}

// talk is a server and people who talk by it, in fake time. Everything takes a while, and
// each time another one.
type talk struct {
	*testing.T
	dice    dice
	srv     *msntest.Server
	network *msntest.Network
	users   map[string]*talker
	// faults wraps a connection to a switchboard, when it is set.
	faults func(account string, number int, conn net.Conn) net.Conn
	// long says in how many parts a text is sent, when it is set.
	long func(text string) int

	mu       sync.Mutex
	round    int
	commands int // of this round
	sent     map[string]*said
}

// talker is one of them, whose events are read as they come.
type talker struct {
	*msn.Client
	talk  *talk
	dials int
	mu    sync.Mutex
	heard []msn.TextReceived
}

// said is a text that was written, and what its sender was told.
type said struct {
	from, to string
	thread   int // texts of one thread are in order
	parts    int // in which it is sent
	err      error
}

// partLength is how long each part of a long text is.
const partLength = 1400

// inParts makes a text that is sent in parts, and each says of which text it is.
func inParts(text string, parts int) string {
	if parts == 1 {
		return text
	}
	var long strings.Builder
	for i := range parts {
		part := fmt.Sprintf("%s part %d ", text, i)
		long.WriteString(part + strings.Repeat(".", partLength-len(part)))
	}
	return long.String()
}

// otherBoard is the address of the switchboards by which another server is played.
const otherBoard = "127.0.0.2:1864"

const (
	// commandTakes and readTakes bound how long a command takes the server, and one read a
	// client. A message is read sooner than its acknowledgement: servers write that last, and
	// whoever waits for it before they write by another connection is not overtaken.
	commandTakes = 40 * time.Millisecond
	leastTakes   = 5 * time.Millisecond
	readTakes    = 4 * time.Millisecond
)

func newTalk(t *testing.T, seed uint64, accounts ...string) *talk {
	k := &talk{T: t, dice: dice(seed), network: msntest.NewNetwork(), users: make(map[string]*talker), sent: make(map[string]*said)}
	k.srv = msntest.NewServer(t, msntest.WithNetwork(k.network), msntest.WithDialects(7), msntest.WithTicketLife(time.Hour, time.Hour))
	for _, account := range accounts {
		k.srv.AddAccount(account, password)
	}
	k.srv.Befriend(accounts...)
	k.srv.Hook(func(r *msntest.Request) msntest.Action {
		if r.Command.Verb == "" {
			return msntest.Action{}
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		k.commands++
		spread := int((commandTakes - leastTakes) / time.Millisecond)
		return msntest.Delay(leastTakes + time.Duration(k.dice.throw(spread, k.round, r.Account, r.Conn, r.Command.Verb, r.TrID()))*time.Millisecond)
	})
	return k
}

// signIn signs somebody in, whose answers from MSNP servers take a while.
func (k *talk) signIn(account string) *talker {
	k.Helper()
	u := &talker{talk: k}
	cfg := configFor(k.srv, account, 7)
	cfg.Timeouts = msn.Timeouts{Ping: 1000 * time.Hour}
	cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		board := address == k.srv.SwitchboardAddr() || address == otherBoard
		if address == otherBoard {
			address = k.srv.SwitchboardAddr()
		}
		conn, err := k.network.Dial(ctx, network, address)
		if err != nil || !board {
			return conn, err
		}
		k.mu.Lock()
		u.dials++
		number := u.dials
		k.mu.Unlock()
		if k.faults != nil {
			conn = k.faults(account, number, conn)
		}
		return &slowConn{Conn: conn, takes: func(read int) time.Duration {
			return time.Duration(k.dice.throw(int(readTakes/time.Millisecond), account, number, read)) * time.Millisecond
		}}, nil
	}
	client, err := msn.Login(k.Context(), cfg)
	if err != nil {
		k.Fatal(err)
	}
	u.Client = client
	k.users[account] = u
	done := make(chan struct{})
	go func() {
		defer close(done)
		for e := range client.Events() {
			if text, ok := e.(msn.TextReceived); ok {
				u.mu.Lock()
				u.heard = append(u.heard, text)
				u.mu.Unlock()
			}
		}
	}()
	k.Cleanup(func() {
		_ = client.Close()
		<-done
	})
	return u
}

// slowConn is a connection of which each read takes a while.
type slowConn struct {
	net.Conn
	takes func(read int) time.Duration
	reads int
}

func (c *slowConn) Read(data []byte) (int, error) {
	n, err := c.Conn.Read(data)
	c.reads++
	time.Sleep(c.takes(c.reads))
	return n, err
}

// says has somebody write texts, one behind the other, and adds who waits for them to wg.
func (u *talker) says(wg *sync.WaitGroup, to string, thread int, texts ...string) {
	cv := u.Conversation(to)
	for _, text := range texts {
		parts := 1
		if u.talk.long != nil {
			parts = u.talk.long(text)
		}
		s := &said{from: u.Account(), to: to, thread: thread, parts: parts}
		u.talk.mu.Lock()
		u.talk.sent[text] = s
		u.talk.mu.Unlock()
		wait := cv.StartText(u.talk.Context(), inParts(text, parts), "")
		wg.Go(func() { s.err = wait() })
	}
}

// heard returns what somebody has heard from somebody since it was asked last, and checks that it
// came in their conversation.
func (u *talker) hears(from string) (texts []string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.heard = slices.DeleteFunc(u.heard, func(e msn.TextReceived) bool {
		if e.From != from {
			return false
		}
		if e.Conversation != u.Conversation(from) || e.Conversation.Group() != "" || e.Others != nil {
			u.talk.Errorf("%q from %s came in %v to %v", e.Text, from, e.Conversation, e.Others)
		}
		texts = append(texts, e.Text)
		return true
	})
	return texts
}

// judge holds what was heard against what was said in a round. allowed says which error a text may
// have had, and uncertain with which it may have arrived.
func (k *talk) judge(about string, allowed func(text string, s *said) bool, uncertain func(error) bool) {
	k.Helper()
	heard := make(map[string]int)
	parts := make(map[string]int)
	for to, u := range k.users {
		for from := range k.users {
			if from == to {
				continue
			}
			last := make(map[int]string)
			for _, part := range u.hears(from) {
				part = strings.TrimRight(part, ". ")
				text, _, _ := strings.Cut(part, " part ")
				if parts[part]++; parts[part] > 1 {
					k.Errorf("%s: %q arrived %d times", about, part, parts[part])
				}
				heard[text]++
				s := k.sent[text]
				if s == nil || s.from != from || s.to != to {
					k.Errorf("%s: %s hears %q from %s, who did not say it to them", about, to, part, from)
					continue
				}
				if s.err != nil && uncertain(s.err) {
					continue // it comes when it comes, perhaps by a connection that the sender has given up
				}
				if last[s.thread] > part {
					k.Errorf("%s: %s hears %q before %q", about, to, last[s.thread], part)
				}
				last[s.thread] = part
			}
		}
	}
	for text, s := range k.sent {
		least, most := s.bounds(uncertain)
		if n := heard[text]; n < least || n > most {
			k.Errorf("%s: of %q arrived %d of %d parts; told was %v", about, text, n, s.parts, s.err)
		}
		if s.err != nil && !allowed(text, s) {
			k.Errorf("%s: %q from %s: %v", about, text, s.from, s.err)
		}
	}
	clear(k.sent)
}

// bounds returns how many parts of a text have arrived at least and at most, as its sender was told.
func (s *said) bounds(uncertain func(error) bool) (least, most int) {
	told, some := errors.AsType[*msn.PartsError](s.err)
	switch {
	case s.err == nil:
		return s.parts, s.parts
	case some:
		return told.Acknowledged, told.Acknowledged + told.Uncertain
	case uncertain(s.err):
		return 0, s.parts
	}
	return 0, 0
}

// textsOf makes texts that are in order of the alphabet.
func textsOf(round int, who string, thread, n int) (texts []string) {
	name, _, _ := strings.Cut(who, "@")
	for i := range n {
		texts = append(texts, fmt.Sprintf("%s %03d/%d/%02d", name, round, thread, i))
	}
	return texts
}
