package main

import (
	"context"
	"fmt"
	"net"
)

// openWindow serves what Bob has on his screen as a page, and has it show all that he has heard and hears, until ctx
// ends or the demo is closed.
func (d *demo) openWindow(ctx context.Context) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("open Bob's page: %w", err)
	}
	ctx, d.endPage = context.WithCancel(ctx)
	d.page = fmt.Sprintf("http://%s/", listener.Addr())
	d.serving.Go(func() {
		if err := d.window.Serve(ctx, listener); err != nil && ctx.Err() == nil {
			d.out.Say("  Bob's page cannot be had any more: " + err.Error())
		}
	})
	d.serving.Go(func() {
		for heard := range d.bob.Follow(ctx, 0) {
			d.window.Hear(heard.Event)
		}
	})
	return nil
}
