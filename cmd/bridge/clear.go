package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"

	"maunium.net/go/mautrix/bridgev2/matrix/mxmain"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// sendPath is the path, as it is escaped, to which events are put: with the room, their kind, and a transaction ID.
var sendPath = regexp.MustCompile(`^(.*/_matrix/client/v3/rooms/([^/]+)/send/)([^/]+)(/[^/]+)$`)

// staysClear are the kinds of events that are sent as they are into encrypted rooms too: homeservers and clients look for
// them there, and the framework's own encryption leaves them out.
var staysClear = map[string]bool{
	event.EventEncrypted.Type:      true, // it is encrypted already
	event.EventReaction.Type:       true,
	event.EventRedaction.Type:      true,
	event.BeeperMessageStatus.Type: true,
}

// secretTransport encrypts events that would be sent in clear into an encrypted room. The framework sends its notices of what was not
// bridged past its encryption.
type secretTransport struct {
	next        http.RoundTripper
	isEncrypted func(context.Context, id.RoomID) (bool, error)
	encrypt     func(context.Context, id.RoomID, event.Type, *event.Content) error
}

// sendNothingInClear has all that the bridge writes in encrypted rooms encrypted. It is to be called before the bridge is
// started, and does nothing in one that does not encrypt.
func sendNothingInClear(m *mxmain.BridgeMain) {
	if m.Matrix.Crypto == nil {
		return
	}
	m.Matrix.AS.HTTPClient.Transport = secretTransport{m.Matrix.AS.HTTPClient.Transport, encrypted(m.Config.Encryption.Require, m.Matrix.AS.StateStore.IsEncrypted), m.Matrix.Crypto.Encrypt}
}

// encrypted returns what says whether a room is encrypted: what is stored of it says that, unless the admin requires it of all.
func encrypted(required bool, stored func(context.Context, id.RoomID) (bool, error)) func(context.Context, id.RoomID) (bool, error) {
	if required {
		return func(context.Context, id.RoomID) (bool, error) { return true, nil }
	}
	return stored
}

// RoundTrip implements http.RoundTripper. What cannot be encrypted is not sent.
func (t secretTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	secret, err := t.secret(req)
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close() // the interface wants that
		}
		return nil, fmt.Errorf("send into an encrypted room: %w", err)
	}
	return t.next.RoundTrip(secret)
}

// secret is what is to be sent in the place of a request, which is itself unless it would put an event in clear into an encrypted room.
func (t secretTransport) secret(req *http.Request) (*http.Request, error) {
	path := sendPath.FindStringSubmatch(req.URL.EscapedPath())
	if path == nil || req.Method != http.MethodPut || req.Body == nil {
		return req, nil
	}
	room, err := url.PathUnescape(path[2])
	if err != nil {
		return nil, err
	}
	kind, err := url.PathUnescape(path[3])
	if err != nil || staysClear[kind] {
		return req, err
	}
	ctx := req.Context()
	if encrypted, err := t.isEncrypted(ctx, id.RoomID(room)); err != nil || !encrypted {
		return req, err
	}
	evt := &event.Event{Type: event.Type{Type: kind, Class: event.MessageEventType}}
	if err := json.NewDecoder(req.Body).Decode(&evt.Content); err != nil {
		return nil, err
	}
	if err := parse(evt); err != nil {
		return nil, err
	}
	if err := t.encrypt(ctx, id.RoomID(room), evt.Type, &evt.Content); err != nil {
		return nil, err
	}
	body, err := json.Marshal(&evt.Content)
	if err != nil {
		return nil, err
	}
	secret := req.Clone(ctx)
	// With its transaction ID: when it is sent again, the homeserver knows it.
	secret.URL.RawPath = path[1] + event.EventEncrypted.Type + path[4]
	if secret.URL.Path, err = url.PathUnescape(secret.URL.RawPath); err != nil {
		return nil, err
	}
	secret.Body, secret.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	secret.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	return secret, req.Body.Close()
}
