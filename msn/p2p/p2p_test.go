package p2p

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"matrix-msn/msn/slp"
)

// side is one Messenger of a test, with the line to the other one.
type side struct {
	*Stack
	name    string
	owner   *sync.Mutex // held by who acts for both sides: the test, or a timer
	asked   []slp.Offer
	offers  []*Offer
	objects map[slp.Hash][]byte
	loose   []string
}

// file is a Source and a Sink in memory.
type file struct {
	in    io.Reader
	out   bytes.Buffer
	limit int // how much it takes at once; 0 for all
	full  chan struct{}
	ended []error
}

func (f *file) Read(b []byte) (int, error) { return f.in.Read(b) }

func (f *file) Write(data string) <-chan struct{} {
	f.out.WriteString(data)
	if f.limit > 0 && f.out.Len() > f.limit {
		if f.full == nil {
			f.full = make(chan struct{})
		}
		return f.full
	}
	return nil
}

func (f *file) Close(err error) { f.ended = append(f.ended, err) }

func reading(data []byte) *file { return &file{in: bytes.NewReader(data)} }

// pair makes two sides. Nothing moves by itself.
func pair(later bool) (alice, bob *side) {
	owner := new(sync.Mutex)
	owner.Lock()
	after := func(d time.Duration, f func()) *time.Timer {
		return time.AfterFunc(d, func() {
			owner.Lock()
			defer owner.Unlock()
			f()
		})
	}
	make := func(self, peer string) *side {
		s := &side{name: self, owner: owner, objects: map[slp.Hash][]byte{}}
		if later {
			self += ";{00000000-0000-0000-0000-00000000000" + fmt.Sprint(len(self)%10) + "}"
		}
		s.Stack = New(Config{
			Self: self, Peer: peer, Later: later, After: after,
			Object:  func(o slp.Object) ([]byte, bool) { data, ok := s.objects[o.Hash]; return data, ok },
			Offered: func(o *Offer) { s.offers = append(s.offers, o) },
			Asked:   func(o slp.Offer) { s.asked = append(s.asked, o) },
			Loose:   func(_ uint32, message string) { s.loose = append(s.loose, message) },
			Admit:   func(slp.Kind) bool { return true },
			Wake:    func() {},
		})
		return s
	}
	return make("alice@example.com", "bob@example.com"), make("bob@example.com", "alice@example.com")
}

// run carries packets between two sides until nothing moves any more.
func run(t testing.TB, sides ...*side) {
	t.Helper()
	for range 1 << 20 {
		moved := false
		for i, from := range sides {
			packet, ok := from.Next(nil)
			if ok {
				moved = true
				sides[1-i].Receive(string(packet))
			}
		}
		if !moved {
			return
		}
	}
	t.Fatal("it never ends")
}

// pass lets time pass.
func (s *side) pass(d time.Duration) {
	s.owner.Unlock()
	time.Sleep(d)
	synctest.Wait()
	s.owner.Lock()
}

// content is data of a length.
func content(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return b
}

func versions(t *testing.T, test func(t *testing.T, alice, bob *side)) {
	for name, later := range map[string]bool{"version 1": false, "version 2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				alice, bob := pair(later)
				test(t, alice, bob)
			})
		})
	}
}

// over checks that a file has ended once, with an error.
func over(t *testing.T, what string, f *file, want error) {
	t.Helper()
	if len(f.ended) != 1 || !errors.Is(f.ended[0], want) || want == nil && f.ended[0] != nil {
		t.Errorf("%s ended with %v, want %v", what, f.ended, want)
	}
}

func idle(t *testing.T, sides ...*side) {
	t.Helper()
	for _, s := range sides {
		if s.Busy() || len(s.data)+len(s.flying)+len(s.control)+len(s.acks) > 0 {
			t.Errorf("%s has something left: %d calls, %d data, %d flying", s.name, len(s.calls), len(s.data), len(s.flying))
		}
	}
}

