// Package file carries files between Matrix and MSN: those that contacts offer into their rooms, and
// those of rooms to contacts. What is on its way is noted on disk, so that everybody is told what
// became of it, also after a restart.
package file

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/background"
	"matrix-msn/bridge/metrics"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/session"
	"matrix-msn/bridge/words"
	"matrix-msn/database"
	"matrix-msn/internal/lazy"
	"matrix-msn/msn"
)

const (
	// maxOfContact and maxComing are how many files of one contact and of all of them are offered or
	// on their way at once.
	maxOfContact = 3
	maxComing    = 10
	// decideTime is how long a user has to say whether they want a file. Messengers wait for as long.
	decideTime = 5 * time.Minute
	// storeTimeout bounds noting down one file. The session waits meanwhile.
	storeTimeout = 5 * time.Second
	// farewellTimeout bounds what is told at logout. The framework waits for it.
	farewellTimeout = 10 * time.Second
)

// Inbox brings messages into rooms.
type Inbox interface {
	// PutBy puts a message at the end of the queue by a function that stores it, with what it is
	// about.
	PutBy(ctx context.Context, m *database.QueuedMessage, store func(context.Context, *database.QueuedMessage) (added bool, err error))
	// Room returns the room of a message that is not in the queue yet, which is made if there is none.
	Room(ctx context.Context, m *database.QueuedMessage) (id.RoomID, error)
}

// Lines count what rooms are told of people.
type Lines interface {
	// AllowFile reports whether a room is told of one more file that somebody offers. One of which it is not is told
	// of as a number, later.
	AllowFile(portal networkid.PortalKey, account string) bool
}

// ComingConfig is what Coming needs of others.
type ComingConfig struct {
	Account *account.Account
	Rooms   *room.Rooms
	Inbox   Inbox
	Work    *background.Work
	// Fetch asks a contact for a recording and writes it to w.
	Fetch func(ctx context.Context, contact string, o msn.Object, w io.Writer) error
	// Most returns how large a file may be that the homeserver takes, in bytes.
	Most func() uint64
}

// Coming takes the files that contacts of one login offer. It is stopped at first.
type Coming struct {
	cfg   ComingConfig
	lines Lines

	mu     sync.Mutex
	ctx    context.Context // of the run; nil while there is none
	ending bool            // none is taken any more, until the next run
	latest int             // number of the last offer
	offers map[networkid.MessageID]*offer
	taking sync.WaitGroup
}

// offer is a file that somebody offers, until the table knows what became of it.
type offer struct {
	database.ComingFile
	number  int
	size    uint64
	file    fileOffer
	voice   bool // it is a recording of the sender's voice
	asked   bool // the user is to decide
	decided bool // they have
	over    bool // it is known what became of it
	answer  chan bool
	end     context.CancelCauseFunc // ends it before its time; nil until it is run
	done    chan struct{}           // closed when nothing is done with it any more
}

// fileOffer is what can be done with the offer of a file.
type fileOffer interface {
	Accept(ctx context.Context, w io.Writer, told func(done uint64)) error
	Decline()
	Ended() <-chan struct{}
	Why() error
}

var _ fileOffer = (*msn.FileOffer)(nil)

// NewComing returns a Coming that is stopped. Call Use before Start.
func NewComing(cfg ComingConfig) *Coming {
	return &Coming{cfg: cfg}
}

// Use names who counts the lines about files.
func (c *Coming) Use(lines Lines) {
	c.lines = lines
	c.cfg.Account.OnBlocked(c.blocked)
}

// blocked ends what somebody offers, and sends, whom the user has just blocked.
func (c *Coming) blocked(account string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, o := range c.offers {
		if _, alone := msnid.ParseDMPortalID(o.PortalID); alone && o.Sender == account && !o.over {
			o.end(reason.ErrBlockedByUser)
		}
	}
}

// Start implements session.Part: files can be taken. What was on its way before is told.
func (c *Coming) Start(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ctx, c.ending = ctx, false
	if !c.cfg.Account.DB.ComingFile.None(c.cfg.Account.Login.ID) {
		c.cfg.Work.Try("files that were coming", c.tellStopped)
	}
}

// Finish implements session.Finisher: no file is taken any more, and those that come are waited for, until ctx ends.
func (c *Coming) Finish(ctx context.Context, _ *msn.Client) {
	c.mu.Lock()
	c.ending = true
	var coming []*offer
	for _, o := range c.offers {
		if !o.asked || o.decided {
			coming = append(coming, o)
		}
	}
	c.mu.Unlock()
	for _, o := range coming {
		select {
		case <-o.done:
		case <-ctx.Done():
			return
		}
	}
}

