package bridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/bridgev2/status"

	"matrix-msn/bridge/msnid"
	"matrix-msn/msn"
)

// Waits between attempts to sign in again. They double from the first to the
// longest, each spread by half of itself either way, so that the logins of a
// bridge don't come back all at once.
const (
	firstRetry   = 2 * time.Second
	longestRetry = 5 * time.Minute
	retrySpread  = 0.5
	// stableAfter is how long a session must last for the waits to begin anew.
	stableAfter = time.Minute
)

// Client is one login: an MSN account that a Matrix user signed in to. One
// goroutine, run, owns its session.
type Client struct {
	connector *Connector
	login     *bridgev2.UserLogin
	identity  msnid.Identity
	service   *service // nil when the config does not have it any more
	inbox     *inbox   // from MSN to Matrix
	outbox    *outbox  // from Matrix to MSN
	chores    *chores  // what need not be in order
	circles   *circles // their rooms
	pager     *pager   // pages for mobile devices
	typing    typists
	rooms     keyedLocks[networkid.PortalID] // that somebody makes
	alerts    alertCounts                    // of this session; only of use to run

	iconTrouble  iconTrouble
	circlesShown circlesShown
	notes        noteCounts

	// life is held while the Client is started or stopped.
	life    sync.Mutex
	running *running // nil while stopped
	retired bool     // replaced by another Client: not to be started again

	leaving atomic.Bool // the user logs out: what waits is settled, not kept

	mu      sync.Mutex
	session *msn.Client   // nil while not connected
	problem *problem      // why there is no session, nil before the first attempt
	changed chan struct{} // closed and replaced when session or problem change
	// yielding: the account is being signed in anew, the end of this session is no
	// news. parked: it has ended meanwhile.
	yielding, parked bool
}

// running is what ends a run, and tells that it has ended.
type running struct {
	cancel context.CancelFunc
	ended  chan struct{}
}

var (
	_ bridgev2.NetworkAPI           = (*Client)(nil)
	_ bridgev2.NetworkAPIWithUserID = (*Client)(nil)
)

func newClient(c *Connector, login *bridgev2.UserLogin, identity msnid.Identity) *Client {
	client := &Client{
		connector: c,
		login:     login,
		identity:  identity,
		service:   c.services[identity.Service],
		changed:   make(chan struct{}),
	}
	client.inbox, client.outbox, client.chores = newInbox(client), newOutbox(client), newChores(client)
	client.pager, client.circles = newPager(client), newCircles(client)
	return client
}

func (c *Client) meta() *UserLoginMetadata { return c.login.Metadata.(*UserLoginMetadata) }

// Connect signs in, in the background, and stays signed in until Disconnect. It
// does not sign in while the account is in use at another place.
func (c *Client) Connect(context.Context) { c.start(nil) }

// start is Connect with a session that exists already, or nil.
func (c *Client) start(session *msn.Client) {
	c.life.Lock()
	defer c.life.Unlock()
	c.startLocked(session)
}

func (c *Client) startLocked(session *msn.Client) {
	if c.retired || c.running != nil || c.connector.br.IsStopping() {
		if session != nil {
			discard(session)
		}
		return
	}
	ctx, cancel := context.WithCancel(c.login.Log.WithContext(c.connector.br.BackgroundCtx))
	c.mu.Lock()
	c.parked = false
	c.mu.Unlock()
	r := &running{cancel: cancel, ended: make(chan struct{})}
	c.running = r
	go func() {
		defer close(r.ended)
		c.run(ctx, session)
	}()
}

// Disconnect signs out and returns when everything that Connect started has
// ended. It may be called again, and without Connect.
func (c *Client) Disconnect() {
	c.life.Lock()
	defer c.life.Unlock()
	c.stopLocked()
}

func (c *Client) stopLocked() {
	if c.running == nil {
		return
	}
	c.running.cancel()
	<-c.running.ended
	c.running = nil
}

// retire is Disconnect for ever: another Client takes the place of this one.
func (c *Client) retire() {
	c.life.Lock()
	defer c.life.Unlock()
	c.retired = true
	c.stopLocked()
}

// unretire takes retire back: the other Client did not come about.
func (c *Client) unretire() {
	c.life.Lock()
	defer c.life.Unlock()
	c.retired = false
}

// yield makes the end of the session no news, and ends a run that has none.
func (c *Client) yield() {
	c.life.Lock()
	defer c.life.Unlock()
	c.mu.Lock()
	c.yielding = true
	c.parked = c.session == nil
	idle := c.parked
	c.mu.Unlock()
	if idle {
		c.stopLocked()
	}
}

