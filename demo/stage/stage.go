package main

import (
	"context"
	"errors"
	"sync"

	"matrix-msn/demo/internal/screen"
	"matrix-msn/demo/window"
	"matrix-msn/e2e/build"
	"matrix-msn/e2e/stack"
)

// run shows the whole demo in a directory. What it starts is gone when it returns.
func run(ctx context.Context, out *screen.Screen, binaries build.Binaries, dir string, once bool) (err error) {
	d := &demo{out: out, dir: dir}
	defer func() { err = errors.Join(err, d.close()) }()
	if err := d.setUp(ctx, binaries); err != nil {
		return err
	}
	if !once {
		if err := d.openWindow(ctx); err != nil {
			return err
		}
	}
	out.Heading("The conversation, with the time from sending to arrival")
	out.Say("")
	if err := d.converse(ctx); err != nil {
		return err
	}
	if once {
		return nil
	}
	d.invite()
	d.answer(ctx)
	out.Say("\nEnding everything …")
	return nil
}

// demo is the state of a demo: the parts that run, and the two who talk.
type demo struct {
	out *screen.Screen
	dir string

	msn   *stack.MSN
	parts *stack.Stack
	alice *matrixUser
	bob   *stack.Person

	window  *window.Window // of Bob
	page    string         // its address
	endPage context.CancelFunc
	serving sync.WaitGroup
	said    sync.Map // when the script has said a text
}

// close ends all that was started, users first. What was not started is left out.
func (d *demo) close() error {
	var errs []error
	if d.endPage != nil {
		d.endPage()
	}
	if d.window != nil {
		d.window.Close()
	}
	d.serving.Wait()
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