// Stop implements session.Part.
func (c *Coming) Stop() {
	c.mu.Lock()
	c.ctx = nil
	c.mu.Unlock()
	c.taking.Wait()
}

// Offered takes a file, or has the user asked whether they want it. refused says why it was
// declined, "" when it was not.
func (c *Coming) Offered(ctx context.Context, evt msn.FileOffered, from string, portal networkid.PortalID) (refused string) {
	o := &offer{
		ComingFile: database.ComingFile{
			LoginID: c.cfg.Account.Login.ID, FileID: msnid.MakeChatMessageID(evt.Session, from, evt.Seq, 0, evt.At),
			PortalID: portal, Sender: from, Name: cmp.Or(msn.FileName(evt.Name), "file"), At: evt.At,
		},
		size: evt.Bytes, file: evt.Offer, answer: make(chan bool, 1),
	}
	return c.offered(ctx, o)
}

// offered takes what is offered, or has the user asked, or declines it and says why.
func (c *Coming) offered(ctx context.Context, o *offer) (refused string) {
	accept := c.cfg.Account.Config.AcceptBelow()
	// Who is not on the contact list, and may be a stranger with a name of their choice, makes the bridge store nothing by themselves.
	o.asked = accept == 0 || o.size > accept || !c.cfg.Account.OnList(ctx, o.Sender)
	if o.asked && !o.voice && !c.lines.AllowFile(c.cfg.Account.KeyOf(o.PortalID), o.Sender) {
		o.file.Decline()
		return ""
	}
	if err := c.begin(ctx, o); err != nil {
		o.file.Decline()
		return c.sentence(ctx, &o.ComingFile, err)
	}
	return ""
}

// begin has a file taken, or asked for, in the background.
func (c *Coming) begin(ctx context.Context, o *offer) error {
	if most := c.cfg.Most(); o.size > most {
		return reason.LargeFile{Most: most}
	}
	c.mu.Lock()
	all, own := 0, 0
	for _, other := range c.offers {
		if !other.over {
			all++
			if other.Sender == o.Sender {
				own++
			}
		}
	}
	switch {
	case c.ctx == nil || c.ending:
		c.mu.Unlock()
		return reason.ErrFileStopped
	case all >= maxComing, own >= maxOfContact:
		c.mu.Unlock()
		return reason.ErrFileCrowd
	}
	running := c.ctx
	c.latest++
	o.number = c.latest
	running, o.end = context.WithCancelCause(running)
	o.done = make(chan struct{})
	lazy.Put(&c.offers, o.FileID, o)
	c.taking.Add(1)
	c.mu.Unlock()
	storing, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	if err := c.cfg.Account.DB.ComingFile.Put(storing, &o.ComingFile); err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to note that a file is offered")
		c.forget(o)
		o.end(nil)
		close(o.done)
		c.taking.Done()
		return err
	}
	if o.asked {
		c.put(ctx, &o.ComingFile, "asked", words.Text("file.offers_the_file_write_accept_in",
			c.called(ctx, o.Sender), names.Own(o.Name), names.Bytes(o.size)), c.cfg.Account.DB.MSNQueue.Put)
	}
	go func() {
		defer c.taking.Done()
		defer close(o.done)
		defer o.end(nil)
		c.run(running, o)
	}()
	return nil
}

// forget has an offer be there no more.
func (c *Coming) forget(o *offer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o.over = true
	delete(c.offers, o.FileID)
}

// run waits for the user to decide, if they are to, and takes the file. When ctx ends it leaves the
// row, of which the next start tells.
func (c *Coming) run(ctx context.Context, o *offer) {
	err := c.wanted(ctx, o)
	var content *event.MessageEventContent
	if err == nil {
		content, err = c.take(ctx, o)
	}
	switch {
	case errors.Is(err, errUnwanted):
		c.drop(ctx, o)
	case errors.Is(err, msn.ErrBlocks), err != nil && errors.Is(context.Cause(ctx), reason.ErrBlockedByUser):
		c.fails(ctx, o, reason.ErrBlockedByUser)
	case err != nil && ctx.Err() != nil:
		c.forget(o)
	case err != nil:
		c.fails(ctx, o, err)
	default:
		c.show(ctx, o, content)
	}
}

