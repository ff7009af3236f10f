package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/chat"
	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/internal/ns/nstest"
	"matrix-msn/msn/p2p"
	"matrix-msn/msn/slp"
	"matrix-msn/msn/wire"
)

// side is the media of one of two accounts. Sessions between the two carry packets from the owner of the one to that
// of the other.
type side struct {
	*Media
	conn   nstest.Conn
	name   string
	place  string
	other  *side
	over   *pipe // the newest session, nil before there is one
	opened int
	mute   bool   // nothing is carried in sessions that are opened from now on
	stuck  bool   // they are not opened before opens is called
	opens  func() // opens what was stuck
	blocks bool   // the user blocks the other side
	speaks *pipe  // over which all is answered, whatever it came over; nil for where it came
	mail   chan func()
	closed chan struct{}
}

// post has the owner do something, and does not wait: one owner must not wait for another.
func (s *side) post(f func()) {
	select {
	case s.mail <- f:
	case <-s.closed:
	}
}

// pipe is one end of a session. Its side's owner holds it.
type pipe struct {
	from    *side
	far     *pipe
	ended   bool
	stopped bool // what goes out is not carried
}

func (p *pipe) Conversation() *chat.Conversation { return nil }
func (p *pipe) Others(string) []string           { return nil }
func (p *pipe) Endpoints(string) []string        { return []string{p.from.other.place} }

// Pump carries what goes out. The owner of the one side calls it.
func (p *pipe) Pump() {
	for !p.ended {
		payload, ok := p.from.next(p)
		if !ok {
			return
		}
		if p.stopped {
			continue
		}
		p.from.other.post(func() {
			if !p.far.ended {
				p.far.take(wire.ParseMessage(payload))
			}
		})
	}
}

// take is given a packet, by the owner.
func (p *pipe) take(m wire.Message) {
	over := p
	if p.from.speaks != nil {
		over = p.from.speaks
	}
	p.from.receive(chat.Data{From: p.from.other.name, Message: m}, over)
	over.Pump()
}

func (s *side) open(account string, done func(line, error)) {
	if s.stuck {
		s.opens = func() {
			s.stuck = false
			s.open(account, done)
		}
		return
	}
	if s.over == nil || s.over.ended {
		near, far := &pipe{from: s, stopped: s.mute}, &pipe{from: s.other}
		near.far, far.far = far, near
		s.over = near
		s.opened++
		s.other.post(func() { s.other.over = far })
	}
	done(s.over, nil)
}

func (*side) PackedInk(chat.Data, string) {}

func (*side) NextRelayed() (string, int) { return "", 0 }

// hangUp ends the session at one side, for the user.
func (s *side) hangUp() {
	s.conn.Post(func() { s.over.end(chat.ErrUserLeft) })
}

func (p *pipe) end(err error) {
	if p != nil && !p.ended {
		p.ended = true
		p.from.ended(p, err)
	}
}

// depart has one side leave the session, which ends it for the other one, as the conversations do.
func (s *side) depart() { s.conn.Post(s.goAway) }

func (s *side) goAway() {
	over := s.over
	if over == nil || over.ended {
		return
	}
	over.end(chat.ErrUserLeft)
	s.other.post(func() {
		if !over.far.ended {
			over.far.ended = true // nobody is there
			s.other.left(over.far, s.name, "")
			s.other.ended(over.far, errs.ErrSwitchboard)
		}
	})
}

// departIdle is depart where nothing is under way, as Messengers do that have what they wanted.
func (s *side) departIdle() {
	s.conn.Post(func() {
		if s.over != nil && !s.busy(s.over) {
			s.goAway()
		}
	})
}

func pair(t *testing.T, later bool) (alice, bob *side) {
	t.Helper()
	made := func(name, place string) *side {
		s := &side{name: name, place: place, mail: make(chan func(), 10_000), closed: make(chan struct{})}
		s.conn = nstest.New(t, 18, func(conn *ns.Conn) {
			conn.Identify(name, name)
			s.Media = newMedia(conn, s, Config{
				Later: later, Address: name + ";" + place, Speaks: func(string, string) bool { return later }, Blocked: func(string) bool { return s.blocks },
			})
		})
		go func() {
			for {
				select {
				case f := <-s.mail:
					s.conn.Post(f)
				case <-s.closed:
					return
				}
			}
		}()
		t.Cleanup(func() { close(s.closed) })
		return s
	}
	alice = made("alice@example.com", "{00000000-0000-4000-8000-000000000001}")
	bob = made("bob@example.com", "{00000000-0000-4000-8000-000000000002}")
	alice.other, bob.other = bob, alice
	return alice, bob
}

