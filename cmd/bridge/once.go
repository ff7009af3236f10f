package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/commands"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/matrix"
	"maunium.net/go/mautrix/bridgev2/matrix/mxmain"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge"
	"matrix-msn/bridge/doctor"
	"matrix-msn/bridge/lease"
)

// onceConnector is the framework's Matrix connector whose ghosts say each message once. When
// the bridge was killed between the homeserver's taking a message and the database's, it
// sends the message again: by the same transaction ID, so that the homeserver knows it.
type onceConnector struct {
	*matrix.Connector
	network       *bridge.Connector
	registrations *registrations
	met           *meeting
	ending        *ending
	anyID         bool // the database may be that of a bridge with another appservice.id
}

// Start implements bridgev2.MatrixConnector. The database is claimed before: a bridge that
// encrypts logs its bot in here, which would log out that of another process, and end it.
func (c onceConnector) Start(ctx context.Context) error {
	if err := c.network.Claim(ctx); errors.Is(err, lease.ErrHeld) {
		zerolog.Ctx(ctx).WithLevel(zerolog.FatalLevel).Msg(sentence(err))
		return matrix.ExitError{ExitCode: exitHeld}
	} else if err != nil {
		return err
	}
	// Asked again: another bridge can have had the database while this process waited for it.
	db := c.Connector.Bridge.DB
	if code, err := checkIsOwn(ctx, db.Database, c.Config, c.network, c.anyID); err != nil {
		c.network.Stop()
		zerolog.Ctx(ctx).WithLevel(zerolog.FatalLevel).Msg(sentence(err))
		return matrix.ExitError{ExitCode: code}
	}
	doctor.NoteID(ctx, db.KV, c.Config.AppService.ID)
	err := c.met.check(ctx, c.Connector)
	if err == nil {
		err = c.startHeard(ctx)
	}
	if err == nil {
		err = c.met.look(ctx, c.Connector) // it can have come up since
	}
	if err != nil {
		c.network.Stop()
	}
	return err
}

// startHeard starts the framework's connector. While the homeserver does not reach the bridge, that repeats that it is so for
// half a minute, and not why.
func (c onceConnector) startHeard(ctx context.Context) error {
	told := make(chan struct{})
	telling := time.AfterFunc(unheardPatience, func() {
		defer close(told)
		c.met.tellWhyUnheard(ctx, c.Connector)
	})
	err := c.ending.while(func() error { return c.Connector.Start(ctx) })
	if !telling.Stop() {
		<-told
	}
	if exit, ok := errors.AsType[matrix.ExitError](err); ok && exit.ExitCode == exitUnheard {
		_ = c.met.look(ctx, c.Connector) // it can have come up since
		c.met.tellWhyUnheard(ctx, c.Connector)
	}
	return err
}

// SendMessageStatus implements bridgev2.MatrixConnector: what the framework says of its own is said
// in words for people, and answers what clients can show.
func (c onceConnector) SendMessageStatus(ctx context.Context, status *bridgev2.MessageStatus, about *bridgev2.MessageStatusEventInfo) {
	if !bridge.IsWorthTelling(status, about) || c.network.LeavesForLater(status, about) {
		return
	}
	status = c.network.InOwnWords(status)
	if shown := c.network.Answering(about); shown != about && status != nil && status.SendNotice {
		// The notice alone answers another event: what programs are told is of that which happened.
		notice := *status
		notice.DisableMSS, shown.IsSourceEventDoublePuppeted = true, true
		c.Connector.SendMessageStatus(ctx, &notice, shown)
		silent := *status
		silent.SendNotice, status = false, &silent
	}
	c.Connector.SendMessageStatus(ctx, status, about)
}

// GhostIntent implements bridgev2.MatrixConnector.
func (c onceConnector) GhostIntent(user networkid.UserID) bridgev2.MatrixAPI {
	intent := c.Connector.GhostIntent(user)
	if own, ok := intent.(*matrix.ASIntent); ok {
		return onceIntent{c.registrations.of(own)}
	}
	return intent
}

