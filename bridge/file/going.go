package file

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/metrics"
	"matrix-msn/bridge/msgconv"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/queue"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/retry"
	"matrix-msn/bridge/session"
	"matrix-msn/database"
	"matrix-msn/internal/lazy"
	"matrix-msn/msn"
	"matrix-msn/msn/wire"
)

const (
	// window is how many files to one contact are under way at once, and maxGoing those of a login.
	window   = 3
	maxGoing = 10
	batch    = 8
	// parallel is to how many contacts files are begun at once, and patience after how long one that
	// waits for the connection is not counted for that.
	parallel = 32
	patience = 20 * time.Second
	// captionTimeout bounds sending what is said of a file.
	captionTimeout = 50 * time.Second
	// maxBehind is after how long it is looked again whether a text before a file with words is done with: Release
	// tells of it before.
	maxBehind = time.Minute
	// startWait is how long files wait, after a start, for the first attempt to sign in to end.
	startWait = 30 * time.Second
	// seenWithin is how long after a sign-in the service may not have said yet that somebody is online: it says so of one contact after
	// the other. seenLook is how often it is looked meanwhile.
	seenWithin = 5 * time.Second
	seenLook   = 200 * time.Millisecond
)

// Session is the connection of the login.
type Session interface {
	// Wait returns the session, and waits for it while the bridge is trying.
	Wait(ctx context.Context) (*msn.Client, error)
	// WaitForOutcome waits until the first attempt to sign in has ended, well or badly.
	WaitForOutcome(ctx context.Context)
	// Since returns since when the account is signed in.
	Since() time.Time
}

var _ Session = (*session.Session)(nil)

// Outbox brings texts to MSN, and tells what became of what was written in Matrix.
type Outbox interface {
	Put(context.Context, *database.QueuedEvent) error
	// Tell notes what became of a message, and tells the room, and who has written it.
	Tell(ctx context.Context, e *database.QueuedEvent, fate error) error
	// Waiting has the room of a message told that it waits for the connection, when that is not over soon.
	Waiting(ctx context.Context, e *database.QueuedEvent) (over func())
	// Emoticons has people given the emoticons of a text, and returns those that they can be given.
	Emoticons(ctx context.Context, session *msn.Client, to msnid.Peer, emoticons database.Emoticons) []msn.Emoticon
}

// Chats knows whom files are for.
type Chats interface {
	// SayWordsOnly tells a room that of a file only the words under it are carried, or only that it was sent.
	SayWordsOnly(ctx context.Context, room id.RoomID, evt id.EventID, sender id.UserID, portal networkid.PortalID, words bool)
}

// Going sends the files of one login to contacts: each is offered once, and its room is told once what
// became of it. It is stopped at first.
type Going struct {
	account *account.Account
	session Session
	outbox  Outbox
	chats   Chats
	loop    *queue.Loop[networkid.PortalID, *database.QueuedFile]
	slots   lazy.Slots // a token for each file that is under way
	puts    queue.Gate // closed while the user logs out

	mu   sync.Mutex
	ends map[id.EventID]underWay // of the files that are under way
}

// underWay is a file on its way to the people of a room.
type underWay struct {
	to  networkid.PortalID
	end context.CancelCauseFunc
}

// NewGoing returns a Going that is stopped. Call Use before Start.
func NewGoing(a *account.Account, session Session, outbox Outbox) *Going {
	g := &Going{account: a, session: session, outbox: outbox}
	g.loop = queue.New(queue.Config[networkid.PortalID, *database.QueuedFile]{
		Store: &table{a.DB.FileQueue, a.Login.ID}, Work: g, Window: window, Batch: batch, Parallel: parallel, Patience: patience,
	})
	return g
}

// Use names who knows whom files are for.
func (g *Going) Use(chats Chats) {
	g.chats = chats
	g.account.OnBlocked(g.blocked)
}

// Put stores a file that is to be sent, also while the login is stopped. One that is there already,
// because the homeserver has repeated it, is not stored again. While the user logs out nothing is: the table will be gone with the
// login, and what is left was told already. The error is msn.ErrClosed then.
func (g *Going) Put(ctx context.Context, f *database.QueuedFile) error {
	return g.puts.Pass(msn.ErrClosed, func() error {
		f.QueuedAt = time.Now()
		if _, err := g.account.DB.FileQueue.Put(ctx, f); err != nil {
			return err
		}
		g.loop.Wake(f.PortalID, f.Position)
		return nil
	})
}

