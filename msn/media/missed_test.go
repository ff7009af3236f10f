package media

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/p2p"
	"matrix-msn/msn/slp"
)

// What a contact's Messenger has not heard of when they leave.

// crossing has a session opened in which what alice says does not arrive any more: bob is about to leave.
func crossing(alice, bob *side) {
	alice.conn.Post(func() {
		alice.open(bob.name, func(line, error) {})
		alice.over.stopped = true
	})
	synctest.Wait()
}

// attempt is something that alice begins with bob.
type attempt struct {
	begin    func(context.Context) error
	patience time.Duration // for the answer
}

// missing runs a test with headers of both versions, each in a bubble, and with the calls by which alice begins
// something with bob.
func missing(t *testing.T, test func(t *testing.T, alice, bob *side, try attempt)) {
	t.Helper()
	data := bytes.Repeat([]byte("p"), 5000)
	for name, later := range map[string]bool{"version 1": false, "version 2": true} {
		t.Run(name+", a picture", func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				alice, bob := pair(t, later)
				o := bob.Own(slp.ObjectPicture, data)
				test(t, alice, bob, attempt{patience: 45 * time.Second, begin: func(ctx context.Context) error {
					var got bytes.Buffer
					err := alice.Fetch(ctx, bob.name, o, &got, nil)
					if err == nil && !bytes.Equal(got.Bytes(), data) {
						t.Errorf("%d bytes of %d", got.Len(), len(data))
					}
					return err
				}})
			})
		})
		t.Run(name+", a file", func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				alice, bob := pair(t, later)
				go func() {
					for e := range bob.conn.Events() {
						offered, ok := e.(FileOffered)
						if !ok {
							continue
						}
						var got bytes.Buffer
						if err := offered.Offer.Accept(t.Context(), &got, nil); err == nil && !bytes.Equal(got.Bytes(), data) {
							t.Errorf("%d bytes of %d", got.Len(), len(data))
						}
					}
				}()
				test(t, alice, bob, attempt{patience: 5 * time.Minute, begin: func(ctx context.Context) error {
					var offered atomic.Int32
					err := alice.SendFile(ctx, bob.name, slp.FileInfo{Name: "a", Size: uint64(len(data))}, bytes.NewReader(data), func(done uint64) {
						if done == 0 {
							offered.Add(1)
						}
					})
					if n := offered.Load(); n > 1 {
						t.Errorf("it was said %d times that it is offered", n)
					}
					return err
				}})
			})
		})
	}
}

func TestWhatWasMissedIsBegunAgain(t *testing.T) {
	t.Parallel()
	missing(t, func(t *testing.T, alice, bob *side, try attempt) {
		crossing(alice, bob)
		results := make(chan error, 2)
		for range 2 {
			go func() { results <- try.begin(t.Context()) }()
		}
		synctest.Wait()
		bob.depart()
		for range 2 {
			if err := <-results; err != nil {
				t.Errorf("it ended: %v", err)
			}
		}
		if alice.opened != 2 {
			t.Errorf("%d sessions were opened", alice.opened)
		}
	})
}

// A contact who leaves each time is not asked for ever.
func TestWhatWasMissedIsBegunAgainOnce(t *testing.T) {
	t.Parallel()
	missing(t, func(t *testing.T, alice, bob *side, try attempt) {
		crossing(alice, bob)
		result := make(chan error, 1)
		go func() { result <- try.begin(t.Context()) }()
		synctest.Wait()
		alice.mute = true
		bob.depart()
		synctest.Wait()
		select {
		case err := <-result:
			t.Fatalf("it was not begun again: %v", err)
		default:
		}
		bob.depart()
		if err := <-result; !errors.Is(err, ErrGone) {
			t.Errorf("it ended: %v", err)
		}
		if alice.opened != 2 {
			t.Errorf("%d sessions were opened", alice.opened)
		}
	})
}

// The time for an answer is one, however often it was asked for, and also while a session is opened.
func TestWhatIsBegunAgainIsNotWaitedForLonger(t *testing.T) {
	t.Parallel()
	for name, opens := range map[string]bool{"no answer": true, "no session": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			missing(t, func(t *testing.T, alice, bob *side, try attempt) {
				crossing(alice, bob)
				result := make(chan error, 1)
				at := time.Now()
				go func() { result <- try.begin(t.Context()) }()
				synctest.Wait()
				time.Sleep(10 * time.Second)
				alice.mute, alice.stuck = true, !opens
				bob.depart()
				if err := <-result; !errors.Is(err, p2p.ErrSilent) {
					t.Errorf("it ended: %v", err)
				}
				if took := time.Since(at); took != try.patience {
					t.Errorf("it ended after %v and not %v", took, try.patience)
				}
			})
		})
	}
}