// sent is a file of the model, and what became of it at both sides.
type sent struct {
	data     []byte
	stop     context.CancelFunc
	out      error
	got      bytes.Buffer
	in       error
	accepted bool
	offer    *FileOffer
	takes    context.CancelFunc
}

// Offers, answers, and ends of every kind, at any time: each call returns, once, nobody is told of more than was
// sent, and nothing is left.
func TestFilesOfTwoSides(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		for _, later := range []bool{false, true} {
			t.Run(fmt.Sprintf("seed %d later %t", seed, later), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { twoSides(t, seed, later) })
			})
		}
	}
}

func twoSides(t *testing.T, seed uint64, later bool) {
	random := rand.New(rand.NewPCG(seed, 7))
	alice, bob := pair(t, later)
	var mu sync.Mutex // of files and what is in them
	var files []*sent
	var calls sync.WaitGroup
	hear := func(s *side) {
		for e := range s.conn.Events() {
			offered, ok := e.(FileOffered)
			if !ok {
				continue
			}
			n := 0
			_, _ = fmt.Sscan(offered.Name, &n)
			mu.Lock()
			files[n].offer = offered.Offer
			mu.Unlock()
		}
	}
	go hear(alice)
	go hear(bob)
	clean := seed%3 == 0 // nothing but what both sides agree on
	for range 60 {
		switch op := random.IntN(10); {
		case op < 3:
			from, to := alice, bob
			if random.IntN(2) == 0 {
				from, to = bob, alice
			}
			f := &sent{data: bytes.Repeat([]byte{byte(len(files))}, random.IntN(20_000)), in: errNotTaken}
			ctx, cancel := context.WithCancel(t.Context())
			f.stop = cancel
			mu.Lock()
			name := fmt.Sprint(len(files))
			files = append(files, f)
			mu.Unlock()
			calls.Go(func() {
				err := from.SendFile(ctx, to.name, slp.FileInfo{Name: name, Size: uint64(len(f.data))}, bytes.NewReader(f.data), nil)
				mu.Lock()
				f.out = err
				mu.Unlock()
			})
		case op < 7:
			mu.Lock()
			for _, f := range files {
				if f.offer == nil || f.accepted || random.IntN(2) == 0 {
					continue
				}
				f.accepted = true
				if random.IntN(4) == 0 {
					f.offer.Decline()
					continue
				}
				ctx, cancel := context.WithCancel(t.Context())
				f.takes = cancel
				calls.Go(func() {
					var got bytes.Buffer
					err := f.offer.Accept(ctx, &got, nil)
					mu.Lock()
					f.got, f.in = got, err
					mu.Unlock()
				})
			}
			mu.Unlock()
		case op < 9 && !clean && len(files) > 0:
			mu.Lock()
			f := files[random.IntN(len(files))]
			if random.IntN(2) == 0 {
				f.stop()
			} else if f.takes != nil {
				f.takes()
			}
			mu.Unlock()
		case op == 9 && !clean && random.IntN(3) == 0:
			alice.hangUp()
			bob.hangUp()
		case op == 9 && !clean && random.IntN(3) == 0:
			alice.depart()
		case op == 9 && !clean && random.IntN(2) == 0:
			alice.block(bob)
			if random.IntN(2) == 0 {
				time.Sleep(time.Minute)
			}
			alice.conn.Do(func() { alice.blocks = false })
		case op == 9 && clean:
			bob.departIdle()
		}
		if clean && random.IntN(2) == 0 {
			alice.departIdle() // while something is on its way to them, perhaps
		}
		if random.IntN(3) == 0 {
			time.Sleep(time.Duration(random.IntN(20)) * time.Second)
		}
		synctest.Wait()
	}
	if seed%5 == 4 { // one of them signs out in the middle
		alice.hangUp() // as the conversations do
		alice.conn.Abandon(errs.ErrClosed)
		bob.hangUp()
	}
	calls.Wait() // what nobody has decided about ends by itself
	for n, f := range files {
		switch {
		case f.in == nil && !bytes.Equal(f.got.Bytes(), f.data):
			t.Errorf("%d: %d bytes of %d have arrived, and were said to be all", n, f.got.Len(), len(f.data))
		case f.got.Len() > len(f.data):
			t.Errorf("%d: %d bytes of %d", n, f.got.Len(), len(f.data))
		case clean && seed%5 != 4 && f.out == nil && f.in != nil:
			t.Errorf("%d: it was sent, and did not arrive: %v", n, f.in)
		case clean && seed%5 != 4 && errors.Is(f.out, ErrGone):
			t.Errorf("%d: who had all that they wanted has left, which ended it: %v", n, f.out)
		case clean && seed%5 != 4 && f.in == nil && f.out != nil:
			t.Errorf("%d: it has arrived, and was not sent: %v", n, f.out)
		}
		f.stop()
		if f.takes != nil {
			f.takes()
		}
	}
	time.Sleep(time.Hour)
	for _, s := range []*side{alice, bob} {
		s.conn.Post(func() {
			for over := range s.pipes {
				if s.busy(over) {
					t.Errorf("%s has something under way", s.name)
				}
			}
		})
	}
	synctest.Wait()
}

