package session

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// Whoever comes, is done and gives up in whatever order: no more than maxSignIns have a turn, they get it in the order in which
// they came, each is called once, and nothing is left in the end.
func TestTurnsAgainstTheirModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			var s SignIns
			var underWay, waiting []int // what is to be
			came := make(chan int, 1000)
			cancels := make(map[int]context.CancelFunc)
			called := make(map[int]int)
			gaveUp := make(chan int, 1000)
			next := 0
			look := func() {
				synctest.Wait()
				for len(came) > 0 {
					who := <-came
					called[who]++
					if len(waiting) == 0 || waiting[0] != who {
						t.Fatalf("seed %d: %d has the turn, %v wait", seed, who, waiting)
					}
					waiting, underWay = waiting[1:], append(underWay, who)
				}
				for len(gaveUp) > 0 {
					who := <-gaveUp
					called[who]++
					waiting = slices.DeleteFunc(waiting, func(other int) bool { return other == who })
				}
				if len(underWay) > maxSignIns || len(underWay) < maxSignIns && len(waiting) > 0 {
					t.Fatalf("seed %d: %d are under way, %d wait", seed, len(underWay), len(waiting))
				}
			}
			end := func(i int) {
				s.done(Background, "home")
				underWay = slices.Delete(underWay, i, i+1)
			}
			for range 200 {
				switch choice := random.IntN(5); {
				case choice < 2:
					who := next
					next++
					ctx, cancel := context.WithCancel(t.Context())
					cancels[who] = cancel
					waiting = append(waiting, who)
					s.whenFree(ctx, Background, "home", func(mine bool) {
						if mine {
							came <- who
						} else {
							gaveUp <- who
						}
					})
				case choice < 4 && len(underWay) > 0:
					end(random.IntN(len(underWay)))
				case len(waiting) > 0:
					cancels[waiting[random.IntN(len(waiting))]]()
				}
				look()
			}
			for len(underWay) > 0 {
				end(0)
				look()
			}
			for who := range next {
				cancels[who]()
				if called[who] != 1 {
					t.Errorf("seed %d: %d was called %d times", seed, who, called[who])
				}
			}
			look()
			if of := s.turnsOf("home", Background); of.underWay+of.waiting.Len() > 0 {
				t.Errorf("seed %d: %d are under way, %d wait", seed, of.underWay, of.waiting.Len())
			}
		})
	}
}

// Who gives up in the moment in which it would be its turn is called once, and holds up nobody.
func TestTurnIsGivenUpInTheMomentItComes(t *testing.T) {
	t.Parallel()
	for range 500 {
		synctest.Test(t, func(t *testing.T) {
			var s SignIns
			for range maxSignIns {
				if err := s.await(t.Context(), Background, "home"); err != nil {
					t.Fatal(err)
				}
			}
			ctx, cancel := context.WithCancel(t.Context())
			called := make(chan bool, 2)
			s.whenFree(ctx, Background, "home", func(mine bool) { called <- mine })
			go cancel()
			go s.done(Background, "home")
			if <-called {
				s.done(Background, "home")
			}
			synctest.Wait()
			if len(called) > 0 {
				t.Error("it was called twice")
			}
			if err := s.await(t.Context(), Background, "home"); err != nil {
				t.Error(err)
			}
		})
	}
}

// It is a rush from when many wait until a while after the last has signed in, and a single login is none.
func TestManySignInsAreARush(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen []bool
		s := SignIns{}
		s.Rush = func(begins bool) { seen = append(seen, begins) } // called with the lock
		take := func() []bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return slices.Clone(seen)
		}
		signIn := func(many int) {
			for range many {
				s.whenFree(t.Context(), Background, "home", func(bool) {
					time.Sleep(time.Second)
					s.done(Background, "home")
				})
			}
		}
		signIn(1)
		time.Sleep(time.Minute)
		if rushes := take(); len(rushes) > 0 {
			t.Errorf("of one login: %v", rushes)
		}
		signIn(rushFrom + maxSignIns)
		time.Sleep((rushFrom/maxSignIns + 1) * time.Second)
		time.Sleep(rushSettles / 2)
		signIn(1) // somebody always does
		if rushes := take(); len(rushes) != 1 || !rushes[0] {
			t.Errorf("before it is over: %v", rushes)
		}
		for range rushSettles / time.Second {
			signIn(1)
			time.Sleep(time.Second)
		}
		if rushes := take(); len(rushes) != 2 || rushes[1] {
			t.Errorf("after it: %v", rushes)
		}
		ctx, giveUp := context.WithCancel(t.Context())
		for range rushFrom + maxSignIns {
			s.whenFree(ctx, Background, "home", func(mine bool) {
				if mine {
					<-ctx.Done()
					s.done(Background, "home")
				}
			})
		}
		giveUp()
		time.Sleep(time.Minute)
		if rushes := take(); len(rushes) != 4 {
			t.Errorf("when all have given up: %v", rushes)
		}
	})
}
