// Command stage is the demo behind its starter: it starts the parts that the starter has built, logs a Matrix user's
// MSN account in, and prints a conversation between her and somebody on MSN as it goes through.
package main

import (
	"context"
	"flag"
	"os"
	"os/signal"
	"syscall"

	"matrix-msn/demo/internal/screen"
	"matrix-msn/e2e/build"
)

func main() {
	once := flag.Bool("once", false, "end after the scripted conversation")
	dir := flag.String("dir", "", "the `directory` for what is written")
	var binaries build.Binaries
	flag.StringVar(&binaries.Dendrite, "dendrite", "", "the `path` of the homeserver")
	flag.StringVar(&binaries.Bridge, "bridge", "", "the `path` of the bridge")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal ends everything in order; a second one, should that hang, ends the demo as usual.
	context.AfterFunc(ctx, stop)
	out := screen.New(os.Stdout)
	if err := run(ctx, out, binaries, *dir, *once); err != nil && ctx.Err() == nil {
		out.Fail(err)
		os.Exit(1)
	} else if err != nil {
		out.Say("Interrupted before the conversation was over.")
		os.Exit(130)
	}
}