var errNotTaken = errors.New("nobody has taken it")

// A session that ends, and a connection that is closed, end what is under way and what waits for an answer.
func TestEndsInMidCall(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(alice, bob *side){
		"the session ends":      func(alice, bob *side) { alice.hangUp(); bob.hangUp() },
		"the other side leaves": func(alice, bob *side) { alice.conn.Post(func() { alice.left(alice.over, bob.name, "") }); bob.hangUp() },
		"the user signs out":    func(alice, bob *side) { alice.hangUp(); alice.conn.Abandon(errs.ErrClosed); bob.hangUp() },
	} {
		for _, later := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, later %t", name, later), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					alice, bob := pair(t, later)
					results := make(chan error, 3)
					reader, writer := io.Pipe()
					defer func() { _ = writer.Close() }()
					go func() {
						results <- alice.SendFile(t.Context(), bob.name, slp.FileInfo{Name: "a", Size: 1 << 30}, reader, nil)
					}()
					offered := (<-bob.conn.Events()).(FileOffered)
					taken := make(chan error, 1)
					go func() { taken <- offered.Offer.Accept(t.Context(), io.Discard, nil) }()
					go func() {
						results <- alice.SendFile(t.Context(), bob.name, slp.FileInfo{Name: "b", Size: 9}, strings.NewReader("undecided"), nil)
					}()
					undecided := (<-bob.conn.Events()).(FileOffered).Offer
					synctest.Wait()
					end(alice, bob)
					synctest.Wait()
					_ = writer.CloseWithError(io.ErrClosedPipe)
					for range 2 {
						if err := <-results; err == nil {
							t.Error("it was sent")
						}
					}
					if err := <-taken; !errors.Is(err, ErrGone) {
						t.Errorf("taken: %v", err)
					}
					<-undecided.Ended()
					if !errors.Is(undecided.Why(), ErrGone) {
						t.Errorf("what nobody decided about has ended: %v", undecided.Why())
					}
					if err := undecided.Accept(t.Context(), io.Discard, nil); !errors.Is(err, ErrNoOffer) {
						t.Errorf("accepted: %v", err)
					}
				})
			})
		}
	}
}

// The same event twice: an offer that is accepted by two at once is taken once, and one that is declined is gone.
func TestOfferIsTakenOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		alice, bob := pair(t, true)
		out := make(chan error, 1)
		go func() {
			out <- alice.SendFile(t.Context(), bob.name, slp.FileInfo{Name: "a", Size: 3}, strings.NewReader("abc"), nil)
		}()
		offer := (<-bob.conn.Events()).(FileOffered).Offer
		results := make(chan error, 2)
		for range 2 {
			go func() { results <- offer.Accept(t.Context(), io.Discard, nil) }()
		}
		one, two := <-results, <-results
		if (one == nil) == (two == nil) || !errors.Is(errors.Join(one, two), ErrNoOffer) {
			t.Errorf("accepted twice: %v, %v", one, two)
		}
		offer.Decline()
		if err := <-out; err != nil {
			t.Errorf("sent: %v", err)
		}
		go func() {
			out <- alice.SendFile(t.Context(), bob.name, slp.FileInfo{Name: "a", Size: 3}, strings.NewReader("abc"), nil)
		}()
		offer = (<-bob.conn.Events()).(FileOffered).Offer
		offer.Decline()
		offer.Decline()
		if err := <-out; !errors.Is(err, p2p.ErrDeclined) {
			t.Errorf("sent: %v", err)
		}
		if err := offer.Accept(t.Context(), io.Discard, nil); !errors.Is(err, ErrNoOffer) {
			t.Errorf("accepted what was declined: %v", err)
		}
	})
}
