package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"matrix-msn/bench/internal/stub"
)

// way is a direction.
type way int

const (
	toMatrix way = iota
	toMSN
)

func (w way) String() string { return [...]string{"MSN to Matrix", "Matrix to MSN"}[w] }

// flow is what was measured of one direction.
type flow struct {
	p50, p99             time.Duration // at a steady rate
	besideP50, besideP99 time.Duration // while one room hangs
	rate                 float64       // messages a second, all at once
	cpu                  float64       // seconds of processor for each of those
	allocs, statements   float64       // for each of those
}

// result is what was measured of a bridge.
type result struct {
	flows    [2]flow
	resident float64 // bytes, at the end
}

// measure measures a bridge.
func measure(ctx context.Context, o options, of kind, dir string, uri func(context.Context) (string, error)) (r result, err error) {
	s, err := start(ctx, o, of, dir, uri)
	if err != nil {
		return r, err
	}
	defer s.close()
	next := int64(10)
	for w := range r.flows {
		f := &r.flows[w]
		if f.p50, f.p99, err = s.steady(ctx, way(w), &next, -1); err != nil {
			return r, fmt.Errorf("%v at a steady rate: %w", way(w), err)
		}
		if err := s.burst(ctx, way(w), &next, f); err != nil {
			return r, fmt.Errorf("%v at once: %w", way(w), err)
		}
		over := s.homeserver.Hang(s.rooms[[2]int{0, 0}])
		f.besideP50, f.besideP99, err = s.steady(ctx, way(w), &next, 0)
		over()
		if err != nil {
			return r, fmt.Errorf("%v while a room hangs: %w", way(w), err)
		}
	}
	now, err := s.scrape(ctx)
	r.resident = now.resident
	return r, err
}

// say says a text.
func (s *side) say(ctx context.Context, w way, pair [2]int, text string) error {
	if w == toMatrix {
		return s.bots[pair].Say(ctx, account(pair[0]), text)
	}
	return s.homeserver.Send(ctx, s.homeserver.Text(s.rooms[pair], matrixUser(pair[0]), text))
}

// steady has texts said at the rate, in one room after the other but for one, and returns how long they took.
func (s *side) steady(ctx context.Context, w way, next *int64, but int) (p50, p99 time.Duration, err error) {
	pairs := s.pairs()
	if but >= 0 {
		// It is the first of all; one text waits there meanwhile.
		if w == toMatrix {
			if err := s.say(ctx, w, pairs[0], word(pairs[0][0], pairs[0][1], 2)); err != nil {
				return 0, 0, err
			}
		}
		pairs = pairs[1:]
	}
	tick := time.NewTicker(time.Second / time.Duration(s.o.rate))
	defer tick.Stop()
	sent := make(map[string]time.Time)
	var texts []string
	var saying sync.WaitGroup
	failed := make(chan error, 1)
	for i := range int(s.o.during.Seconds() * float64(s.o.rate)) {
		select {
		case <-tick.C:
		case err := <-failed:
			return 0, 0, err
		case <-ctx.Done():
			return 0, 0, ctx.Err()
		}
		pair := pairs[i%len(pairs)]
		*next++
		text := word(pair[0], pair[1], *next)
		texts = append(texts, text)
		sent[text] = time.Now()
		saying.Go(func() {
			if err := s.say(ctx, w, pair, text); err != nil {
				select {
				case failed <- err:
				default:
				}
			}
		})
	}
	saying.Wait()
	if err := s.wait(ctx, texts); err != nil {
		return 0, 0, err
	}
	took := s.latencies(sent)
	return took[len(took)/2], took[len(took)*99/100], nil
}

// inTransaction is how many events the homeserver pushes at once.
const inTransaction = 50

// burst has many texts said at once, and notes what that costs.
func (s *side) burst(ctx context.Context, w way, next *int64, f *flow) error {
	before, err := s.scrape(ctx)
	if err != nil {
		return err
	}
	var texts []string
	began := time.Now()
	if w == toMatrix {
		var saying sync.WaitGroup
		failed := make(chan error, len(s.bots))
		for _, pair := range s.pairs() {
			first := *next
			*next += int64(s.o.burst)
			for k := range s.o.burst {
				texts = append(texts, word(pair[0], pair[1], first+int64(k)+1))
			}
			mine := texts[len(texts)-s.o.burst:]
			saying.Go(func() {
				for _, text := range mine {
					if err := s.say(ctx, w, pair, text); err != nil {
						failed <- err
						return
					}
				}
			})
		}
		saying.Wait()
		select {
		case err := <-failed:
			return err
		default:
		}
	} else {
		var waiting []stub.Event
		for range s.o.burst {
			for _, pair := range s.pairs() {
				*next++
				text := word(pair[0], pair[1], *next)
				texts = append(texts, text)
				waiting = append(waiting, s.homeserver.Text(s.rooms[pair], matrixUser(pair[0]), text))
			}
		}
		for len(waiting) > 0 {
			n := min(inTransaction, len(waiting))
			if err := s.homeserver.Send(ctx, waiting[:n]...); err != nil {
				return err
			}
			waiting = waiting[n:]
		}
	}
	if err := s.wait(ctx, texts); err != nil {
		return err
	}
	sent := make(map[string]time.Time)
	for _, text := range texts {
		sent[text] = began
	}
	took := s.latencies(sent)
	after, err := s.scrape(ctx)
	if err != nil {
		return err
	}
	n := float64(len(texts))
	f.rate = n / took[len(took)-1].Seconds()
	f.cpu, f.allocs, f.statements = (after.cpu-before.cpu)/n, (after.allocs-before.allocs)/n, (after.statements-before.statements)/n
	return nil
}
