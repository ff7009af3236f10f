// Command demo shows matrix-msn at work on real parts: it builds and starts a homeserver (Dendrite), an MSN server and
// the bridge, logs a Matrix user's MSN account in, and prints a conversation between her and somebody on MSN as it
// goes through. Then anybody can join with Element as that user; a script answers from MSN, until Ctrl-C.
//
//	go run ./demo          until Ctrl-C
//	go run ./demo -once    ends after the scripted conversation, with status 0 only if all of it arrived
//
// It needs Go and a C compiler, listens on 127.0.0.1 only, and leaves nothing behind.
package main

import (
	"context"
	"flag"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	once := flag.Bool("once", false, "end after the scripted conversation; the exit status tells whether all of it arrived")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal ends everything in order; a second one, should that hang, ends the demo as usual.
	context.AfterFunc(ctx, stop)
	ctx = untilGoRunEnds(ctx)
	out := newScreen(os.Stdout)
	switch err := run(ctx, out, *once); err {
	case nil:
	case errInterrupted:
		out.say("Interrupted before the conversation was over.")
		os.Exit(130)
	default:
		out.fail(err)
		os.Exit(1)
	}
}