// PutAgain is Put for a file that had an outcome and is sent again. It reports false when that is not
// its outcome any more, or the queue is not done with it. The error is msn.ErrClosed while the user logs out.
func (g *Going) PutAgain(ctx context.Context, f *database.QueuedFile, outcome database.EventOutcome) (taken bool, err error) {
	err = g.puts.Pass(msn.ErrClosed, func() (err error) {
		f.QueuedAt = time.Now()
		if taken, err = g.account.DB.FileQueue.PutAgain(ctx, f, outcome); taken {
			g.loop.Wake(f.PortalID, f.Position)
		}
		return err
	})
	return taken && err == nil, err
}

// Release has files tried again that wait for the texts before them in a room.
func (g *Going) Release(portal networkid.PortalID) { g.loop.Release(portal) }

// Start sends what is in the table.
func (g *Going) Start(ctx context.Context) {
	g.puts.Open()
	g.loop.Start(ctx)
}

// Finish implements session.Finisher: it begins no file any more, takes those back that nobody has accepted, which are offered again
// after the next start, and waits for those on their way, until ctx ends.
func (g *Going) Finish(ctx context.Context, client *msn.Client) {
	over := g.loop.Finish()
	select {
	case <-over: // as nearly always
		return
	default:
	}
	client.Finish()
	select {
	case <-over:
	case <-ctx.Done():
	}
}

// Stop ends what Start began. What is half-way is told at the next start.
func (g *Going) Stop() { g.loop.Stop() }

// Farewell tells the fate of what is left when the user logs out.
func (g *Going) Farewell(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewellTimeout)
	defer cancel()
	g.puts.Close()
	g.puts.Wait(queue.PutsTimeout)
	err := g.loop.Farewell(ctx, func(_ context.Context, job *queue.Job[*database.QueuedFile]) queue.Outcome {
		if job.Earlier {
			return queue.Tell(reason.ErrFileStopped)
		}
		return queue.Tell(msn.ErrClosed)
	})
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to tell what became of files before the user logged out")
	}
}

// Tell implements queue.Work.
func (g *Going) Tell(ctx context.Context, f *database.QueuedFile, fate error) error {
	return g.outbox.Tell(ctx, asText(f), fate)
}

// asText returns the text that takes the place of a file.
func asText(f *database.QueuedFile) *database.QueuedEvent {
	return &database.QueuedEvent{
		LoginID: f.LoginID, EventID: f.EventID, RoomID: f.RoomID, Sender: f.Sender, PortalID: f.PortalID, Format: f.Format,
		WrittenAt: f.WrittenAt, QueuedAt: f.QueuedAt,
	}
}

// Begin implements queue.Work.
func (g *Going) Begin(ctx context.Context, job *queue.Job[*database.QueuedFile]) queue.Outcome {
	f := job.Row
	settled, err := g.isSettled(ctx, f)
	switch {
	case err != nil:
		return queue.Retry(err) // it must not be sent a second time
	case settled:
		return queue.Done()
	case job.Earlier:
		return queue.Tell(reason.ErrFileStopped)
	}
	client, err := g.connected(ctx, f)
	switch {
	case ctx.Err() != nil:
		return queue.PutBack()
	case err != nil:
		return queue.Tell(err)
	}
	if f.Body != "" { // which is a text, and must not overtake those that were written before it
		before, err := g.account.DB.MatrixQueue.Before(ctx, f.LoginID, f.PortalID, f.Position)
		if err != nil {
			return queue.Retry(err)
		}
		if before {
			return queue.Hold(time.Now().Add(maxBehind))
		}
	}
	sending, end := context.WithCancelCause(ctx)
	g.mu.Lock()
	lazy.Put(&g.ends, f.EventID, underWay{f.PortalID, end})
	g.mu.Unlock()
	ended := func() {
		g.mu.Lock()
		delete(g.ends, f.EventID)
		g.mu.Unlock()
		end(nil)
	}
	if err := job.Claim(ctx); err != nil {
		ended()
		if errors.Is(err, queue.ErrLost) {
			return queue.Leave()
		}
		return queue.Retry(err)
	}
	return queue.Pending(func() queue.Outcome {
		defer ended()
		return g.send(ctx, sending, client, f)
	})
}

