package bridge

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"

	"matrix-msn/bridge/reason"
)

// everyday returns err, of something that a user does in a room. The framework logs whatever a handler
// returns as an error. What MSN does not have is none: the user is told, and there is nothing for an
// admin to do, so that it is logged here and not there. The framework would have to ask the error for
// its level; then this can go.
func everyday(ctx context.Context, err error) error {
	log := zerolog.Ctx(ctx)
	if err == nil || !reason.Everyday(err) && !errors.Is(err, bridgev2.ErrIgnoringMNotice) || log.GetLevel() == zerolog.Disabled {
		return err
	}
	log.Info().Err(err).Str("reason", bridgev2.WrapErrorInStatus(err).Message).Msg("Something that a user did is not carried to MSN")
	*log = log.Hook(new(oneError)) // the framework's own, which is made anew for each event
	return err
}

// oneError is a hook that leaves out the next error.
type oneError struct{ done atomic.Bool }

// Run implements zerolog.Hook.
func (o *oneError) Run(e *zerolog.Event, level zerolog.Level, _ string) {
	if level == zerolog.ErrorLevel && !o.done.Swap(true) {
		e.Discard()
	}
}
