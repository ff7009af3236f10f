package picture

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/database"
)

// Forty contacts who do not answer hold up no others for long: neither those who come with them, nor who comes later, also
// when they show another picture all the time.
func TestSilentContactsHoldUpNoPictures(t *testing.T) {
	t.Parallel()
	for name, changes := range map[string]bool{"the same picture": false, "another one each time": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := NewContacts(nil, nil, nil, nil, nil, nil)
				ctx, stop := context.WithCancel(t.Context())
				var all sync.WaitGroup
				for i := range 40 {
					all.Go(func() {
						for n := 0; ctx.Err() == nil; n++ {
							hash := "the same"
							if changes {
								hash = fmt.Sprint(n)
							}
							_, again := c.attempt(ctx, fmt.Sprint("silent", i), hash, func(patience time.Duration) (*database.Object, error) {
								silent, cancel := context.WithTimeout(ctx, patience)
								defer cancel()
								<-silent.Done()
								return nil, silent.Err()
							})
							if !again && !changes {
								return
							}
						}
					})
				}
				answers := func(account string, most time.Duration) {
					t.Helper()
					synctest.Wait()
					began := time.Now()
					picture, _ := c.attempt(ctx, account, "a cat", func(time.Duration) (*database.Object, error) { return &database.Object{}, nil })
					if took := time.Since(began); picture == nil || took > most {
						t.Errorf("%s: %v after %s", account, picture, took)
					}
				}
				answers("bob", 40/atOnce*patience[0])
				time.Sleep(time.Minute * 10)
				answers("carol", 0)
				stop()
				all.Wait()
			})
		})
	}
}