func TestObjectIsFetched(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 4, slp.MaxData - 1, slp.MaxData, slp.MaxData + 1, 30_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			versions(t, func(t *testing.T, alice, bob *side) {
				data := content(size)
				o := slp.NewObject("bob@example.com", slp.ObjectPicture, data)
				bob.objects[o.Hash] = data
				got := new(file)
				var told uint64
				alice.Fetch(o, got, func(done uint64) { told = done })
				run(t, alice, bob)
				over(t, "the picture", got, nil)
				if !bytes.Equal(got.out.Bytes(), data) || told != uint64(size) {
					t.Errorf("%d bytes of %d, told %d", got.out.Len(), size, told)
				}
				idle(t, alice, bob)
			})
		})
	}
}

func TestObjectThatIsNotThere(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, alice, bob *side) {
		got := new(file)
		alice.Fetch(slp.NewObject("bob@example.com", slp.ObjectPicture, []byte("x")), got, nil)
		run(t, alice, bob)
		over(t, "the picture", got, ErrDeclined)
		idle(t, alice, bob)
	})
}

// What is sent has another hash than what was asked for.
func TestObjectThatIsAnother(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, alice, bob *side) {
		o := slp.NewObject("bob@example.com", slp.ObjectPicture, []byte("right"))
		bob.objects[o.Hash] = []byte("wrong")
		got := new(file)
		alice.Fetch(o, got, nil)
		run(t, alice, bob)
		over(t, "the picture", got, ErrBroken)
		bob.objects[o.Hash] = []byte("longer than it said")
		got = new(file)
		alice.Fetch(o, got, nil)
		run(t, alice, bob)
		over(t, "the longer picture", got, ErrBroken)
		if got.out.Len() > 0 {
			t.Errorf("%d bytes were taken", got.out.Len())
		}
		idle(t, alice, bob)
	})
}

func TestFileIsSent(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 1200, 3490, 100_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			versions(t, func(t *testing.T, alice, bob *side) {
				data := content(size)
				from, to := reading(data), new(file)
				alice.Send(slp.FileInfo{Name: "Überblick.png", Size: uint64(size), Preview: []byte("picture")}, from, nil)
				run(t, alice, bob)
				if len(bob.offers) != 1 {
					t.Fatalf("%d offers", len(bob.offers))
				}
				o := bob.offers[0]
				if o.Name != "Überblick.png" || o.Size != uint64(size) || string(o.Preview) != "picture" || !o.Open() {
					t.Errorf("offered %+v", o.FileInfo)
				}
				if _, ok := o.Accept(to, nil); !ok || o.Open() || o.Decline() {
					t.Error("the offer is not accepted, or still open")
				}
				run(t, alice, bob)
				alice.pass(endTime + time.Second)
				run(t, alice, bob)
				over(t, "what arrives", to, nil)
				over(t, "what is sent", from, nil)
				if !bytes.Equal(to.out.Bytes(), data) {
					t.Errorf("%d bytes of %d", to.out.Len(), size)
				}
				idle(t, alice, bob)
			})
		})
	}
}

func TestFileIsDeclined(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, alice, bob *side) {
		from := reading(content(10))
		alice.Send(slp.FileInfo{Name: "a.txt", Size: 10}, from, nil)
		run(t, alice, bob)
		if !bob.offers[0].Decline() {
			t.Error("not declined")
		}
		run(t, alice, bob)
		over(t, "what was sent", from, ErrDeclined)
		idle(t, alice, bob)
	})
}

func TestFileIsTakenBack(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, alice, bob *side) {
		from := reading(content(10))
		transfer := alice.Send(slp.FileInfo{Name: "a.txt", Size: 10}, from, nil)
		run(t, alice, bob)
		var withdrawn []error
		bob.offers[0].OnEnd(func(err error) { withdrawn = append(withdrawn, err) })
		transfer.Stop()
		transfer.Stop()
		run(t, alice, bob)
		over(t, "what was sent", from, ErrStopped)
		if len(withdrawn) != 1 || !errors.Is(withdrawn[0], ErrCancelled) {
			t.Errorf("withdrawn %v", withdrawn)
		}
		if _, ok := bob.offers[0].Accept(new(file), nil); ok {
			t.Error("accepted what is not there any more")
		}
		idle(t, alice, bob)
	})
}

