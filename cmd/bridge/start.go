package main

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/matrix"
	"maunium.net/go/mautrix/bridgev2/matrix/mxmain"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge"
	"matrix-msn/bridge/doctor"
)

// Exit codes that the framework uses for the same.
const (
	exitUnheard = 13 // the homeserver does not reach the bridge
	exitUnknown = 16 // the homeserver does not know the bridge
	exitOld     = 18 // the homeserver is too old
)

// meeting is what is found out of the homeserver at a start. The framework says of some things only
// that they do not work.
type meeting struct {
	server      atomic.Pointer[doctor.Homeserver] // nil while it has not answered
	toldUnheard atomic.Bool                       // why the homeserver does not reach the bridge
}

// check looks at the homeserver before the framework does. One that does not answer yet is left to the framework,
// which waits for it.
func (m *meeting) check(ctx context.Context, c *matrix.Connector) error {
	log := zerolog.Ctx(ctx)
	if err := m.look(ctx, c); err != nil {
		return err
	}
	if m.server.Load() == nil {
		return nil
	}
	if err := doctor.Known(ctx, c.Config); err != nil && doctor.IsMistake(err) {
		log.WithLevel(zerolog.FatalLevel).Msg(sentence(err))
		return matrix.ExitError{ExitCode: exitUnknown}
	}
	return nil
}

// look finds out what the homeserver is, once. The error ends the program.
func (m *meeting) look(ctx context.Context, c *matrix.Connector) error {
	if m.server.Load() != nil {
		return nil
	}
	log := zerolog.Ctx(ctx)
	server, err := doctor.LookAt(ctx, c.Config.Homeserver.Address)
	if err != nil {
		log.Warn().Msg(sentence(err))
		return nil
	}
	m.server.Store(server)
	switch err := server.TooOld(); {
	case err != nil && !c.IgnoreUnsupportedServer:
		log.WithLevel(zerolog.FatalLevel).Msg(sentence(err) + ", or start the bridge with --ignore-unsupported-server if you know better")
		return matrix.ExitError{ExitCode: exitOld}
	case err != nil:
		log.Error().Msg(sentence(err))
	}
	return nil
}

// unheardPatience is for how long the framework may ask the homeserver to call the bridge before it is told why that fails.
const unheardPatience = 3 * time.Second

// tellWhyUnheard has the log say what keeps the homeserver from calling the bridge, once.
func (m *meeting) tellWhyUnheard(ctx context.Context, c *matrix.Connector) {
	server := m.server.Load()
	if server == nil {
		return
	}
	if err := doctor.Reached(ctx, c.Config, server); err != nil && !m.toldUnheard.Swap(true) {
		zerolog.Ctx(ctx).Error().Msg(sentence(err))
	}
}

// sentence begins an error as a sentence does, but for the names of settings.
func sentence(err error) string {
	s := err.Error()
	for _, word := range []string{"the ", "another "} {
		if strings.HasPrefix(s, word) {
			return strings.ToUpper(s[:1]) + s[1:]
		}
	}
	return s
}

// tellOfEphemeral says in the log what the homeserver passes on: each kind when the first of it comes. Only a homeserver
// that is known for passing on none is told of before.
func tellOfEphemeral(m *mxmain.BridgeMain, server *doctor.Homeserver) {
	if server != nil && server.IsDendrite() {
		m.Log.Warn().Stringer("homeserver", server).Msg("This homeserver passes no typing notes and no presence on to bridges: what users type will not show as typing in MSN, and their status follows what they write alone")
	}
}

// noteEphemeral has the log say which kinds of events come that say what users do.
func noteEphemeral(m *mxmain.BridgeMain) {
	for _, kind := range append([]event.Type{event.ToDeviceEncrypted}, bridge.EphemeralTypes...) {
		var once sync.Once
		m.Matrix.EventProcessor.On(kind, func(context.Context, *event.Event) {
			once.Do(func() {
				m.Log.Info().Str("event_type", kind.Type).Msg("The homeserver passes these events on to the bridge")
			})
		})
	}
}
