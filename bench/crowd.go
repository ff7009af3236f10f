package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"matrix-msn/e2e/stack"
	"matrix-msn/msn/msntest"
)

// A crowd is an MSN server with many accounts, in a process of its own: what is measured is the bridge's.

const (
	// crowdVariable is set for the process of the server: to how many accounts there are, and at which ports.
	crowdVariable = "MATRIX_MSN_BENCH_CROWD"
	// crowdContacts is how many of the others each account has on its list.
	crowdContacts = 5
	// crowdGuests is how many more accounts there are, which sign in while the others come back.
	crowdGuests = 2
	crowdPorts  = 4
)

// beCrowd is the server until the input ends. It prints where it is.
func beCrowd(what string) error {
	var numbers []int
	for word := range strings.FieldsSeq(what) {
		n, err := strconv.Atoi(word)
		if err != nil {
			return err
		}
		numbers = append(numbers, n)
	}
	if len(numbers) != 1+crowdPorts {
		return errors.New("the crowd needs to know how many, and its ports")
	}
	many, ports := numbers[0], numbers[1:]
	srv, err := msntest.Start(context.Background(), msntest.WithRecordLimit(0),
		msntest.WithListen("127.0.0.1", ports[0], ports[1], ports[2]), msntest.WithPlainLogin(ports[3]))
	if err != nil {
		return err
	}
	defer srv.Close()
	for i := range many + crowdGuests {
		srv.AddAccount(account(i), password, msntest.Name(fmt.Sprint("User ", i)))
	}
	for i := range many {
		for c := range crowdContacts {
			if other := (i + 1 + c) % many; other != i {
				srv.Befriend(account(i), account(other))
			}
		}
	}
	fmt.Println(srv.Addr(), srv.PlainNexusURL())
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// crowd is such a process, which can be ended and started again.
type crowd struct {
	what        string
	addr, nexus string
	process     *exec.Cmd
	in          io.Closer
}

// newCrowd starts a server with so many accounts.
func newCrowd(ctx context.Context, many int) (*crowd, error) {
	ports, err := stack.FreePorts(crowdPorts)
	if err != nil {
		return nil, err
	}
	c := &crowd{what: strings.Trim(fmt.Sprint(append([]int{many}, ports...)), "[]")}
	return c, c.start(ctx)
}

// start starts the process, and returns when accounts can sign in.
func (c *crowd) start(ctx context.Context) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	process := exec.CommandContext(ctx, program)
	process.Env, process.Stderr = append(os.Environ(), crowdVariable+"="+c.what), os.Stderr
	in, err := process.StdinPipe()
	if err != nil {
		return err
	}
	out, err := process.StdoutPipe()
	if err != nil {
		return err
	}
	if err := process.Start(); err != nil {
		return err
	}
	c.process, c.in = process, in
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return errors.Join(fmt.Errorf("the MSN server does not start: %w", err), c.kill())
	}
	c.addr, c.nexus, _ = strings.Cut(strings.TrimSpace(line), " ")
	return nil
}

// kill ends the process at once: all connections are lost.
func (c *crowd) kill() error {
	if c.process == nil {
		return nil
	}
	err := c.process.Process.Kill()
	_ = c.in.Close()
	_ = c.process.Wait() // it was killed
	c.process = nil
	return err
}
