// Command bare is the least that a bridge to MSN can be: a connector of the framework that hands texts on as they come,
// without queues, and counts what it does. The bench measures the real one against it.
package main

import (
	_ "github.com/mattn/go-sqlite3" // the driver of one database
	"go.mau.fi/util/dbutil"
	_ "go.mau.fi/util/dbutil/litestream" // and how the framework opens it
	"maunium.net/go/mautrix/bridgev2/matrix"
	"maunium.net/go/mautrix/bridgev2/matrix/mxmain"

	"matrix-msn/bridge/doctor"
	"matrix-msn/bridge/metrics"
)

func main() {
	matrix.MinSpecVersion = doctor.MinSpec
	c := &connector{metrics: metrics.New("bare")}
	m := mxmain.BridgeMain{Name: "bare", Description: "A connector without queues", Version: "0.1.0", Connector: c}
	m.PostInit = func() {
		m.DB.Log = c.metrics.Statements(dbutil.NoopLogger)
	}
	m.Run()
}