// Each side ends a transfer that is under way.
func TestTransferIsStopped(t *testing.T) {
	t.Parallel()
	for _, sender := range []bool{true, false} {
		t.Run(fmt.Sprintf("by the sender %t", sender), func(t *testing.T) {
			versions(t, func(t *testing.T, alice, bob *side) {
				from, to := reading(content(50_000)), new(file)
				sending := alice.Send(slp.FileInfo{Name: "a", Size: 50_000}, from, nil)
				run(t, alice, bob)
				receiving, _ := bob.offers[0].Accept(to, nil)
				for to.out.Len() < 10_000 {
					for i, s := range []*side{alice, bob} {
						if packet, ok := s.Next(nil); ok {
							[]*side{bob, alice}[i].Receive(string(packet))
						}
					}
				}
				wantFrom, wantTo := ErrStopped, ErrCancelled
				if sender {
					sending.Stop()
				} else {
					receiving.Stop()
					wantFrom, wantTo = ErrCancelled, ErrStopped
				}
				run(t, alice, bob)
				over(t, "what is sent", from, wantFrom)
				over(t, "what arrives", to, wantTo)
				idle(t, alice, bob)
			})
		})
	}
}

// stalled is a Source that has nothing yet, and then fails.
type stalled struct {
	file
	err error
}

func (s *stalled) Read([]byte) (int, error) { return 0, s.err }

// What cannot be read any more ends at both sides, also when nothing else is on its way.
func TestSourceThatFailsLate(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, alice, bob *side) {
		broken := errors.New("broken")
		from, to := &stalled{err: ErrWait}, new(file)
		alice.Send(slp.FileInfo{Name: "a", Size: 9}, from, nil)
		run(t, alice, bob)
		bob.offers[0].Accept(to, nil)
		run(t, alice, bob)
		from.err = broken
		for packet, ok := alice.Next(nil); ok; packet, ok = alice.Next(nil) { // as a line asks that has room
			bob.Receive(string(packet))
		}
		over(t, "what is sent", &from.file, broken)
		over(t, "what arrives", to, ErrCancelled)
	})
}

func TestSilenceEndsAll(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, alice, bob *side) {
		picture, offered, accepted := new(file), reading(content(5)), new(file)
		alice.Fetch(slp.NewObject("bob@example.com", slp.ObjectPicture, []byte("x")), picture, nil)
		alice.Send(slp.FileInfo{Name: "a", Size: 5}, offered, nil)
		bob.Send(slp.FileInfo{Name: "b", Size: 5}, reading(content(5)), nil)
		for {
			packet, ok := bob.Next(nil)
			if !ok {
				break
			}
			alice.Receive(string(packet))
		}
		alice.offers[0].Accept(accepted, nil)
		alice.pass(decideTime + time.Second)
		over(t, "the picture", picture, ErrSilent)
		over(t, "the file", offered, ErrSilent)
		over(t, "what was accepted", accepted, ErrSilent)
		if len(alice.calls)+len(bob.calls) > 0 {
			t.Errorf("%d and %d calls are left", len(alice.calls), len(bob.calls))
		}
	})
}

func TestEndEndsAll(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, alice, bob *side) {
		gone := errors.New("gone")
		picture, offered := new(file), reading(content(5))
		alice.Fetch(slp.NewObject("bob@example.com", slp.ObjectPicture, []byte("x")), picture, nil)
		alice.Send(slp.FileInfo{Name: "a", Size: 5}, offered, nil)
		alice.End(gone)
		alice.End(gone)
		late := new(file)
		alice.Fetch(slp.NewObject("bob@example.com", slp.ObjectPicture, []byte("x")), late, nil)
		for what, f := range map[string]*file{"the picture": picture, "the file": offered, "what comes too late": late} {
			over(t, what, f, gone)
		}
		if packet, ok := alice.Next(nil); ok {
			t.Errorf("%q is sent", packet)
		}
		idle(t, alice)
	})
}