// park reports whether the session ended while yielding, and notes it.
func (c *Client) park() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.parked = c.parked || c.yielding
	return c.yielding
}

// keepGoing ends yielding. It reports false when the session has ended meanwhile,
// which nobody was told.
func (c *Client) keepGoing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.yielding = false
	return !c.parked
}

// goOn takes yield back: nobody has signed in. It leaves an account that is in use
// at another place alone.
func (c *Client) goOn() {
	c.life.Lock()
	defer c.life.Unlock()
	if !c.keepGoing() {
		c.stopLocked()
		c.startLocked(nil)
	}
}

// Reconnect signs in again now, also when the account is in use at another
// place, which ends the session there.
func (c *Client) Reconnect(ctx context.Context) {
	defer c.connector.logins.lock(c.login.ID)()
	c.reconnect(ctx)
}

// reconnect is Reconnect for who holds the lock of the login.
func (c *Client) reconnect(ctx context.Context) {
	c.life.Lock()
	defer c.life.Unlock()
	c.stopLocked()
	if !c.retired {
		c.keepGoing()
		c.rememberElsewhere(ctx, false)
		c.startLocked(nil)
	}
}

// LogoutRemote signs out. MSN has no sessions that would outlive a connection.
// What waits to be sent is said not to have gone out.
func (c *Client) LogoutRemote(ctx context.Context) {
	c.leaving.Store(true)
	c.life.Lock()
	defer c.life.Unlock()
	c.retired = true
	if c.running == nil {
		c.outbox.farewell(ctx)
		c.pager.farewell(ctx)
		return
	}
	c.stopLocked()
}

// IsLoggedIn reports whether messages make sense: the account is signed in, or
// the bridge is trying, or can say better than the framework why not.
func (c *Client) IsLoggedIn() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.problem == nil || c.problem.state != status.StateBadCredentials
}

// IsThisUser reports whether a ghost is the login's own account.
func (c *Client) IsThisUser(_ context.Context, user networkid.UserID) bool {
	return user == c.GetUserID()
}

// GetUserID returns the ID of the login's own account.
func (c *Client) GetUserID() networkid.UserID { return msnid.MakeUserID(c.identity) }

// run keeps the account signed in until ctx ends or only the user can help.
func (c *Client) run(ctx context.Context, session *msn.Client) {
	log := zerolog.Ctx(ctx)
	defer func() {
		if session != nil { // the run was stopped before it was served
			discard(session)
		}
	}()
	var helpers sync.WaitGroup
	helpers.Go(func() { c.inbox.run(ctx) })
	helpers.Go(func() { c.outbox.run(ctx) })
	helpers.Go(func() { c.chores.run(ctx) })
	helpers.Go(func() { c.circles.run(ctx) })
	helpers.Go(func() { c.pager.run(ctx) })
	c.typing.open(ctx)
	defer helpers.Wait()
	defer c.typing.close()

	if session == nil && c.meta().get().Elsewhere {
		c.report(problemOfOut(&msn.OutError{Reason: "OTH"}, c.serviceOrUnknown()))
		<-ctx.Done()
		return
	}
	if session == nil {
		// Once, not before each attempt: it would hide from the framework how long
		// the trouble lasts already.
		c.login.BridgeState.Send(status.BridgeState{StateEvent: status.StateConnecting})
	}
	waits := newWaits()
	for ctx.Err() == nil {
		var err error
		if session == nil {
			session, err = c.signIn(ctx)
		}
		began := time.Now()
		if err == nil {
			err = c.serve(ctx, session)
			session = nil
			if errors.Is(err, msn.ErrBadCredentials) {
				// Nobody was asked for a password: the next sign-in tells.
				err = fmt.Errorf("%w: %v", msn.ErrNotConnected, err)
			}
		}
		if ctx.Err() != nil {
			return
		}
		if c.park() {
			// Who signs in anew stops this run, or starts it again.
			<-ctx.Done()
			return
		}
		if time.Since(began) > stableAfter {
			waits.Reset()
		}
		problem := problemOf(err, c.serviceOrUnknown())
		if errors.Is(err, errCredentials) || errors.Is(err, errNoService) {
			problem = problemOfSetup(err, c.identity)
		}
		log.Warn().Err(err).Str("code", string(problem.code)).Bool("retried", problem.retried()).Msg("Not signed in")
		c.rememberElsewhere(ctx, problem.code == codeElsewhere)
		c.report(problem)
		if !problem.retried() {
			<-ctx.Done()
			return
		}
		if !sleep(ctx, max(waits.NextBackOff(), minimumWait(err))) {
			return
		}
	}
}

