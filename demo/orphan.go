package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

// parentCheck is how often it is looked whether `go run` is still there.
const parentCheck = time.Second

// untilGoRunEnds returns a context that also ends when the `go run` that started
// this program does: it passes no signals on, so that ending it by its process ID
// would leave everything running. Where processes can't be looked up in /proc, the
// context is ctx.
func untilGoRunEnds(ctx context.Context) context.Context {
	parent := os.Getppid()
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", parent))
	if err != nil || strings.TrimSpace(string(name)) != "go" {
		return ctx
	}
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		ticker := time.NewTicker(parentCheck)
		defer ticker.Stop()
		for os.Getppid() == parent {
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return ctx
}
