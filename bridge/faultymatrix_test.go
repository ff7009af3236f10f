package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/bridgev2/status"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// faultyMatrix is the fakeMatrix as a process reaches it: calls can fail. What the framework
// keeps the error of to itself always works while the process does: statuses of messages, of
// which nobody could say whether they arrived.
type faultyMatrix struct {
	*fakeMatrix
	p *process
}

// call makes a call to the homeserver.
func (f *faultyMatrix) call(do func() error) error {
	err := f.p.try(atHomeserver, do)
	if errors.Is(err, errBroken) || errors.Is(err, errDead) {
		return mautrix.HTTPError{WrappedError: fmt.Errorf("no connection: %w", err)}
	}
	return err
}

// Init, Start, PreStop and Stop are those of fakeMatrix.

func (f *faultyMatrix) SendBridgeStatus(ctx context.Context, state *status.BridgeState) error {
	if f.p.isDead() {
		return errDead
	}
	return f.fakeMatrix.SendBridgeStatus(ctx, state)
}

func (f *faultyMatrix) SendMessageStatus(ctx context.Context, ms *bridgev2.MessageStatus, evt *bridgev2.MessageStatusEventInfo) {
	if !f.p.isDead() {
		f.fakeMatrix.SendMessageStatus(ctx, ms, evt)
	}
}

func (f *faultyMatrix) GetPowerLevels(ctx context.Context, room id.RoomID) (levels *event.PowerLevelsEventContent, err error) {
	err = f.call(func() (err error) { levels, err = f.fakeMatrix.GetPowerLevels(ctx, room); return err })
	return levels, err
}

func (f *faultyMatrix) GetStateEvent(ctx context.Context, room id.RoomID, kind event.Type, key string) (evt *event.Event, err error) {
	err = f.call(func() (err error) { evt, err = f.fakeMatrix.GetStateEvent(ctx, room, kind, key); return err })
	return evt, err
}

func (f *faultyMatrix) GetMembers(ctx context.Context, room id.RoomID) (members map[id.UserID]*event.MemberEventContent, err error) {
	err = f.call(func() (err error) { members, err = f.fakeMatrix.GetMembers(ctx, room); return err })
	return members, err
}

func (f *faultyMatrix) GetMemberInfo(ctx context.Context, room id.RoomID, user id.UserID) (*event.MemberEventContent, error) {
	members, err := f.GetMembers(ctx, room)
	return members[user], err
}

func (f *faultyMatrix) Find(ctx context.Context, room id.RoomID, field, text string, since time.Time) (evt *event.Event, err error) {
	err = f.call(func() (err error) { evt, err = f.fakeMatrix.Find(ctx, room, field, text, since); return err })
	return evt, err
}

func (f *faultyMatrix) Event(ctx context.Context, room id.RoomID, evt id.EventID) (found *event.Event, err error) {
	err = f.call(func() (err error) { found, err = f.fakeMatrix.Event(ctx, room, evt); return err })
	return found, err
}

func (f *faultyMatrix) DisplayName(ctx context.Context, user id.UserID) (name string, err error) {
	err = f.call(func() (err error) { name, err = f.fakeMatrix.DisplayName(ctx, user); return err })
	return name, err
}

func (f *faultyMatrix) Avatar(ctx context.Context, user id.UserID) (url id.ContentURIString, err error) {
	err = f.call(func() (err error) { url, err = f.fakeMatrix.Avatar(ctx, user); return err })
	return url, err
}

func (f *faultyMatrix) Answers(ctx context.Context) error {
	return f.call(func() error { return f.fakeMatrix.Answers(ctx) })
}

func (f *faultyMatrix) BotIntent() bridgev2.MatrixAPI {
	return &faultyIntent{&fakeIntent{f: f.fakeMatrix, user: fakeBot}, f}
}

func (f *faultyMatrix) GhostIntent(user networkid.UserID) bridgev2.MatrixAPI {
	return &faultyIntent{&fakeIntent{f: f.fakeMatrix, user: f.FormatGhostMXID(user)}, f}
}

// faultyIntent is a fakeIntent whose calls can fail.
type faultyIntent struct {
	*fakeIntent
	matrix *faultyMatrix
}

func (i *faultyIntent) SendMessage(ctx context.Context, room id.RoomID, kind event.Type, content *event.Content, extra *bridgev2.MatrixSendExtra) (sent *mautrix.RespSendEvent, err error) {
	err = i.matrix.call(func() (err error) { sent, err = i.fakeIntent.SendMessage(ctx, room, kind, content, extra); return err })
	return sent, err
}

func (i *faultyIntent) SendState(ctx context.Context, room id.RoomID, kind event.Type, key string, content *event.Content, at time.Time) (sent *mautrix.RespSendEvent, err error) {
	err = i.matrix.call(func() (err error) { sent, err = i.fakeIntent.SendState(ctx, room, kind, key, content, at); return err })
	return sent, err
}

func (i *faultyIntent) MarkRead(ctx context.Context, room id.RoomID, evt id.EventID, at time.Time) error {
	return i.matrix.call(func() error { return i.fakeIntent.MarkRead(ctx, room, evt, at) })
}

func (i *faultyIntent) MarkTyping(ctx context.Context, room id.RoomID, kind bridgev2.TypingType, timeout time.Duration) error {
	return i.matrix.call(func() error { return i.fakeIntent.MarkTyping(ctx, room, kind, timeout) })
}

func (i *faultyIntent) SetDisplayName(ctx context.Context, name string) error {
	return i.matrix.call(func() error { return i.fakeIntent.SetDisplayName(ctx, name) })
}

func (i *faultyIntent) CreateRoom(ctx context.Context, req *mautrix.ReqCreateRoom) (room id.RoomID, err error) {
	err = i.matrix.call(func() (err error) { room, err = i.fakeIntent.CreateRoom(ctx, req); return err })
	return room, err
}

func (i *faultyIntent) EnsureJoined(ctx context.Context, room id.RoomID, params ...bridgev2.EnsureJoinedParams) error {
	return i.matrix.call(func() error { return i.fakeIntent.EnsureJoined(ctx, room, params...) })
}

func (i *faultyIntent) EnsureInvited(ctx context.Context, room id.RoomID, user id.UserID) error {
	return i.matrix.call(func() error { return i.fakeIntent.EnsureInvited(ctx, room, user) })
}
