package media

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/p2p"
	"matrix-msn/msn/slp"
)

// Before the user signs out, what nobody has taken is taken back: it has not arrived. What is on its way arrives.
func TestFinishTakesBackWhatNobodyHasTaken(t *testing.T) {
	t.Parallel()
	for _, later := range []bool{false, true} {
		t.Run(fmt.Sprintf("later %t", later), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				alice, bob := pair(t, later)
				reader, writer := io.Pipe()
				offers := func(name string, from io.Reader) (sent chan error, offer *FileOffer) {
					sent = make(chan error, 1)
					go func() {
						sent <- alice.SendFile(t.Context(), bob.name, slp.FileInfo{Name: name, Size: 9}, from, nil)
					}()
					return sent, (<-bob.conn.Events()).(FileOffered).Offer
				}
				going, taken := offers("going", reader)
				waits, offer := offers("waits", strings.NewReader("123456789"))
				var got strings.Builder
				took := make(chan error, 1)
				go func() { took <- taken.Accept(t.Context(), &got, nil) }()
				_, _ = io.WriteString(writer, "half,")
				synctest.Wait()
				at := time.Now()
				alice.conn.Do(alice.Finish)
				if err := <-waits; !errors.Is(err, errs.ErrFinishing) {
					t.Errorf("what nobody has taken: %v", err)
				}
				<-offer.Ended()
				if !errors.Is(offer.Why(), p2p.ErrCancelled) {
					t.Errorf("its offer ended with %v", offer.Why())
				}
				if err := offer.Accept(t.Context(), io.Discard, nil); !errors.Is(err, ErrNoOffer) {
					t.Errorf("it is taken afterwards: %v", err)
				}
				_, _ = io.WriteString(writer, "half")
				if err := errors.Join(<-going, <-took); err != nil || got.String() != "half,half" {
					t.Errorf("what is on its way: %v, %q", err, &got)
				}
				if took := time.Since(at); took > 0 {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}
