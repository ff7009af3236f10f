package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/p2p"
	"matrix-msn/msn/slp"
)

// Who is blocked in the middle gets and gives nothing more: each side hears at once that it is over.
func TestBlockingEndsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	for _, later := range []bool{false, true} {
		for name, test := range map[string]struct {
			block func(alice, bob *side) // by whom
			sent  error
			took  error
		}{
			"by the sender":   {func(alice, bob *side) { alice.block(bob) }, ErrBlocks, p2p.ErrCancelled},
			"by the receiver": {func(alice, bob *side) { bob.block(alice) }, p2p.ErrCancelled, ErrBlocks},
		} {
			t.Run(fmt.Sprintf("%s, later %t", name, later), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					alice, bob := pair(t, later)
					reader, writer := io.Pipe()
					sent, took := make(chan error, 1), make(chan error, 1)
					go func() {
						sent <- alice.SendFile(t.Context(), bob.name, slp.FileInfo{Name: "a", Size: 9}, reader, nil)
					}()
					offer := (<-bob.conn.Events()).(FileOffered).Offer
					go func() { took <- offer.Accept(t.Context(), io.Discard, nil) }()
					_, _ = io.WriteString(writer, "half")
					synctest.Wait()
					at := time.Now()
					test.block(alice, bob)
					synctest.Wait()
					_ = writer.CloseWithError(io.ErrUnexpectedEOF)
					if err := <-sent; !errors.Is(err, test.sent) && !errors.Is(err, io.ErrUnexpectedEOF) {
						t.Errorf("sent: %v", err)
					}
					if err := <-took; !errors.Is(err, test.took) {
						t.Errorf("taken: %v", err)
					}
					if took := time.Since(at); took > 0 {
						t.Errorf("it ended after %v", took)
					}
				})
			})
		}
	}
}

// Offers that wait for somebody to decide end as well, of both sides, and pictures that are waited for.
func TestBlockingEndsWhatWaits(t *testing.T) {
	t.Parallel()
	for _, later := range []bool{false, true} {
		t.Run(fmt.Sprintf("later %t", later), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				alice, bob := pair(t, later)
				offers := func(from, to *side) (sent chan error, offer *FileOffer) {
					sent = make(chan error, 1)
					go func() {
						sent <- from.SendFile(t.Context(), to.name, slp.FileInfo{Name: "a", Size: 3}, strings.NewReader("abc"), nil)
					}()
					return sent, (<-to.conn.Events()).(FileOffered).Offer
				}
				mine, hers := offers(alice, bob)
				his, ours := offers(bob, alice)
				at := time.Now()
				alice.block(bob)
				if err := <-mine; !errors.Is(err, ErrBlocks) {
					t.Errorf("what the user offers: %v", err)
				}
				if err := <-his; !errors.Is(err, p2p.ErrDeclined) {
					t.Errorf("what is offered to the user: %v", err)
				}
				<-hers.Ended()
				<-ours.Ended()
				if !errors.Is(hers.Why(), p2p.ErrCancelled) || !errors.Is(ours.Why(), ErrBlocks) {
					t.Errorf("the offers ended: %v, %v", hers.Why(), ours.Why())
				}
				if took := time.Since(at); took > 0 {
					t.Errorf("it ended after %v", took)
				}
				alice.block(bob) // the same again
				alice.conn.Do(func() { alice.blocks = false })
				again, offer := offers(alice, bob)
				if err := offer.Accept(t.Context(), io.Discard, nil); err != nil {
					t.Errorf("taken after all: %v", err)
				}
				if err := <-again; err != nil {
					t.Errorf("sent after all: %v", err)
				}
			})
		})
	}
}

// block has the user block the other side.
func (s *side) block(other *side) {
	s.conn.Do(func() {
		s.blocks = true
		s.Sever(other.name)
	})
}

// A reader or writer that waits holds up nobody: who gives up is told to the other side at once.
func TestGivingUpIsToldWhileAReaderOrWriterWaits(t *testing.T) {
	t.Parallel()
	for _, sender := range []bool{true, false} {
		t.Run(fmt.Sprintf("the sender %t", sender), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				alice, bob := pair(t, true)
				ctx, giveUp := context.WithCancel(t.Context())
				sending, taking := t.Context(), ctx
				if sender {
					sending, taking = ctx, t.Context()
				}
				reader, writer := io.Pipe()
				out, in := io.Pipe() // nobody reads what has come
				sent, took := make(chan error, 1), make(chan error, 1)
				go func() {
					sent <- alice.SendFile(sending, bob.name, slp.FileInfo{Name: "a", Size: 9}, reader, nil)
				}()
				offer := (<-bob.conn.Events()).(FileOffered).Offer
				go func() { took <- offer.Accept(taking, in, nil) }()
				_, _ = io.WriteString(writer, "half")
				synctest.Wait()
				at := time.Now()
				giveUp()
				synctest.Wait()
				for _, s := range []*side{alice, bob} {
					s.conn.Do(func() {
						for over := range s.pipes {
							if s.busy(over) {
								t.Errorf("%s has something under way", s.name)
							}
						}
					})
				}
				_ = writer.CloseWithError(io.ErrUnexpectedEOF)
				_ = out.CloseWithError(io.ErrClosedPipe)
				if err := <-sent; err == nil || sender && !errors.Is(err, context.Canceled) {
					t.Errorf("sent: %v", err)
				}
				if err := <-took; err == nil || !sender && !errors.Is(err, context.Canceled) {
					t.Errorf("taken: %v", err)
				}
				if took := time.Since(at); took > 0 {
					t.Errorf("it ended after %v", took)
				}
			})
		})
	}
}

// An offer is not accepted by somebody who has given up already.
func TestOfferIsNotTakenByWhoHasGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		alice, bob := pair(t, true)
		sent := make(chan error, 1)
		go func() {
			sent <- alice.SendFile(t.Context(), bob.name, slp.FileInfo{Name: "a", Size: 3}, strings.NewReader("abc"), nil)
		}()
		offer := (<-bob.conn.Events()).(FileOffered).Offer
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := offer.Accept(ctx, io.Discard, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("taken: %v", err)
		}
		if err := offer.Accept(t.Context(), io.Discard, nil); err != nil {
			t.Errorf("taken after all: %v", err)
		}
		if err := <-sent; err != nil {
			t.Errorf("sent: %v", err)
		}
	})
}
