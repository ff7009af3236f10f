package session

import (
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"

	"matrix-msn/bridge/retry"
	"matrix-msn/msn"
)

const (
	// stableAfter is how long a session must last for the waits between attempts to begin
	// anew.
	stableAfter = 10 * time.Second
	// longestFlap is the longest wait after a session that was shorter: the sign-in itself
	// works, it is the line that does not last.
	longestFlap = 30 * time.Second
	// longestServerWait bounds how long a server can ask to be left alone (OUT RCT).
	longestServerWait = time.Hour
)

// pauses are the waits of one login between attempts to sign in.
type pauses struct{ waits *backoff.ExponentialBackOff }

func newPauses() *pauses { return &pauses{retry.Waits()} }

// after returns how long to wait after an attempt that ended with err. held is how long the
// session lasted that it brought, 0 for none.
func (p *pauses) after(held time.Duration, err error) time.Duration {
	if held > stableAfter {
		p.waits.Reset()
	}
	wait := p.waits.NextBackOff()
	if held > 0 {
		wait = min(wait, longestFlap)
	}
	if asked := askedWait(err); asked > 0 {
		return asked + wait // the server has asked everybody, and they are not to come back at the same moment
	}
	return wait
}

// askedWait is how long the server asked to be left alone, 0 when it did not.
func askedWait(err error) time.Duration {
	if out, ok := errors.AsType[*msn.OutError](err); ok {
		return min(out.After, longestServerWait)
	}
	return 0
}
