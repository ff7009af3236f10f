package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"matrix-msn/e2e/stack"
)

// errInterrupted says that somebody ended the demo before it was over.
var errInterrupted = errors.New("interrupted")

// run shows the whole demo. What it starts and writes is gone when it returns.
func run(ctx context.Context, out *screen, once bool) (err error) {
	dir, err := os.MkdirTemp("", "matrix-msn-demo-")
	if err != nil {
		return fmt.Errorf("make a directory for the demo: %w", err)
	}
	d := &demo{out: out, dir: dir}
	defer func() {
		if ctx.Err() != nil && err != nil {
			err = errInterrupted
		}
		if left := errors.Join(d.close(), os.RemoveAll(dir)); left != nil {
			err = errors.Join(err, left)
		}
	}()

	out.heading("matrix-msn: a Matrix user and an MSN user talk through the bridge")
	out.say("")
	if err := d.setUp(ctx); err != nil {
		return err
	}
	out.heading("The conversation, with the time from sending to arrival")
	out.say("")
	if err := d.converse(ctx); err != nil {
		return err
	}
	if once {
		return nil
	}
	d.invite()
	d.answer(ctx)
	out.say("\nEnding everything …")
	return nil
}

// demo is the state of a demo: the parts that run, and the two who talk.
type demo struct {
	out *screen
	dir string

	msn   *stack.MSN
	parts *stack.Stack
	alice *matrixUser
	bob   *stack.Person
}

// close ends all that was started, users first. What was not started is left out.
func (d *demo) close() error {
	var errs []error
	if d.bob != nil {
		errs = append(errs, d.bob.Close())
	}
	if d.alice != nil {
		d.alice.Close()
	}
	if d.parts != nil {
		errs = append(errs, d.parts.Stop())
	}
	if d.msn != nil {
		d.msn.Close()
	}
	return errors.Join(errs...)
}
