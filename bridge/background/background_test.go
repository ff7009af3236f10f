package background

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

func TestWorkThatIsStuckHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		b := New()
		b.Start(ctx)
		b.Do("stuck", func(ctx context.Context) { <-ctx.Done() })
		synctest.Wait()
		done := 0
		b.Do("other", func(context.Context) { done++ })
		b.Do("stuck", func(context.Context) { t.Error("begun while another of its key goes on") })
		synctest.Wait()
		if done != 1 {
			t.Errorf("the other work is done %d times", done)
		}
		end()
		b.Stop()
	})
}

func TestOfManyCallsTheLastCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		defer end()
		b := New()
		var done []int
		for i := range 10 {
			b.Do("key", func(context.Context) { done = append(done, i) })
		}
		synctest.Wait()
		if len(done) > 0 {
			t.Errorf("done while stopped: %v", done)
		}
		b.Start(ctx)
		synctest.Wait()
		if fmt.Sprint(done) != "[9]" {
			t.Errorf("done: %v", done)
		}
		end()
		b.Stop()
		b.Do("key", func(context.Context) { t.Error("done after the end") })
		synctest.Wait()
	})
}

// As many works as are done at a time, and all of them stuck, keep others waiting for a while alone.
func TestWorksThatAreStuckHoldUpOthersForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		b := New()
		b.Start(ctx)
		for i := range parallelWork {
			b.Do(fmt.Sprint("stuck ", i), func(ctx context.Context) { <-ctx.Done() })
		}
		began := time.Now()
		waited := make(chan time.Duration, 3)
		for i := range 3 { // one after the other: they do not keep each other waiting
			b.Do(fmt.Sprint("other ", i), func(context.Context) { waited <- time.Since(began) })
			time.Sleep(workPatience / 2)
		}
		time.Sleep(time.Hour)
		for range cap(waited) {
			if d := <-waited; d != workPatience {
				t.Errorf("another work was done after %v", d)
			}
		}
		end()
		b.Stop()
		if b.busy != 0 || b.going != 0 || len(b.tasks) != 0 {
			t.Errorf("%d busy, %d going, %d tasks", b.busy, b.going, len(b.tasks))
		}
	})
}

// Whatever comes in whatever order: of one key nothing is done at the same time, what was
// asked for last is done last, and when nothing is left there is no goroutine.
func TestBackgroundWorkAgainstItsModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			b := New()
			var mu sync.Mutex
			asked, done, active := make(map[string]int), make(map[string]int), make(map[string]bool)
			ctx, end := context.WithCancel(t.Context())
			started := false
			for step := range 100 {
				switch random.IntN(10) {
				case 0:
					if started {
						synctest.Wait() // what is begun has begun
						end()
						over := make(chan struct{})
						go func() { defer close(over); b.Stop() }()
						ctx, end = context.WithCancel(t.Context())
						if again := random.IntN(2) == 0; again { // while what was begun goes on
							synctest.Wait()
							b.Start(ctx)
							<-over
							continue
						}
						<-over
					} else {
						b.Start(ctx)
					}
					started = !started
				case 1:
					time.Sleep(time.Duration(random.IntN(10)) * time.Second)
				default:
					key := fmt.Sprint(random.IntN(4))
					takes := time.Duration(random.IntN(5)) * time.Second
					mu.Lock()
					asked[key] = step
					mu.Unlock()
					b.Do(key, func(ctx context.Context) {
						mu.Lock()
						if ctx.Err() != nil {
							t.Errorf("seed %d: %s is begun after the end", seed, key)
						}
						if active[key] {
							t.Errorf("seed %d: %s twice at a time", seed, key)
						}
						active[key] = true
						mu.Unlock()
						time.Sleep(takes)
						mu.Lock()
						defer mu.Unlock()
						if active[key] = false; done[key] > step {
							t.Errorf("seed %d: %s goes back", seed, key)
						}
						done[key] = step
					})
				}
			}
			if !started {
				b.Start(ctx)
			}
			time.Sleep(time.Hour)
			synctest.Wait()
			for key, step := range asked {
				if done[key] != step {
					t.Errorf("seed %d: of %s %d was done, %d was asked for", seed, key, done[key], step)
				}
			}
			if len(b.tasks) != 0 || b.busy != 0 || b.going != 0 || b.ctx != nil {
				t.Errorf("seed %d: of nothing there is left %v, %d busy, %d going", seed, b.tasks, b.busy, b.going)
			}
			end()
			b.Stop()
		})
	}
}

// Work that is tried again is no trouble of messages: whoever does it says what is worth that.
func TestWorkThatIsTriedAgainIsNotLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		ctx, end := context.WithCancel(zerolog.New(&log).Level(zerolog.InfoLevel).WithContext(t.Context()))
		b := New()
		b.Start(ctx)
		tries := 0
		b.Try("key", func(context.Context) bool {
			tries++
			return tries == 3
		})
		time.Sleep(time.Hour)
		end()
		b.Stop()
		if tries != 3 || log.Len() > 0 {
			t.Errorf("%d attempts, logged %s", tries, &log)
		}
	})
}