// Several transfers share the line, and each of them goes on.
func TestTransfersTakeTurns(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, alice, bob *side) {
		var to []*file
		for range 4 {
			alice.Send(slp.FileInfo{Name: "a", Size: 20_000}, reading(content(20_000)), nil)
			to = append(to, new(file))
		}
		run(t, alice, bob)
		for i, o := range bob.offers {
			o.Accept(to[i], nil)
		}
		least, most := 0, 0
		for most < 15_000 {
			for i, s := range []*side{alice, bob} {
				if packet, ok := s.Next(nil); ok {
					[]*side{bob, alice}[i].Receive(string(packet))
				}
			}
			least, most = to[0].out.Len(), to[0].out.Len()
			for _, f := range to {
				least, most = min(least, f.out.Len()), max(most, f.out.Len())
			}
		}
		if most-least > 4*slp.MaxData { // the first was accepted first
			t.Errorf("one has %d bytes when another has %d", most, least)
		}
		run(t, alice, bob)
		for _, f := range to {
			over(t, "a file", f, nil)
		}
	})
}

// Who sends a byte a time does not keep a transfer for ever. A slow line does not end one.
func TestFileThatTricklesEnds(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, alice, bob *side) {
		trickles, slow := new(file), new(file)
		for _, f := range []struct {
			from io.Reader
			size int
			to   *file
		}{{iotest.OneByteReader(bytes.NewReader(content(50))), 50, trickles}, {bytes.NewReader(content(300_000)), 300_000, slow}} {
			alice.Send(slp.FileInfo{Name: "a", Size: uint64(f.size)}, &file{in: f.from}, nil)
			run(t, alice, bob)
			last := bob.offers[len(bob.offers)-1]
			last.Accept(f.to, nil)
			for len(f.to.ended) == 0 {
				for sent := f.to.out.Len(); len(f.to.ended) == 0 && f.to.out.Len() < min(sent+leastData, f.size); {
					if packet, ok := bob.Next(nil); ok {
						alice.Receive(string(packet))
					}
					if packet, ok := alice.Next(nil); ok {
						bob.Receive(string(packet))
					}
					if f.to == trickles {
						break
					}
				}
				bob.pass(silentTime - 5*time.Second)
			}
			run(t, alice, bob)
		}
		over(t, "what trickles", trickles, ErrSilent)
		over(t, "what is slow", slow, nil)
		if n := trickles.out.Len(); n == 0 || n > 5 {
			t.Errorf("%d bytes of it came", n)
		}
		idle(t, bob)
	})
}

func TestFullSinkSaysSo(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, alice, bob *side) {
		to := &file{limit: 5000}
		alice.Send(slp.FileInfo{Name: "a", Size: 20_000}, reading(content(20_000)), nil)
		run(t, alice, bob)
		bob.offers[0].Accept(to, nil)
		for {
			packet, ok := bob.Next(nil)
			if !ok {
				break
			}
			alice.Receive(string(packet))
		}
		for n := 1; ; n++ {
			packet, ok := alice.Next(nil)
			if !ok {
				t.Fatal("nobody said that it is full")
			}
			if full, _ := bob.Receive(string(packet)); full != nil {
				if n < 4 {
					t.Errorf("full after %d packets", n)
				}
				return
			}
		}
	})
}