// Nothing is begun again for who has stopped it, has blocked the contact, has left the session themselves, or has
// signed out.
func TestWhatIsNotWantedIsNotBegunAgain(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		happens func(alice *side, stop func())
		want    error
	}{
		"stopped":          {func(_ *side, stop func()) { stop() }, context.Canceled},
		"blocked":          {func(alice *side, _ func()) { alice.blocks = true }, ErrBlocks},
		"left by the user": {func(alice *side, _ func()) { alice.hangUp() }, ErrGone},
		"signed out":       {func(alice *side, _ func()) { alice.hangUp(); alice.conn.Abandon(errs.ErrClosed) }, ErrGone},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			missing(t, func(t *testing.T, alice, bob *side, try attempt) {
				crossing(alice, bob)
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				result := make(chan error, 1)
				go func() { result <- try.begin(ctx) }()
				synctest.Wait()
				test.happens(alice, stop)
				synctest.Wait()
				bob.depart()
				if err := <-result; !errors.Is(err, test.want) {
					t.Errorf("it ended: %v", err)
				}
				if alice.opened != 1 {
					t.Errorf("%d sessions were opened", alice.opened)
				}
			})
		})
	}
}

// Who stops what is begun again, or blocks the contact, while its session is opened, is heard at once and later.
func TestStopWhileItIsBegunAgain(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		happens func(alice *side, stop func())
		want    error
	}{
		"stopped": {func(_ *side, stop func()) { stop() }, context.Canceled},
		"blocked": {func(alice *side, _ func()) { alice.blocks = true; alice.conn.Post(alice.opens) }, ErrBlocks},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			missing(t, func(t *testing.T, alice, bob *side, try attempt) {
				crossing(alice, bob)
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				result := make(chan error, 1)
				go func() { result <- try.begin(ctx) }()
				synctest.Wait()
				alice.stuck = true
				bob.depart()
				synctest.Wait()
				test.happens(alice, stop)
				at := time.Now()
				if err := <-result; !errors.Is(err, test.want) || time.Since(at) != 0 {
					t.Errorf("it ended after %v: %v", time.Since(at), err)
				}
				if test.want == context.Canceled {
					alice.conn.Post(alice.opens)
				}
				synctest.Wait()
				alice.conn.Post(func() {
					for over := range alice.pipes {
						if alice.busy(over) {
							t.Error("something is under way")
						}
					}
				})
				synctest.Wait()
			})
		})
	}
}

// What the contact's Messenger has heard of ends when they leave, as it always has.
func TestWhatWasHeardIsNotBegunAgain(t *testing.T) {
	t.Parallel()
	for _, later := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			alice, bob := pair(t, later)
			result := make(chan error, 1)
			go func() {
				result <- alice.SendFile(t.Context(), bob.name, slp.FileInfo{Name: "a", Size: 3}, strings.NewReader("abc"), nil)
			}()
			offer := (<-bob.conn.Events()).(FileOffered).Offer
			synctest.Wait()
			bob.depart()
			if err := <-result; !errors.Is(err, ErrGone) || alice.opened != 1 {
				t.Errorf("it ended: %v, and %d sessions were opened", err, alice.opened)
			}
			if err := offer.Accept(t.Context(), io.Discard, nil); !errors.Is(err, ErrNoOffer) {
				t.Errorf("accepted: %v", err)
			}
		})
	}
}

// An endpoint that leaves while its account stays ends what it has under way, at once, and nothing else.
func TestEndpointThatLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		alice, bob := pair(t, true)
		reader, writer := io.Pipe()
		defer func() { _ = writer.Close() }()
		result := make(chan error, 1)
		go func() {
			result <- alice.SendFile(t.Context(), bob.name, slp.FileInfo{Name: "a", Size: 9}, reader, nil)
		}()
		offer := (<-bob.conn.Events()).(FileOffered).Offer
		taken := make(chan error, 1)
		go func() { taken <- offer.Accept(t.Context(), io.Discard, nil) }()
		synctest.Wait()
		alice.conn.Post(func() { alice.left(alice.over, bob.name, alice.place) }) // another one of bob's
		synctest.Wait()
		select {
		case err := <-result:
			t.Fatalf("it ended: %v", err)
		default:
		}
		at := time.Now()
		alice.conn.Post(func() { alice.left(alice.over, bob.name, bob.place) })
		synctest.Wait()
		_ = writer.CloseWithError(io.ErrClosedPipe)
		if err := <-result; !errors.Is(err, ErrGone) && !errors.Is(err, io.ErrClosedPipe) || time.Since(at) != 0 {
			t.Errorf("it ended after %v: %v", time.Since(at), err)
		}
		synctest.Wait()
		alice.conn.Post(func() {
			if alice.busy(alice.over) {
				t.Error("something is under way")
			}
		})
		bob.hangUp()
		if err := <-taken; !errors.Is(err, ErrGone) {
			t.Errorf("taken: %v", err)
		}
	})
}
