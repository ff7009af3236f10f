package main

import (
	"context"
	"net/http"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/bridgev2/matrix/mxmain"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge"
	"matrix-msn/bridge/chat"
	"matrix-msn/bridge/intake"
)

// receiveTransactions puts the connector between the homeserver and the framework for
// transactions. Everything else stays the framework's.
func receiveTransactions(m *mxmain.BridgeMain, connector *bridge.Connector, registrations *registrations, met *meeting) {
	framework := m.Matrix.AS.Router
	router := http.NewServeMux()
	router.Handle("/", framework)
	at := &gate{token: func() string { return m.Matrix.AS.Registration.ServerToken }, log: m.Log}
	router.Handle("PUT /_matrix/app/v1/transactions/{txnID}", connector.Receive(framework, at.allows))
	router.Handle("PUT /transactions/{txnID}", at.refuseOld(framework))
	router.Handle("POST /_matrix/app/v1/ping", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Once Synapse is answered it sends what it has kept, and fails to, and so does the start, if it is sending that already.
		if server := met.server.Load(); same(r.Header.Get("Authorization"), "Bearer "+at.token()) && (server == nil || server.SendsAgainWhenAnswered()) {
			connector.CallBack(r.Context())
		}
		framework.ServeHTTP(w, r)
	}))
	newLookups(m, connector, registrations).serve(router)
	m.Matrix.AS.Router = router
	connector.Deliver = func(ctx context.Context, evt *event.Event) error {
		// The framework does that when it reads a transaction. Who is in the room by now was invited earlier.
		if evt.Type == event.StateMember && !m.Matrix.AS.StateStore.IsInRoom(ctx, evt.RoomID, id.UserID(evt.GetStateKey())) {
			mautrix.UpdateStateStore(ctx, m.Matrix.AS.StateStore, evt)
		}
		select {
		case m.Matrix.AS.Events <- evt:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	connector.NoteEncrypted = func(ctx context.Context, room id.RoomID, content *event.EncryptionEventContent) error {
		return m.Matrix.AS.StateStore.SetEncryptionEvent(ctx, room, content)
	}
	for _, kind := range intake.Types {
		m.Matrix.EventProcessor.PrependHandler(kind, connector.Arriving)
		m.Matrix.EventProcessor.On(kind, connector.Dispatched)
	}
	m.Matrix.EventProcessor.PrependHandler(event.StateMember, connector.Membership)
	m.Matrix.EventProcessor.On(event.StateMember, connector.Member)
	for _, kind := range chat.LiveLocation {
		m.Matrix.EventProcessor.On(kind, connector.LiveLocation)
	}
	for _, kind := range bridge.EphemeralTypes {
		m.Matrix.EventProcessor.On(kind, connector.Ephemeral)
	}
}
