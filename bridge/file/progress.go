package file

import (
	"context"
	"sync"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/words"
	"matrix-msn/database"
)

const (
	// step is of how many percent the room is told that they have gone out.
	step = 10
	// accepted stands for less: the contact has taken the file.
	accepted = 1
)

// progress tells a room how far a file is. Whoever sends it never waits for that.
type progress struct {
	ctx     context.Context
	account *account.Account
	info    *bridgev2.MessageStatusEventInfo
	size    uint64 // set before the first call of told

	mu     sync.Mutex
	news   chan int // the latest that is not told: percent
	last   int      // of told, in percent; -1 before
	over   bool
	saying sync.WaitGroup
}

// follow begins to tell a room how far a file is, until end.
func (g *Going) follow(ctx context.Context, f *database.QueuedFile) *progress {
	// The framework sends beside us what it is given, and the end of the work cuts that short, lest it comes after how
	// the file went. That is no error: what matters is told at the end.
	ctx = zerolog.Nop().WithContext(ctx)
	p := &progress{ctx: ctx, account: g.account, news: make(chan int, 1), last: -1, info: &bridgev2.MessageStatusEventInfo{
		RoomID: f.RoomID, SourceEventID: f.EventID, EventType: event.EventMessage, MessageType: event.MsgFile, Sender: f.Sender,
	}}
	p.begin()
	return p
}

func (p *progress) begin() {
	p.saying.Go(func() {
		for percent := range p.news {
			p.say(percent)
		}
	})
}

// told is called with how much has gone out.
func (p *progress) told(done uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	percent := 0
	if p.size > 0 {
		percent = int(done*100/p.size) / step * step
	}
	if done > 0 {
		percent = max(percent, accepted)
	}
	if p.over || percent <= p.last || percent >= 100 { // of all of it the end tells
		return
	}
	p.last = percent
	select {
	case <-p.news:
	default:
	}
	p.news <- percent
}

func (p *progress) say(percent int) {
	if p.ctx.Err() != nil {
		return
	}
	text := words.Text("file.f_the_file_has_gone_out", percent)
	switch percent {
	case 0:
		text = words.Text("file.the_file_is_offered")
	case accepted:
		text = words.Text("file.the_file_is_accepted")
	}
	p.account.Bridge.Matrix.SendMessageStatus(p.ctx, &bridgev2.MessageStatus{Status: event.MessageStatusPending, Message: text}, p.info)
}

// end waits until the room is told of what was to be told.
func (p *progress) end() {
	p.mu.Lock()
	p.over = true
	close(p.news)
	p.mu.Unlock()
	p.saying.Wait()
}
