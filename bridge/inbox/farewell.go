package inbox

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/metrics"
	"matrix-msn/bridge/queue"
	"matrix-msn/bridge/retry"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/words"
	"matrix-msn/database"
)

const (
	// bringAtLogout is for how long a logout goes on bringing what has come into its rooms. Whoever logs out waits for that.
	bringAtLogout = 3 * time.Second
	// finishAtLogout is how long what is half-way then gets.
	finishAtLogout = time.Second
	// againAtLogout is how long a room waits then that has not taken a message.
	againAtLogout = time.Second / 2
	// attemptsAtLogout is how often a message is offered then to a room that takes others.
	attemptsAtLogout = 3
	// tellAtLogout bounds telling what did not get there.
	tellAtLogout = 5 * time.Second
	// maxNamed is how many people are named then who may have to send something again.
	maxNamed = 5
)

// Farewell goes on for a moment with bringing what has come into its rooms when the user logs out, and tells them what has not got there:
// the login, and with it the table, will be gone. What is put in meanwhile is not stored, and told of with that. An inbox that is
// started again, because the login is still there, goes on with all of it.
func (b *Inbox) Farewell(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	b.mu.Lock() // waits for who stores something
	b.closed = true
	if b.ctx == nil { // it was never started
		b.left.reset()
	}
	b.mu.Unlock()
	f := &farewell{Inbox: b, begun: make(map[networkid.PortalID]bool), stuck: make(map[networkid.PortalID]bool)}
	ending, cancel := context.WithTimeout(ctx, bringAtLogout+finishAtLogout)
	defer cancel()
	f.ending = ending
	bringing, cancel := context.WithTimeout(ending, bringAtLogout)
	defer cancel()
	if err := b.loop.Farewell(bringing, f.begin); err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("Not all that has come got into its room before the user logged out")
	}
	telling, cancel := context.WithTimeout(ctx, tellAtLogout)
	defer cancel()
	b.tellLost(telling)
}

// farewell is a Farewell that is under way.
type farewell struct {
	*Inbox
	ending context.Context // of what is half-way

	mu    sync.Mutex
	begun map[networkid.PortalID]bool // rooms of which a message was begun
	stuck map[networkid.PortalID]bool // rooms that take nothing, or must not be made: what is behind overtakes nothing
}

// begin is Begin of a Farewell. What does not get into its room is left in the table.
func (f *farewell) begin(ctx context.Context, job *queue.Job[*database.QueuedMessage]) queue.Outcome {
	m := job.Row
	f.mu.Lock()
	first, stuck := !f.begun[m.PortalID], f.stuck[m.PortalID]
	f.begun[m.PortalID] = true
	f.mu.Unlock()
	if stuck {
		return queue.Leave()
	}
	if first && !f.left.first(m) {
		job.Attempt++ // the stop before may have left it half-way: it is looked for in its room
	}
	for attempt := 1; ctx.Err() == nil; attempt, job.Attempt = attempt+1, job.Attempt+1 {
		answered := attempt >= attemptsAtLogout && f.answers(ctx, m) == nil // before, as in Begin
		done, err := f.try(ctx, job)
		switch {
		case done:
			return queue.Done().Then(func(ctx context.Context) { f.kindOf(m).inMatrix(ctx, m) })
		case room.IsRefusal(err), err != nil && answered:
			return queue.Leave() // it is this one alone, and those behind it may get there
		case err == nil || !retry.Sleep(ctx, againAtLogout):
			f.mu.Lock()
			f.stuck[m.PortalID] = true
			f.mu.Unlock()
			return queue.Leave()
		}
	}
	return queue.Leave()
}

// try brings a message into its room. It reports false, without an error, for one that has to wait until its room may be made.
func (f *farewell) try(ctx context.Context, job *queue.Job[*database.QueuedMessage]) (done bool, err error) {
	m, kind := job.Row, f.kindOf(job.Row)
	if unwanted, err := kind.unwanted(ctx, m); err != nil {
		return false, err
	} else if unwanted {
		f.count(m, metrics.Unwanted)
		return true, nil
	}
	if until, err := kind.admit(ctx, m); err != nil || !until.IsZero() {
		return false, err
	}
	if found, err := f.found(ctx, job); err != nil || found {
		return found, err
	}
	if err := f.bring(f.ending, m); err != nil {
		return false, err
	}
	f.count(m, metrics.Delivered)
	return true, nil
}

// tellLost tells the user of what is left.
func (b *Inbox) tellLost(ctx context.Context) {
	left, err := b.account.DB.MSNQueue.Waiting(ctx, b.account.Login.ID)
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to count what has not got into its room before the user logged out")
	}
	b.mu.Lock()
	b.told = true
	for _, a := range b.unsaved {
		for _, part := range a.parts {
			if part.Kind == database.QueuedAlert { // of the bridge itself, about what is being brought
				continue
			}
			left = append(left, database.WaitingMessages{Sender: part.Sender, Kind: part.Kind, Count: 1})
		}
	}
	b.mu.Unlock()
	lost, senders := lostOf(left, b.account.Identity.Account)
	if lost == 0 {
		return
	}
	zerolog.Ctx(ctx).Error().Int("messages", lost).Msg("Lost incoming messages: the user has logged out")
	if err := b.tell(ctx, b.lostSentence(ctx, lost, senders)); err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to tell that incoming messages are lost")
	}
}

// lostOf returns how many messages of those that are left somebody would miss, and who can send them again. What the service keeps
// comes again by itself; who came and went, and how a text looks that is there, is of no use any more. Nobody is asked to ask themselves.
func lostOf(left []database.WaitingMessages, self string) (lost int, senders []string) {
	for _, waiting := range left {
		switch waiting.Kind {
		case database.QueuedLeft, database.QueuedBack, database.QueuedEdit, database.QueuedOffline:
			continue
		}
		lost += waiting.Count
		if waiting.Kind != database.QueuedAlert && waiting.Sender != self && !slices.Contains(senders, waiting.Sender) {
			senders = append(senders, waiting.Sender)
		}
	}
	return lost, senders
}

// lostSentence says that messages are lost.
func (b *Inbox) lostSentence(ctx context.Context, lost int, senders []string) string {
	service := b.account.Service.Name
	if len(senders) == 0 {
		return words.Count("inbox.lost_at_logout", lost, service)
	}
	var named []string
	for _, sender := range senders[:min(len(senders), maxNamed)] {
		named = append(named, b.account.Person(ctx, sender).Name)
	}
	if more := len(senders) - len(named); more > 0 {
		named = append(named, words.Count("inbox.other_people", more))
	}
	who, last := strings.Join(named[:len(named)-1], ", "), named[len(named)-1]
	if who == "" {
		who = last
	} else {
		who = words.Text("inbox.and", who, last)
	}
	return words.Count("inbox.lost_at_logout_ask", lost, service, who)
}

// tellUser says something in the user's management room.
func (b *Inbox) tellUser(ctx context.Context, text string) error {
	to, err := b.rooms.Management(ctx)
	if err != nil {
		return err
	}
	return b.rooms.Notice(ctx, to, text, "")
}
