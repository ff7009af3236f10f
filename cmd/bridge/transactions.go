package main

import (
	"context"
	"crypto/subtle"
	"net/http"

	"maunium.net/go/mautrix/bridgev2/matrix/mxmain"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge"
	"matrix-msn/bridge/chat"
	"matrix-msn/bridge/intake"
)

// receiveTransactions puts the connector between the homeserver and the framework for
// transactions. Everything else stays the framework's.
func receiveTransactions(m *mxmain.BridgeMain, connector *bridge.Connector) {
	framework := m.Matrix.AS.Router
	refused := &refusals{log: m.Log}
	router := http.NewServeMux()
	router.Handle("/", framework)
	router.Handle("PUT /_matrix/app/v1/transactions/{txnID}", connector.Receive(framework, func(r *http.Request) bool {
		switch token := m.Matrix.AS.Registration.ServerToken; {
		case same(r.Header.Get("Authorization"), "Bearer "+token):
			return true
		case same(r.URL.Query().Get("access_token"), token):
			refused.add(oldTransaction)
		default:
			refused.add(otherToken)
		}
		return false
	}))
	// Where homeservers of old send them. The framework answers that there is nothing.
	router.HandleFunc("PUT /transactions/{txnID}", func(w http.ResponseWriter, r *http.Request) {
		refused.add(oldTransaction)
		framework.ServeHTTP(w, r)
	})
	m.Matrix.AS.Router = router
	connector.Deliver = func(ctx context.Context, evt *event.Event) error {
		select {
		case m.Matrix.AS.Events <- evt:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for _, kind := range intake.Types {
		m.Matrix.EventProcessor.PrependHandler(kind, connector.Arriving)
		m.Matrix.EventProcessor.On(kind, connector.Dispatched)
	}
	m.Matrix.EventProcessor.On(event.StateMember, connector.Member)
	for _, kind := range chat.LiveLocation {
		m.Matrix.EventProcessor.On(kind, connector.LiveLocation)
	}
	for _, kind := range bridge.EphemeralTypes {
		m.Matrix.EventProcessor.On(kind, connector.Ephemeral)
	}
}

func same(one, other string) bool { return subtle.ConstantTimeCompare([]byte(one), []byte(other)) == 1 }
