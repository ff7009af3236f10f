package outage

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/status"

	"matrix-msn/bridge/reason"
	"matrix-msn/msn"
)

// A service can say that an account is signed in, and carry nothing. That shows when a text fails by its
// fault: then it is tried whether the way of a text is open, again and again until it is. Nothing is tried
// while texts go out, or none is written.
const (
	// ProbeEvery is how long it is waited between two attempts.
	ProbeEvery = time.Minute
	// ProbeTimeout bounds an attempt.
	ProbeTimeout = 50 * time.Second
)

// Sent notes what became of a text that was given to the service: nil for that it has acknowledged it.
func (o *Outages) Sent(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case err == nil && !o.failing.IsZero():
		o.carriesAgain()
	case err != nil && o.failing.IsZero() && byFault(err):
		o.failing = time.Now()
		o.probeIn(0)
	}
}

// byFault reports whether a text failed by the fault of the service. That of a single contact can look
// the same.
func byFault(err error) bool {
	for _, fault := range []error{msn.ErrTimeout, context.DeadlineExceeded, msn.ErrSwitchboard, msn.ErrUntrusted, msn.ErrBusy} {
		if errors.Is(err, fault) {
			return !errors.Is(err, msn.ErrNotConnected)
		}
	}
	return false
}

// Carries returns since when the service carries no texts though the account is signed in, zero for that it
// does, as far as anybody knows.
func (o *Outages) Carries() (notSince time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.proven {
		return time.Time{}
	}
	return o.failing
}

// probeIn has the way of a text tried after a time. mu is held.
func (o *Outages) probeIn(after time.Duration) {
	if o.probe != nil {
		o.probe.Stop()
	}
	if !o.stopped {
		o.probe = time.AfterFunc(after, func() { o.work.Do("probe", o.try) })
	}
}

// try tries the way of a text.
func (o *Outages) try(ctx context.Context) {
	session := o.session.Current()
	if session == nil {
		return // the next session goes on
	}
	ctx, cancel := context.WithTimeout(ctx, ProbeTimeout)
	defer cancel()
	err := session.ProbeSwitchboard(ctx)
	if errors.Is(err, msn.ErrClosed) || errors.Is(err, msn.ErrNotConnected) || errors.Is(err, context.Canceled) {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.failing.IsZero():
	case err == nil || errors.Is(err, msn.ErrHidden): // it answers, and carries nothing because of the user's status
		o.carriesAgain()
	default:
		if !o.proven {
			zerolog.Ctx(ctx).Warn().Err(err).Time("since", o.failing).Msg("The service says that the account is signed in, and carries no texts")
			o.account.Login.BridgeState.Send(carriesNothing(o).BridgeState())
		}
		o.proven = true
		o.probeIn(ProbeEvery)
		if o.up {
			o.lookIn(time.Until(o.failing.Add(AwayFor)))
		}
	}
}

// carriesAgain notes that texts go out. mu is held.
func (o *Outages) carriesAgain() {
	proven := o.proven
	o.failing, o.proven = time.Time{}, false
	if o.probe != nil {
		o.probe.Stop()
	}
	if !proven {
		return
	}
	o.account.Login.Log.Info().Msg("The service carries texts again")
	if o.up {
		o.account.Login.BridgeState.Send(status.BridgeState{StateEvent: status.StateConnected})
		o.lookIn(time.Until(o.back.Add(BackFor)))
	}
}

// carriesNothing is why texts do not go out of an account that is signed in.
func carriesNothing(o *Outages) reason.Reason {
	return reason.Of(reason.ErrCarriesNothing, reason.Connection, o.account.About(o.account.Identity.Account))
}
