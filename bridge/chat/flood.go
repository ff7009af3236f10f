package chat

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/networkid"
)

// Nudges and the like cost their sender one click each. So many of a contact are shown in a room
// within floodWindow; those beyond are told as a number when it ends. Who goes on is told of less
// and less often.
const (
	floodWindow    = time.Minute
	maxFloodWindow = time.Hour
	maxFloods      = 1000 // contacts who are counted at a time
)

// flooder is what is counted: what one contact sends into a room.
type flooder struct {
	portal  networkid.PortalKey
	account string
	kind    besidesKind
}

// flood is what came of somebody in a window.
type flood struct {
	shown  int
	more   int // what was not shown
	window time.Duration
	timer  *time.Timer
}

// floods counts what comes besides texts. It is stopped at first.
type floods struct {
	say func(ctx context.Context, of flooder, more int) // tells what was not shown

	mu     sync.Mutex
	ctx    context.Context // of the run; nil while there is none
	counts map[flooder]*flood
	saying sync.WaitGroup
}

// Start implements session.Part.
func (f *floods) Start(ctx context.Context) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ctx, f.counts = ctx, make(map[flooder]*flood)
}

// Stop implements session.Part: it tells what was not shown yet.
func (f *floods) Stop() {
	f.mu.Lock()
	ctx, counts := f.ctx, f.counts
	f.ctx, f.counts = nil, nil
	f.mu.Unlock()
	f.saying.Wait()
	for of, one := range counts {
		one.timer.Stop()
		if one.more > 0 {
			f.say(context.WithoutCancel(ctx), of, one.more)
		}
	}
}

// allow reports whether one more thing is shown, of which most are within a window. One that is
// not is told of later.
func (f *floods) allow(of flooder, most int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ctx == nil {
		return true // the last words of a session that ends
	}
	one := f.counts[of]
	if one == nil {
		if len(f.counts) >= maxFloods {
			zerolog.Ctx(f.ctx).Warn().Int("people", maxFloods).Msg("Left out a nudge or the like: too many people send them")
			return false
		}
		one = &flood{window: floodWindow}
		one.timer = time.AfterFunc(floodWindow, func() { f.turn(of, one) })
		f.counts[of] = one
	}
	if one.shown < most {
		one.shown++
		return true
	}
	one.more++
	return false
}

// turn ends a window.
func (f *floods) turn(of flooder, one *flood) {
	f.mu.Lock()
	if f.ctx == nil || f.counts[of] != one {
		f.mu.Unlock()
		return
	}
	ctx, more := f.ctx, one.more
	if more == 0 {
		delete(f.counts, of)
		f.mu.Unlock()
		return
	}
	one.more = 0
	one.window = min(2*one.window, maxFloodWindow)
	one.timer.Reset(one.window)
	f.saying.Add(1)
	f.mu.Unlock()
	defer f.saying.Done()
	f.say(ctx, of, more)
}