// What the other side asks for that nobody takes is declined at once.
func TestOtherRequestsAreDeclined(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, alice, bob *side) {
		at := slp.Call{Self: bob.cfg.Self, Peer: bob.cfg.Peer, ID: "{A6335136-7BD1-9BDC-41C5-234883B64D81}"}
		webcam := "EUF-GUID: {4BD96FC0-AB17-4425-A14A-439185962DC8}\r\nSessionID: 7\r\nAppID: 4\r\nContext: \r\n\r\n"
		m := at.Request(slp.Invite, slp.SessionRequest, webcam)
		var got []slp.Message
		carry := func() {
			for {
				packet, ok := bob.Next(nil)
				if !ok {
					break
				}
				alice.Receive(string(packet))
			}
			for {
				packet, ok := alice.Next(nil)
				if !ok {
					break
				}
				if a, ok := bob.wire.read(string(packet)); ok && a.kind == isSLP {
					answer, err := slp.ParseMessage(a.data)
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, answer)
				}
			}
		}
		bob.say(m, nil)
		bob.say(m, nil) // the same again
		carry()
		if len(alice.asked) != 1 || alice.asked[0].Kind != slp.Webcam || len(got) != 1 || got[0].Answer != slp.Decline ||
			got[0].Branch() != m.Branch() || got[0].CallID() != at.ID || got[0].Field("SessionID") != "7" {
			t.Errorf("asked %+v, answers %+v", alice.asked, got)
		}
	})
}

// A session can last for long. What was begun in it and given up leaves nothing behind that takes the place of what is
// under way.
func TestCancelledFilesEndNoOtherOne(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, alice, bob *side) {
		carry := func(packets int) {
			for range packets {
				if packet, ok := bob.Next(nil); ok {
					alice.Receive(string(packet))
				}
				if packet, ok := alice.Next(nil); ok {
					bob.Receive(string(packet))
				}
			}
		}
		data := content(500_000)
		to := new(file)
		bob.Send(slp.FileInfo{Name: "whole", Size: uint64(len(data))}, reading(data), nil)
		carry(4)
		alice.offers[0].Accept(to, nil)
		carry(4)
		for n := range 2 * maxOpen {
			cancelled := bob.Send(slp.FileInfo{Name: "half", Size: 5000}, reading(content(5000)), nil)
			for len(alice.offers) < n+2 {
				carry(1)
			}
			half := new(file)
			alice.offers[n+1].Accept(half, nil)
			for half.out.Len() == 0 {
				carry(1)
			}
			cancelled.Stop()
			for len(half.ended) == 0 {
				carry(1)
			}
		}
		if len(to.ended) > 0 {
			t.Fatalf("the file ended with %v after %d bytes", to.ended, to.out.Len())
		}
		run(t, alice, bob)
		over(t, "the file", to, nil)
		if !bytes.Equal(to.out.Bytes(), data) {
			t.Errorf("%d bytes of %d", to.out.Len(), len(data))
		}
	})
}

// Direct connections are not made: the sender stays on the switchboard.
func TestDirectConnectionIsRefused(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, alice, bob *side) {
		from, to := reading(content(9)), new(file)
		sending := alice.Send(slp.FileInfo{Name: "a", Size: 9}, from, nil)
		run(t, alice, bob)
		bob.offers[0].Accept(to, nil)
		alice.say(sending.call.at.Request(slp.Invite, slp.TransportRequest, "Bridges: TCPv1 SBBridge\r\nNetID: 0\r\n\r\n"), nil)
		run(t, alice, bob)
		alice.pass(endTime + time.Second)
		over(t, "what arrives", to, nil)
		over(t, "what is sent", from, nil)
	})
}

func TestHandwritingBelongsToNoSession(t *testing.T) {
	t.Parallel()
	alice, _ := pair(false)
	text := strings.Repeat("ink", 1000)
	for _, p := range slp.Split(text, 5, 1) {
		p.Session, p.Footer = 64, slp.FooterInk
		alice.Receive(p.Body())
	}
	if len(alice.loose) != 1 || alice.loose[0] != text {
		t.Errorf("got %d", len(alice.loose))
	}
	var acks int
	for {
		packet, ok := alice.Next(nil)
		if !ok {
			break
		}
		if p, ok := slp.Parse(string(packet)); ok && p.Flags == slp.FlagAck {
			acks++
		}
	}
	if acks != 1 {
		t.Errorf("%d acknowledgements", acks)
	}
}