// fails has the room told why a file did not come, unless it was told of many.
func (c *Coming) fails(ctx context.Context, o *offer, why error) {
	zerolog.Ctx(ctx).Info().Err(why).Str("sender", o.Sender).Msg("A file did not come")
	if !o.asked && !o.voice && !c.lines.AllowFile(c.cfg.Account.KeyOf(o.PortalID), o.Sender) {
		c.drop(ctx, o)
		return
	}
	c.say(ctx, &o.ComingFile, why)
}

// drop forgets a file of which there is nothing to tell.
func (c *Coming) drop(ctx context.Context, o *offer) {
	if err := c.cfg.Account.DB.ComingFile.Drop(context.WithoutCancel(ctx), o.LoginID, o.FileID); err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to note that a file is not to come")
	}
	c.forget(o)
}

// errUnwanted says that the user does not want a file.
var errUnwanted = errors.New("the user has declined the file")

// wanted waits until a file is to be taken, and declines one that is not.
func (c *Coming) wanted(ctx context.Context, o *offer) error {
	if !o.asked {
		return nil
	}
	timer := time.NewTimer(decideTime)
	defer timer.Stop()
	var err error
	select {
	case yes := <-o.answer:
		if yes {
			return nil
		}
		err = errUnwanted
	case <-o.file.Ended():
		if err = o.file.Why(); errors.Is(err, msn.ErrSilent) {
			err = reason.ErrFileUndecided
		}
		err = cmp.Or(err, msn.ErrGone)
	case <-timer.C:
		err = reason.ErrFileUndecided
	case <-ctx.Done():
		err = ctx.Err()
	}
	c.mu.Lock()
	o.over = true
	c.mu.Unlock()
	o.file.Decline()
	return err
}

// Answer takes the file that was offered last in a room and for which the user is asked, or declines it. It says what is done,
// and reports false when there is none.
func (c *Coming) Answer(ctx context.Context, portal networkid.PortalID, accept bool) (said string, ok bool) {
	c.mu.Lock()
	var last *offer
	for _, o := range c.offers {
		if o.PortalID == portal && o.asked && !o.decided && !o.over && (last == nil || o.number > last.number) {
			last = o
		}
	}
	if last == nil {
		c.mu.Unlock()
		return "", false
	}
	last.decided = true
	c.mu.Unlock()
	last.answer <- accept
	if accept {
		return words.Text("file.the_bridge_takes_the_file_of", names.Own(last.Name), names.Bytes(last.size), c.called(ctx, last.Sender)), true
	}
	return words.Text("file.the_file_of_is_declined", names.Own(last.Name), c.called(ctx, last.Sender)), true
}

// take has a file sent, and brings it to the homeserver as it comes: it is on disk meanwhile. It
// returns the content of its event.
func (c *Coming) take(ctx context.Context, o *offer) (*event.MessageEventContent, error) {
	a := c.cfg.Account
	defer o.file.Decline() // unless it was accepted
	// A room that is half-way comes to its end, and what has come is brought to the homeserver, also
	// when the bridge is being stopped.
	settling, cancel := room.Settling(ctx)
	defer cancel()
	in, err := c.cfg.Inbox.Room(settling, c.messageOf(o))
	if err != nil {
		return nil, err
	}
	ended := a.Metrics.Transfer(metrics.ToMatrix, o.size)
	defer func() { ended(metrics.OutcomeOf(err)) }()
	content := &event.MessageEventContent{Body: o.Name, FileName: o.Name, Mentions: &event.Mentions{}}
	arrived := false
	var small *thumbnail
	intent := a.Bridge.Matrix.GhostIntent(a.GhostID(o.Sender))
	content.URL, content.File, err = intent.UploadMediaStream(settling, in, int64(o.size), true, func(to io.Writer) (*bridgev2.FileStreamResult, error) {
		var head beginning
		if err := o.file.Accept(ctx, io.MultiWriter(to, &head), nil); err != nil {
			return nil, err
		}
		arrived = true
		content.MsgType, content.Info = look(head.data, to, o.size)
		small = thumbnailOf(settling, to, content)
		result := &bridgev2.FileStreamResult{}
		if o.voice {
			result.ReplacementFile = asVoice(settling, to, head.data, content)
		}
		result.FileName, result.MimeType = content.FileName, content.Info.MimeType
		return result, nil
	})
	switch {
	case err != nil && arrived:
		return nil, fmt.Errorf("%w: %w", reason.ErrFileNotStored, err)
	case err != nil:
		return nil, err
	}
	if small != nil {
		small.put(settling, intent, in, content)
	}
	return content, nil
}

var _ session.Finisher = (*Coming)(nil)
