package main

import (
	"crypto/subtle"
	"net/http"

	"maunium.net/go/mautrix/bridgev2/matrix/mxmain"

	"matrix-msn/bridge"
)

// holdTransactions puts the connector between the homeserver and the framework for
// transactions. Everything else stays the framework's.
func holdTransactions(m *mxmain.BridgeMain, connector *bridge.Connector) {
	framework := m.Matrix.AS.Router
	router := http.NewServeMux()
	router.Handle("/", framework)
	router.Handle("PUT /_matrix/app/v1/transactions/{txnID}", connector.HoldTransactions(framework, func(r *http.Request) bool {
		want := "Bearer " + m.Matrix.AS.Registration.ServerToken
		return subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(want)) == 1
	}))
	m.Matrix.AS.Router = router
}