// While nothing goes out, the other side says and sends as much as it likes: what is under way keeps its answers,
// nothing new is begun, and what is kept is bounded.
func TestNothingGoesOut(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, alice, bob *side) {
		data := content(3000)
		o := slp.NewObject(bob.name, slp.ObjectPicture, data)
		bob.objects[o.Hash] = data
		got := new(file)
		alice.Fetch(o, got, nil)
		run(t, alice, bob)
		over(t, "the picture", got, nil)
		for _, n := range []int{1, 2} {
			bob.Send(slp.FileInfo{Name: fmt.Sprint(n), Size: 10}, reading(content(10)), nil)
		}
		hear := func() {
			for packet, ok := bob.Next(nil); ok; packet, ok = bob.Next(nil) {
				alice.Receive(string(packet))
			}
		}
		hear()
		if len(alice.offers) != 2 {
			t.Fatalf("%d offers", len(alice.offers))
		}
		to := new(file)
		alice.offers[0].Accept(to, nil)
		alice.offers[1].Decline()
		waiting := len(alice.control)
		for i := range 3 * maxControl { // invitations that are declined at once, and data of no session
			at := slp.Call{Self: bob.cfg.Self, Peer: bob.cfg.Peer, ID: fmt.Sprintf("{A6335136-7BD1-9BDC-41C5-%012d}", i)}
			bob.say(at.Request(slp.Invite, slp.SessionRequest, fmt.Sprintf("EUF-GUID: {4BD96FC0-AB17-4425-A14A-439185962DC8}\r\nSessionID: %d\r\n\r\n", 100_000+i)), nil)
			hear()
			alice.Receive(slp.Packet{Session: uint32(200_000 + i), ID: uint32(i), Total: 1, Data: "x"}.Body())
		}
		if len(alice.control) != maxControl || len(alice.acks) > maxAcks || waiting < 2 {
			t.Errorf("%d messages and %d acknowledgements wait", len(alice.control), len(alice.acks))
		}
		late := new(file)
		alice.Fetch(o, late, nil)
		over(t, "what is begun then", late, ErrBusy)
		run(t, alice, bob)
		over(t, "the file", to, nil)
		alice.pass(endTime + time.Second)
		run(t, alice, bob)
		if len(bob.calls) > 0 {
			t.Errorf("bob waits for the answers to %d calls", len(bob.calls))
		}
		idle(t, alice)
	})
}