// isSettled reports whether it is known what became of a file, or a text has taken its place.
func (g *Going) isSettled(ctx context.Context, f *database.QueuedFile) (bool, error) {
	if received, err := g.account.DB.Intake.Get(ctx, f.EventID); err != nil || received != nil && received.Outcome != "" {
		return err == nil, err
	}
	text, err := g.account.DB.MatrixQueue.Get(ctx, f.LoginID, f.EventID)
	return text != nil, err
}

// connected waits for the connection, as long as texts do.
func (g *Going) connected(ctx context.Context, f *database.QueuedFile) (*msn.Client, error) {
	starting, cancel := context.WithTimeout(ctx, startWait)
	g.session.WaitForOutcome(starting)
	cancel()
	waiting, cancel := context.WithTimeout(ctx, g.account.Config.Outage())
	defer cancel()
	defer g.outbox.Waiting(waiting, asText(f))()
	return g.session.Wait(waiting)
}

// send sends a file and returns what became of it. sending ends also when the user deletes it.
func (g *Going) send(ctx, sending context.Context, client *msn.Client, f *database.QueuedFile) queue.Outcome {
	slots := g.slots.Of(maxGoing)
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	case <-sending.Done():
	}
	began := false
	fate := context.Cause(sending)
	if fate == nil {
		began, fate = g.transfer(sending, client, f)
	}
	switch {
	case fate == nil:
		return queue.Tell(nil)
	case ctx.Err() != nil && began:
		return queue.Leave() // the next start says that it may not have arrived
	case ctx.Err() != nil:
		return queue.PutBack()
	case errors.Is(context.Cause(sending), errWithdrawn):
		return g.withdrawn(ctx, f)
	case errors.Is(fate, msn.ErrBlocks), errors.Is(context.Cause(sending), reason.ErrBlockedByUser):
		return queue.Tell(reason.ErrBlockedByUser)
	case began && errors.Is(fate, msn.ErrFinishing): // a stop has begun, and words went out before the file
		return queue.Leave()
	case errors.Is(fate, msn.ErrFinishing):
		return queue.PutBack()
	case !began && byText(fate):
		return g.instead(ctx, f, fate)
	}
	return queue.Tell(fate)
}

// byText reports whether a text can take the place of a file, because of what keeps it from being sent.
func byText(fate error) bool {
	_, large := errors.AsType[reason.LargeFile](fate)
	return large || errors.Is(fate, reason.ErrFileUnread) || errors.Is(fate, reason.ErrMedia) || errors.Is(fate, reason.ErrFileOffline) || errors.Is(fate, reason.ErrNoFiles) || errors.Is(fate, reason.ErrOldMessenger) ||
		errors.Is(fate, msn.ErrNetwork)
}

// transfer sends what is said of a file, and the file. began reports whether something of that may
// have arrived.
func (g *Going) transfer(ctx context.Context, client *msn.Client, f *database.QueuedFile) (began bool, err error) {
	var content event.MessageEventContent
	if err := json.Unmarshal([]byte(f.Content), &content); err != nil {
		return false, fmt.Errorf("%w: %w", reason.ErrFileUnread, err)
	}
	to, _ := msnid.ParsePeer(f.PortalID)
	fate := g.takes(client, to.Account, &content)
	for errors.Is(fate, reason.ErrFileOffline) && time.Since(g.session.Since()) < seenWithin && retry.Sleep(ctx, seenLook) {
		fate = g.takes(client, to.Account, &content)
	}
	if fate != nil {
		return false, fate
	}
	progress := g.follow(ctx, f)
	defer progress.end()
	most := g.account.Config.SendBelow()
	read := false
	err = g.account.Bridge.Bot.DownloadMediaToFile(ctx, content.URL, content.File, false, func(file *os.File) error {
		read = true
		info, err := file.Stat()
		switch {
		case err != nil:
			return fmt.Errorf("%w: %w", reason.ErrFileUnread, err)
		case uint64(info.Size()) > most:
			return reason.LargeFile{Most: most}
		}
		if f.Body != "" {
			began = true
			speaking, cancel := context.WithTimeout(ctx, captionTimeout)
			defer cancel()
			emoticons := g.outbox.Emoticons(speaking, client, to, account.Emoticons(msgconv.CustomEmoji(&content), f.Body))
			if err := client.Conversation(to.Account).StartTextWith(speaking, nil, emoticons, f.Body, f.Format)(); err != nil {
				began = mayHaveArrived(err)
				return offline(err)
			}
		}
		name, size := nameOf(&content), uint64(info.Size())
		if content.MSC3245Voice != nil {
			if wav, wavSize := voiceOf(ctx, file); wav != nil {
				defer func() {
					_ = wav.Close()
					_ = os.Remove(wav.Name())
				}()
				if wavSize <= most {
					file, size, name = wav, wavSize, strings.TrimSuffix(name, path.Ext(name))+".wav"
				}
			}
		}
		if ctx.Err() != nil {
			return ctx.Err() // nothing of it was offered
		}
		progress.size, began = size, true
		ended := g.account.Metrics.Transfer(metrics.ToMSN, size)
		err = client.SendFile(ctx, to.Account, msn.File{Name: name, Size: size}, file, progress.told)
		ended(metrics.OutcomeOf(err))
		if errors.Is(err, msn.ErrOffline) || errors.Is(err, msn.ErrDialect) || errors.Is(err, msn.ErrFinishing) {
			began = f.Body != ""
		}
		return offline(err)
	})
	if err != nil && !read {
		err = fmt.Errorf("%w: %w", reason.ErrFileUnread, err)
	}
	return began, err
}