func newWaits() *backoff.ExponentialBackOff {
	waits := backoff.NewExponentialBackOff()
	waits.InitialInterval, waits.MaxInterval = firstRetry, longestRetry
	waits.Multiplier, waits.RandomizationFactor = 2, retrySpread
	waits.Reset()
	return waits
}

// minimumWait is how long the server asked to be left alone.
func minimumWait(err error) time.Duration {
	var out *msn.OutError
	if errors.As(err, &out) {
		return min(out.After, longestServerWait)
	}
	return 0
}

// longestServerWait bounds what a server can ask for by OUT RCT.
const longestServerWait = time.Hour

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// signIn opens a session with the stored password.
func (c *Client) signIn(ctx context.Context) (*msn.Client, error) {
	if c.service == nil {
		return nil, errNoService
	}
	password, err := c.connector.openPassword(c.login.ID, c.meta().get().Password)
	if err != nil {
		return nil, err
	}
	return c.connector.signIn(ctx, c.service, c.identity.Account, password, c.machineGUID(ctx), c.login.Log)
}

// machineGUID returns the login's name for this place. Logins of older versions have
// none yet.
func (c *Client) machineGUID(ctx context.Context) string {
	if c.meta().get().MachineGUID == "" {
		_ = c.remember(ctx, func(kept *loginRecord) { kept.MachineGUID = msn.NewMachineGUID() })
	}
	return c.meta().get().MachineGUID
}

// signIn opens a session; few are opened at the same time.
func (c *Connector) signIn(ctx context.Context, s *service, account, password, place string, log zerolog.Logger) (*msn.Client, error) {
	select {
	case s.signIns <- struct{}{}:
		defer func() { <-s.signIns }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	cfg := s.template
	cfg.Account, cfg.Password, cfg.MachineGUID = account, password, place
	cfg.Logger = slog.New(zerolog.NewSlogHandler(log))
	return msn.Login(ctx, cfg)
}

// serve handles what a session tells until it ends, and returns why it did.
func (c *Client) serve(ctx context.Context, session *msn.Client) error {
	stop := context.AfterFunc(ctx, func() { session.Close() })
	defer stop()
	defer session.Close()
	c.rememberElsewhere(ctx, false)
	c.saveRoster(ctx, session)
	c.introduceGroups(ctx, session)
	c.alerts = alertCounts{}
	c.setSession(session, nil)
	c.circles.look()
	c.login.BridgeState.Send(status.BridgeState{StateEvent: status.StateConnected})
	c.checkVersion(ctx, session)
	zerolog.Ctx(ctx).Info().Stringer("dialect", session.Dialect()).Int("contacts", len(session.Contacts())).Msg("Signed in")
	var end error = msn.ErrClosed
	for evt := range session.Events() {
		if d, ok := evt.(msn.Disconnected); ok {
			end = d.Err
			c.setSession(nil, nil)
			continue
		}
		c.handleEvent(ctx, evt)
	}
	c.setSession(nil, nil)
	return end
}

func (c *Client) setSession(session *msn.Client, problem *problem) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session, c.problem = session, problem
	close(c.changed)
	c.changed = make(chan struct{})
}

// report tells the user, and everybody who waits for the session, what is wrong.
func (c *Client) report(p problem) {
	c.setSession(nil, &p)
	c.login.BridgeState.Send(p.bridgeState())
}

// current returns the session, or nil.
func (c *Client) current() *msn.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

// waitForSession returns the session, waiting for the bridge to come back while
// it is trying. The error is a notConnectedError.
func (c *Client) waitForSession(ctx context.Context) (*msn.Client, error) {
	for {
		c.mu.Lock()
		session, problem, changed := c.session, c.problem, c.changed
		c.mu.Unlock()
		if session != nil {
			return session, nil
		}
		if problem != nil && !problem.retried() {
			return nil, notConnectedError{problem}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, notConnectedError{problem}
		}
	}
}

// waitForOutcome waits until the first attempt to sign in has ended, well or badly.
func (c *Client) waitForOutcome(ctx context.Context) {
	for {
		c.mu.Lock()
		known, changed := c.session != nil || c.problem != nil, c.changed
		c.mu.Unlock()
		if known {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// rememberElsewhere keeps across restarts whether the account is in use at
// another place.
func (c *Client) rememberElsewhere(ctx context.Context, elsewhere bool) {
	if c.meta().get().Elsewhere == elsewhere {
		return
	}
	if err := c.remember(ctx, func(kept *loginRecord) { kept.Elsewhere = elsewhere }); err != nil {
		c.meta().update(func(kept *loginRecord) { kept.Elsewhere = !elsewhere })
	}
}
