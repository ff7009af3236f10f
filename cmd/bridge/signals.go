package main

import (
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"maunium.net/go/mautrix/bridgev2/matrix/mxmain"
)

// startPatience is for how long a start that the program is asked to end in may go on, to end in order.
const startPatience = 5 * time.Second

// ending has the program end when it is asked to.
type ending struct {
	awaits atomic.Bool // the start does nothing but wait for the homeserver
}

// whenAsked has the program end in order when it is asked to before the framework listens for that, which is a little later than
// its log says that the bridge has started: it would be killed. While the homeserver is awaited, which the framework does without
// end, it ends at once, after release has left the database to others. started is to be called when the start is over.
func (e *ending) whenAsked(m *mxmain.BridgeMain, release func()) (started func()) {
	over := make(chan struct{})
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-asked
		if e.awaits.CompareAndSwap(true, false) {
			m.Log.Info().Msg("Asked to end while the homeserver is awaited")
			release()
			os.Exit(0)
		}
		select {
		case <-over:
			m.TriggerStop(0)
		case <-time.After(startPatience):
			os.Exit(0)
		}
	}()
	return func() { close(over) }
}

// while does what waits for the homeserver. It does not return if the program is asked to end meanwhile.
func (e *ending) while(await func() error) error {
	e.awaits.Store(true)
	err := await()
	if !e.awaits.CompareAndSwap(true, false) {
		select {} // the program ends
	}
	return err
}