// offline returns what it means for a file that its recipient is offline, or the protocol has none.
func offline(err error) error {
	switch {
	case errors.Is(err, msn.ErrOffline):
		return fmt.Errorf("%w: %w", reason.ErrFileOffline, err)
	case errors.Is(err, msn.ErrDialect):
		return fmt.Errorf("%w: %w", reason.ErrNoFiles, err)
	}
	return err
}

// mayHaveArrived reports whether a text that failed can have reached the contact.
func mayHaveArrived(err error) bool {
	parts, ok := errors.AsType[*msn.PartsError](err)
	return errors.Is(err, msn.ErrUncertain) || ok && parts.Acknowledged > 0
}

// oldMessenger is where Contact.Capabilities says which version of Messenger it is: 0 for those below
// 6.0, which have no such files, and for what is no Messenger.
const oldMessenger = 28

// takes returns why a file cannot be sent to a contact, before anything is done, or nil.
func (g *Going) takes(client *msn.Client, to string, content *event.MessageEventContent) error {
	contact, known := client.Contact(to)
	most := g.account.Config.SendBelow()
	switch {
	case known && contact.Lists.Has(msn.ListBlock):
		return reason.ErrBlockedByUser
	case most == 0, content.Info != nil && content.Info.Size > 0 && uint64(content.Info.Size) > most:
		return reason.LargeFile{Most: most}
	case client.Dialect() < wire.FirstObjects:
		return reason.ErrNoFiles
	case known && contact.Network > 1:
		return msn.ErrNetwork
	case known && contact.Lists.Has(msn.ListForward) && (contact.Status == msn.Offline || contact.Status == ""):
		return reason.ErrFileOffline
	case known && contact.Status != msn.Offline && contact.Capabilities>>oldMessenger == 0:
		return reason.ErrOldMessenger
	}
	return nil
}

// instead has a text sent in the place of a file: a link to it, or at least the words.
func (g *Going) instead(ctx context.Context, f *database.QueuedFile, why error) queue.Outcome {
	var content event.MessageEventContent
	_ = json.Unmarshal([]byte(f.Content), &content) // it was read before
	text := asText(f)
	link := ""
	if !errors.Is(why, reason.ErrFileUnread) { // nobody else could read it either
		link = g.Link(ctx, &content)
	}
	switch {
	case link != "" && f.Body != "":
		text.Body = f.Body + "\n" + link
	case link != "":
		text.Body = link
	case f.Instead != "":
		text.Body = f.Instead
	default:
		return queue.Tell(why)
	}
	text.Emoticons = account.Emoticons(msgconv.CustomEmoji(&content), text.Body)
	zerolog.Ctx(ctx).Info().Err(why).Stringer("event_id", f.EventID).Bool("link", link != "").Msg("A text takes the place of a file")
	if err := g.outbox.Put(ctx, text); err != nil {
		return queue.Tell(fmt.Errorf("%w: %w", reason.ErrBridge, err))
	}
	if link == "" && f.Body != "" {
		g.chats.SayWordsOnly(ctx, f.RoomID, f.EventID, f.Sender, f.PortalID, !content.MsgType.IsMedia() || content.GetCaption() != "")
	}
	return queue.Done() // the outbox tells what became of it
}

var _ queue.Work[*database.QueuedFile] = (*Going)(nil)
var _ session.Finisher = (*Going)(nil)
var _ bridgev2.MatrixConnectorWithPublicMedia = (publicMedia)(nil)
