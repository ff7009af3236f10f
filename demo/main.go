// Command demo shows matrix-msn at work on real parts: it builds and starts a homeserver (Dendrite), an MSN server and
// the bridge, logs a Matrix user's MSN account in, and prints a conversation between her and somebody on MSN as it
// goes through. Then anybody can join with Element as that user, and play the other side in a page in the browser; until
// somebody does, a script answers from there. Ctrl-C ends it.
//
//	go run ./demo          until Ctrl-C
//	go run ./demo -once    ends after the scripted conversation, with status 0 only if all of it arrived
//
// It needs Go and a C compiler, listens on 127.0.0.1 only, and leaves nothing behind.
//
// This program only builds the others and tells how far it is, so that it is there at once; package stage is the demo.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"matrix-msn/demo/internal/screen"
	"matrix-msn/e2e/build"
	"matrix-msn/internal/childprocess"
)

func main() {
	once := flag.Bool("once", false, "end after the scripted conversation; the exit status tells whether all of it arrived")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal ends everything in order; a second one, should that hang, ends the demo as usual.
	context.AfterFunc(ctx, stop)
	ctx = untilGoRunEnds(ctx)
	out := screen.New(os.Stdout)
	code, err := run(ctx, out, *once)
	switch {
	case err != nil && ctx.Err() != nil:
		out.Say("Interrupted before the conversation was over.")
		code = 130
	case err != nil:
		out.Fail(err)
		code = 1
	}
	os.Exit(code)
}

// stopTime is how long the demo may take to end after it was asked to.
const stopTime = time.Minute

// run builds the parts and shows the demo. It returns the demo's exit status; what was written is gone.
func run(ctx context.Context, out *screen.Screen, once bool) (code int, err error) {
	out.Heading("matrix-msn: a Matrix user and an MSN user talk through the bridge")
	out.Say("\n  First a homeserver and the bridge are built. The first time that takes two to three minutes on two cores, 250 MB\n" +
		"  from the net and 2 GB in the caches of Go; later a few seconds.\n")
	dir, err := os.MkdirTemp("", "matrix-msn-demo-")
	if err != nil {
		return 0, fmt.Errorf("make a directory for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	binaries, stage, err := buildParts(ctx, out, dir)
	if err != nil {
		return 0, err
	}
	args := []string{"-dendrite", binaries.Dendrite, "-bridge", binaries.Bridge, "-dir", dir}
	if once {
		args = append(args, "-once")
	}
	cmd := exec.CommandContext(ctx, stage, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	childprocess.Isolate(cmd)
	cmd.Cancel = func() error { return childprocess.Interrupt(cmd.Process) }
	cmd.WaitDelay = stopTime
	err = cmd.Run()
	if cmd.ProcessState != nil && cmd.ProcessState.Exited() { // it has said itself what was wrong
		return cmd.ProcessState.ExitCode(), nil
	}
	return 0, err
}

// buildParts builds what the demo is made of: first what its programs use from other modules, while the homeserver's are
// downloaded, and then the homeserver beside the others.
func buildParts(ctx context.Context, out *screen.Screen, dir string) (binaries build.Binaries, stage string, err error) {
	const stagePackage = "./demo/stage"
	shared := make(chan struct{})
	var homeserver, rest error
	var building sync.WaitGroup
	building.Go(func() {
		homeserver = out.Step("Dendrite", func() (done string, err error) {
			binaries.Dendrite, err = build.Dendrite(ctx, shared, out)
			return "the homeserver is built", err
		})
	})
	building.Go(func() {
		rest = out.Step("libraries", func() (done string, err error) {
			defer close(shared)
			return "what the parts use from others is built", build.Libraries(ctx, out, build.BridgePackage, stagePackage)
		})
		if rest != nil {
			return
		}
		rest = out.Step("bridge", func() (done string, err error) {
			paths, err := build.Programs(ctx, "bridge", dir, build.RaceEnabled, out, build.BridgePackage, stagePackage)
			if err != nil {
				return "", err
			}
			binaries.Bridge, stage = paths[0], paths[1]
			return "matrix-msn is built, and what plays both sides", nil
		})
	})
	building.Wait()
	return binaries, stage, errors.Join(homeserver, rest)
}