// onceIntent gives the messages of a ghost a transaction ID that is theirs.
type onceIntent struct{ registeredIntent }

// SendMessage implements bridgev2.MatrixAPI.
func (i onceIntent) SendMessage(ctx context.Context, room id.RoomID, kind event.Type, content *event.Content, extra *bridgev2.MatrixSendExtra) (*mautrix.RespSendEvent, error) {
	if extra == nil || extra.MessageMeta == nil { // nobody on MSN has written it
		content = bridge.GhostInOwnWords(content)
	}
	if extra != nil && extra.TransactionID == "" && extra.MessageMeta != nil && extra.MessageMeta.ID != "" {
		own := *extra
		own.TransactionID = transactionID(room, extra.MessageMeta, content)
		extra = &own
		// The homeserver can have taken what it was interrupted in, and forget the ID: who
		// tries again looks into the room before (bridge/inbox).
		ctx = mautrix.WithMaxRetries(ctx, 0)
	}
	return i.registeredIntent.SendMessage(ctx, room, kind, content, extra)
}

// transactionID is that of a part of a message. An edit of it has another one for each text: the homeserver would take it
// for the message itself, and show nothing of it.
func transactionID(room id.RoomID, message *bridgedb.Message, content *event.Content) string {
	of := []string{room.String(), string(message.Room.Receiver), string(message.ID), string(message.PartID)}
	if said, ok := content.Parsed.(*event.MessageEventContent); ok && said.RelatesTo.GetReplaceID() != "" {
		of = append(of, "edit", said.Body, said.FormattedBody)
		if said.NewContent != nil {
			of = append(of, said.NewContent.Body, said.NewContent.FormattedBody)
		}
	}
	sum := sha256.Sum256([]byte(strings.Join(of, "\x00")))
	return "msn-" + hex.EncodeToString(sum[:16])
}

// sayOnce puts the onceConnector in the place of the framework's own. It is to be called
// before the bridge is started.
func sayOnce(m *mxmain.BridgeMain, connector *bridge.Connector, registrations *registrations, met *meeting, ending *ending, anyID bool) {
	m.Bridge.Matrix = onceConnector{m.Matrix, connector, registrations, met, ending, anyID}
	// The framework's command of this name looks for its own type of connector.
	discard := *matrix.CommandDiscardMegolmSession
	discard.Func = func(ce *commands.Event) {
		if m.Matrix.Crypto == nil {
			ce.Reply("This bridge encrypts nothing: `encryption` in its config is off.")
			return
		}
		m.Matrix.Crypto.ResetSession(ce.Ctx, ce.RoomID)
		ce.Reply("The next message from MSN in this room is encrypted with a new key.")
	}
	// And this one for its own type of bot.
	level := *matrix.CommandSetPowerLevel
	level.Func = func(ce *commands.Event) {
		if bot, ok := ce.Bot.(interface{ Unwrap() bridgev2.MatrixAPI }); ok {
			ce.Bot = bot.Unwrap()
		}
		matrix.CommandSetPowerLevel.Func(ce)
	}
	m.Bridge.Commands.(*commands.Processor).AddHandlers(&discard, &level, pingMatrix(), logoutMatrix(func() map[string]string { return m.Matrix.Config.DoublePuppet.Secrets }))
}

// logoutMatrix is the framework's logout-matrix, which says that something is off that the admin has switched on
// for everybody. secrets are those of the homeservers for which that is so.
func logoutMatrix(secrets func() map[string]string) *commands.FullHandler {
	logout := *matrix.CommandLogoutMatrix
	logout.Func = func(ce *commands.Event) {
		if secrets()[ce.User.MXID.Homeserver()] != "" {
			ce.Reply("The admin of this bridge has it write in the names of all users of this homeserver, so that you cannot switch that off for yourself.")
			return
		}
		matrix.CommandLogoutMatrix.Func(ce)
	}
	return &logout
}