// Messages in an order that makes no sense: each is passed over or ends what it is about, and what is under way goes
// on (CVE-2004-0891, -0500).
func TestMessagesOutOfOrder(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, alice, bob *side) {
		at := func(n int) slp.Call {
			return slp.Call{Self: bob.cfg.Self, Peer: bob.cfg.Peer, ID: fmt.Sprintf("{A6335136-7BD1-9BDC-41C5-%012d}", n)}
		}
		offer := func(session uint32) string {
			return slp.Offer{Session: session, App: slp.AppFile, Kind: slp.File, Context: slp.FileInfo{Name: "a", Size: 9}.Context()}.Body(false)
		}
		request := func(n int, method, kind, body string) slp.Message { return at(n).Request(method, kind, body) }
		invite := request(1, slp.Invite, slp.SessionRequest, offer(100_001))
		for _, m := range []slp.Message{
			request(1, slp.Bye, slp.SessionClose, slp.SessionBody(100_001)),                // the end first
			request(2, slp.Ack, slp.TransportRequest, "\r\n"),                              // for nothing
			at(3).Reply(invite, slp.OK, slp.SessionRequest, slp.SessionBody(100_001)),      // nobody has asked
			at(3).Reply(invite, slp.Decline, slp.SessionRequest, slp.SessionBody(100_001)), // nor that
			request(4, slp.Invite, slp.TransportRequest, "Bridges: TCPv1\r\n\r\n"),         // of no session
			request(5, "NOTIFY", slp.SessionRequest, offer(100_002)),                       // there is none such
			invite, invite, // twice
			request(1, slp.Invite, slp.SessionRequest, offer(100_003)),                                   // another with its ID
			request(6, slp.Invite, slp.SessionRequest, offer(100_001)),                                   // another with its session
			at(1).Reply(invite, slp.OK, slp.SessionRequest, slp.SessionBody(100_001)),                    // an answer to one's own
			at(1).Reply(invite, slp.OK, slp.TransportAnswer, "Bridge: TCPv1\r\nListening: true\r\n\r\n"), // a connection that nobody wants
		} {
			bob.say(m, nil)
			run(t, alice, bob)
		}
		for _, p := range []string{
			slp.Packet{Session: 100_001, ID: 5, Total: 9, Flags: slp.FlagFile, Data: "too early", Footer: slp.FooterFile}.Body(),
			slp.Packet{Session: 77_777, ID: 6, Total: 4, Data: "none", Footer: slp.FooterObject}.Body(),
			slp.Packet{Flags: slp.FlagAck, AckID: 12345}.Body(),
		} {
			alice.Receive(p)
		}
		run(t, alice, bob)
		if len(alice.offers) != 1 || !alice.offers[0].Open() {
			t.Fatalf("%d offers", len(alice.offers))
		}
		to := new(file)
		alice.offers[0].Accept(to, nil)
		bob.say(request(1, slp.Bye, slp.SessionClose, slp.SessionBody(100_001)), nil)
		bob.say(request(1, slp.Bye, slp.SessionClose, slp.SessionBody(100_001)), nil)
		run(t, alice, bob)
		over(t, "the file", to, ErrCancelled)
		idle(t, alice)
	})
}

// Packets whose numbers would make a receiver write elsewhere end the transfer, before anything of them is taken
// (CVE-2008-2927, 2009-1376, 2009-2694).
func TestPacketsThatPointElsewhere(t *testing.T) {
	t.Parallel()
	const size = 100
	for name, spoil := range map[string]func(p *slp.Packet){
		"offset beyond the end":      func(p *slp.Packet) { p.Offset = size + 1 },
		"offset before what is next": func(p *slp.Packet) { p.Offset = 60 },
		"a sum that wraps":           func(p *slp.Packet) { p.Offset = 1<<64 - 5 },
		"no length, with data":       func(p *slp.Packet) { p.Total = 0 },
		"a length without end":       func(p *slp.Packet) { p.Total = 1<<64 - 1 },
		"a length that is longer":    func(p *slp.Packet) { p.Total = size + 1 },
		"data beyond the end":        func(p *slp.Packet) { p.Data = strings.Repeat("x", size+1) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				alice, bob := pair(false)
				bob.Send(slp.FileInfo{Name: "a", Size: size}, reading(content(size)), nil)
				for packet, ok := bob.Next(nil); ok; packet, ok = bob.Next(nil) {
					alice.Receive(string(packet))
				}
				to := new(file)
				alice.offers[0].Accept(to, nil)
				p := slp.Packet{Session: alice.calls[0].session, ID: 9, Total: size, Flags: slp.FlagFile, Data: strings.Repeat("x", 50), Footer: slp.FooterFile}
				spoil(&p)
				alice.Receive(p.Body())
				alice.pass(silentTime + time.Second) // what is no packet at all is nothing
				if len(to.ended) != 1 || !errors.Is(to.ended[0], ErrBroken) && !errors.Is(to.ended[0], ErrSilent) || to.out.Len() > 0 {
					t.Errorf("ended %v with %d bytes", to.ended, to.out.Len())
				}
			})
		})
	}
	t.Run("version 2", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			for _, rest := range []uint64{1<<64 - 1, 1 << 63, size, 0} {
				alice, bob := pair(true)
				bob.Send(slp.FileInfo{Name: "a", Size: size}, reading(content(size)), nil)
				for packet, ok := bob.Next(nil); ok; packet, ok = bob.Next(nil) {
					alice.Receive(string(packet))
				}
				to := new(file)
				alice.offers[0].Accept(to, nil)
				alice.Receive(slp.Packet2{Payload: true, Kind: slp.FirstOfMessage | slp.DataFile, Session: alice.calls[0].session, Package: 3, Remaining: rest, Data: "x"}.Body())
				alice.pass(silentTime + time.Second)
				if len(to.ended) != 1 || to.ended[0] == nil || to.out.Len() > 0 {
					t.Errorf("%d: ended %v with %d bytes", rest, to.ended, to.out.Len())
				}
				alice.End(nil)
				bob.End(nil)
				alice.owner.Unlock()
			}
		})
	})
}

