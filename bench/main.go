// Command bench measures what the bridge itself costs: between a homeserver that costs next to nothing and an MSN server,
// beside the least connector that there can be, in one run. See docs/performance.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"matrix-msn/e2e/build"
	"matrix-msn/internal/postgrestest"
)

// options are what is measured.
type options struct {
	logins, contacts int // accounts, and contacts of each with whom there is a room
	rate             int // messages a second, where latency is measured
	during           time.Duration
	burst            int // messages for each room, where throughput is measured
	rounds           int
	databases        []string
	keep             bool
	idle             bool // accounts that do nothing are measured, and nothing else
}

func main() {
	if what := os.Getenv(crowdVariable); what != "" {
		if err := beCrowd(what); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	var o options
	var database string
	flag.IntVar(&o.logins, "logins", 10, "how many accounts are signed in")
	flag.IntVar(&o.contacts, "contacts", 50, "with how many contacts each of them has a room")
	flag.IntVar(&o.rate, "rate", 100, "messages a second while latency is measured")
	flag.DurationVar(&o.during, "for", 10*time.Second, "for how long latency is measured, each way")
	flag.IntVar(&o.burst, "burst", 10, "how many messages for each room are sent at once while throughput is measured")
	flag.IntVar(&o.rounds, "rounds", 1, "how often everything is measured; the middle of all counts")
	flag.StringVar(&database, "database", "both", "sqlite, postgres or both")
	flag.BoolVar(&o.keep, "keep", false, "keep the directories of the bridges, with their logs")
	flag.BoolVar(&o.idle, "idle", false, "measure -logins accounts that do nothing for -for, and restarts of the bridge and of the MSN server, and nothing else")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "%q is no flag: -h lists them\n", flag.Arg(0))
		os.Exit(2)
	}
	if min(o.logins, o.contacts, o.burst, o.rounds) < 1 || o.rate < 1 || o.rate > maxRate || o.during < time.Second {
		fmt.Fprintf(os.Stderr, "-logins, -contacts, -burst and -rounds must be 1 at least, -rate from 1 to %d, -for 1s at least\n", maxRate)
		os.Exit(2)
	}
	switch database {
	case "both":
		o.databases = []string{"sqlite", "postgres"}
	case "sqlite", "postgres":
		o.databases = []string{database}
	default:
		fmt.Fprintf(os.Stderr, "-database is %q: it must be sqlite, postgres or both\n", database)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// maxRate is the highest rate that can be asked for, in messages a second: nothing here comes near it.
const maxRate = 100_000

func run(ctx context.Context, o options) (err error) {
	dir, err := os.MkdirTemp("", "matrix-msn-bench-")
	if err != nil {
		return err
	}
	defer func() {
		if o.keep {
			fmt.Fprintln(os.Stderr, "What the bridges have written is in", dir)
			return
		}
		err = errors.Join(err, os.RemoveAll(dir))
	}()
	fmt.Fprintln(os.Stderr, "Building the bridges…")
	real, err := build.Bridge(ctx, dir, false, os.Stderr)
	if err != nil {
		return err
	}
	var bare string
	if !o.idle {
		bare, err = build.Program(ctx, "the bare connector", "./bench/bare", filepath.Join(dir, "bare"), false, os.Stderr)
	}
	if err != nil {
		return err
	}
	uris := map[string]func(context.Context) (string, error){"sqlite": nil}
	if len(o.databases) > 1 || o.databases[0] == "postgres" {
		server, err := postgrestest.Start(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, server.Stop()) }()
		uris["postgres"] = server.Database
	}
	if o.idle {
		fmt.Printf("%s, %d processors, %s\n", runtime.Version(), runtime.NumCPU(), time.Now().Format(time.DateOnly))
		return runIdle(ctx, o, kind{"matrix-msn", real}, dir, uris)
	}
	fmt.Printf("%s, %d processors, %s; %d accounts with %d rooms each\n", runtime.Version(), runtime.NumCPU(), time.Now().Format(time.DateOnly), o.logins, o.contacts)
	half, most, err := measureDisk(ctx, dir)
	if err != nil {
		return err
	}
	fmt.Printf("A write that the disk confirms: half within %.4g ms, 99 %% within %.4g ms\n", ms(half), ms(most))
	for _, database := range o.databases {
		var of [2][]result
		for round := range o.rounds {
			for i, kind := range []kind{{"matrix-msn", real}, {"bare", bare}} {
				fmt.Fprintf(os.Stderr, "%s on %s, round %d\n", kind.name, database, round+1)
				r, err := measure(ctx, o, kind, filepath.Join(dir, fmt.Sprint(kind.name, database, round)), uris[database])
				if err != nil {
					return fmt.Errorf("%s on %s: %w", kind.name, database, err)
				}
				of[i] = append(of[i], r)
			}
		}
		printTable(os.Stdout, database, middle(of[0]), middle(of[1]))
	}
	return nil
}
