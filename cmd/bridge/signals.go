package main

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"maunium.net/go/mautrix/bridgev2/matrix/mxmain"
)

// startPatience is for how long a start that the program is asked to end in may go on, to end in order. It may be waiting
// for the homeserver.
const startPatience = 5 * time.Second

// endWhenAsked has the program end in order when it is asked to before the framework listens for that, which is a little later than
// its log says that the bridge has started: it would be killed. started is to be called when the start is over.
func endWhenAsked(m *mxmain.BridgeMain) (started func()) {
	over := make(chan struct{})
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-asked
		select {
		case <-over:
			m.TriggerStop(0)
		case <-time.After(startPatience):
			os.Exit(0)
		}
	}()
	return func() { close(over) }
}