// Numbers of sessions that are larger are read wrong by real clients.
func TestNumbersOfSessions(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, alice, bob *side) {
		for range 1000 {
			if n := alice.newSession(); n <= minSession || n > math.MaxInt32 {
				t.Fatalf("session %d", n)
			}
		}
	})
}

// Some clients leave as soon as they have a file, and never say a word. Who leaves before has not got it, and of who says
// of other things that they have come nobody knows.
func TestWhoLeavesWithTheWholeFileHasIt(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, alice, bob *side) {
		gone := errors.New("gone")
		for _, test := range []struct {
			carried int // packets of the data
			replies bool
			want    error
		}{{3, true, gone}, {3, false, gone}, {100, false, nil}, {100, true, ErrUnconfirmed}} {
			alice, bob := pair(alice.cfg.Later)
			from := reading(content(20_000))
			alice.Send(slp.FileInfo{Name: "a", Size: 20_000}, from, nil)
			run(t, alice, bob)
			bob.offers[0].Accept(new(file), nil)
			for range 4 { // until the data begin
				if packet, ok := bob.Next(nil); ok {
					alice.Receive(string(packet))
				}
			}
			for range test.carried {
				alice.Next(nil)
			}
			alice.replies = test.replies
			alice.Left(gone)
			over(t, fmt.Sprintf("the file after %d packets", test.carried), from, test.want)
			idle(t, alice)
		}
	})
}

// A client that is in use tells in each packet the length of the one before, and so of all from the second on that they
// belong where the one before does.
func TestFileOfWhoIsOnePacketBehind(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 4, slp.MaxData, slp.MaxData + 1, 2 * slp.MaxData, 3*slp.MaxData - 4, 3*slp.MaxData - 1, 3490, 100_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				alice, bob := pair(false)
				data := content(size)
				to := new(file)
				alice.Send(slp.FileInfo{Name: "a", Size: uint64(size)}, reading(nil), nil)
				run(t, alice, bob)
				session := alice.calls[0].session
				bob.offers[0].Accept(to, nil)
				send := func(offset uint64, length int, part []byte) {
					body := []byte(slp.Packet{
						Session: session, ID: 77, Offset: offset, Total: uint64(size), Flags: slp.FlagFile, Data: string(part), Footer: slp.FooterFile,
					}.Body())
					binary.LittleEndian.PutUint32(body[24:], uint32(length))
					bob.Receive(string(body))
				}
				send(0, 0, nil)
				offset, length := uint64(0), 0
				for rest := data; len(rest) > 0; {
					part := rest[:min(len(rest), slp.MaxData)]
					rest = rest[len(part):]
					send(offset, length, part)
					offset += uint64(length)
					length = len(part)
				}
				over(t, "the file", to, nil)
				if !bytes.Equal(to.out.Bytes(), data) {
					t.Errorf("%d bytes of %d, or others", to.out.Len(), size)
				}
			})
		})
	}
}
