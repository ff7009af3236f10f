package room

import (
	"crypto/sha256"
	"encoding/hex"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/id"
)

// Once has the homeserver take what is told of an event once, however often it is sent: when
// its answer is lost, or the bridge is stopped before it can note that it was told.
func Once(of id.EventID) *bridgev2.MatrixSendExtra {
	sum := sha256.Sum256([]byte(of))
	return &bridgev2.MatrixSendExtra{TransactionID: "msn-told-" + hex.EncodeToString(sum[:16])}
}
