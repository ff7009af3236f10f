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
	"sync"
	"time"

	"matrix-msn/e2e/stack"
	"matrix-msn/msn/msntest"
)

// A crowd is an MSN server with many accounts, in a process of its own: what is measured is the bridge's.

const (
	// crowdVariable is set for the process of the server: to how many accounts there are, and at which ports.
	crowdVariable = "MATRIX_MSN_BENCH_CROWD"
	// crowdContacts is how many of the others each account has on its list, and on how many of their lists it is. With the
	// friend of everybody, and one of its own whom nobody else knows, these are ten people.
	crowdContacts = 4
	// commonFriend is on everybody's list.
	commonFriend = "everybody@example.com"
	// crowdGuests is how many more accounts there are, which sign in while the others come back.
	crowdGuests = 2
	crowdPorts  = 4
)

// What the server is told, a line each, and what it answers with.
const (
	orderStatus = "status" // the friend of everybody has this status
	orderGreet  = "greet"  // the friend of everybody says something to so many accounts
	orderSpeak  = "speak"  // the own friend of each account says something; the number tells one time from the other
	reportDone  = "done"   // all of an order is done
	reportHeard = "heard"  // an own friend has heard this text
	reportFault = "fault"
)

const (
	// callsAtOnce is how many contacts call somebody at the same time.
	callsAtOnce = 256
	// callTimeout is how long they wait until somebody comes.
	callTimeout = time.Minute
)

func greeting(login int) string      { return fmt.Sprint("greeting/", login) }
func spoken(login, times int) string { return fmt.Sprintf("spoken/%d/%d", login, times) }
func answer(login int) string        { return fmt.Sprint("answer/", login) }

// beCrowd is the server until the input ends. It prints where it is, and does what it is told.
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
	p := players{friends: make([]*msntest.Bot, many)}
	srv.AddAccount(commonFriend, password, msntest.Name("Everybody's friend"))
	p.common = srv.Play(commonFriend, msntest.Script{})
	for i := range many {
		for c := range crowdContacts {
			if other := (i + 1 + c) % many; other != i {
				srv.Befriend(account(i), account(other))
			}
		}
		friend := contactOf(i, 0)
		srv.AddAccount(friend, password, msntest.Name(fmt.Sprint("Friend ", i)))
		srv.Befriend(account(i), friend)
		srv.Befriend(account(i), commonFriend)
		p.friends[i] = srv.Play(friend, msntest.Script{Text: p.heard})
	}
	p.report(srv.Addr(), srv.PlainNexusURL())
	orders := bufio.NewScanner(os.Stdin)
	for orders.Scan() {
		p.obey(orders.Text())
		p.report(reportDone)
	}
	return orders.Err()
}

// players are the contacts that the server plays itself.
type players struct {
	common  *msntest.Bot
	friends []*msntest.Bot

	reporting sync.Mutex
}

func (p *players) report(words ...any) {
	p.reporting.Lock()
	defer p.reporting.Unlock()
	fmt.Println(words...)
}

// heard is called for each text that an own friend has got. They close the window: a process has not as many files as accounts
// and open conversations together.
func (p *players) heard(chat *msntest.Chat, _, text string) {
	p.report(reportHeard, text)
	chat.Leave()
}

// obey does what the server is told.
func (p *players) obey(order string) {
	verb, what, _ := strings.Cut(order, " ")
	if verb == orderStatus {
		p.common.SetStatus(what)
		return
	}
	n, err := strconv.Atoi(what)
	if err != nil {
		p.report(reportFault, err)
		return
	}
	switch verb {
	case orderGreet:
		for i := range min(n, len(p.friends)) {
			p.say(p.common, i, greeting(i))
		}
	case orderSpeak:
		next := make(chan int)
		var speaking sync.WaitGroup
		for range callsAtOnce {
			speaking.Go(func() {
				for i := range next {
					p.say(p.friends[i], i, spoken(i, n))
				}
			})
		}
		for i := range p.friends {
			next <- i
		}
		close(next)
		speaking.Wait()
	}
}

// say has somebody call an account, say something and go.
func (p *players) say(who *msntest.Bot, to int, text string) {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	chat, err := who.Call(ctx, account(to))
	if err == nil {
		err = chat.Say(text)
		chat.Leave()
	}
	if err != nil {
		p.report(reportFault, err)
	}
}

// crowd is such a process, which can be ended and started again.
type crowd struct {
	what        string
	addr, nexus string
	process     *exec.Cmd
	in          io.WriteCloser
	heard       func(text string, at time.Time)
	done        chan struct{} // an order was obeyed; closed when the process has ended
	reading     sync.WaitGroup
}

// newCrowd starts a server with so many accounts. heard is called for each text that an own friend gets.
func newCrowd(ctx context.Context, many int, heard func(text string, at time.Time)) (*crowd, error) {
	ports, err := stack.FreePorts(crowdPorts)
	if err != nil {
		return nil, err
	}
	c := &crowd{heard: heard, what: strings.Trim(fmt.Sprint(append([]int{many}, ports...)), "[]")}
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
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		return errors.Join(errors.New("the MSN server does not start"), lines.Err(), c.kill())
	}
	c.addr, c.nexus, _ = strings.Cut(lines.Text(), " ")
	c.done = make(chan struct{}, 1)
	c.reading.Go(func() { c.read(lines) })
	return nil
}

// read reads what the server reports until it has ended.
func (c *crowd) read(lines *bufio.Scanner) {
	defer close(c.done)
	for lines.Scan() {
		switch verb, what, _ := strings.Cut(lines.Text(), " "); verb {
		case reportHeard:
			c.heard(what, time.Now())
		case reportDone:
			c.done <- struct{}{}
		default:
			fmt.Fprintln(os.Stderr, "the MSN server:", verb, what)
		}
	}
}

// order has the server do something, and returns when it is done.
func (c *crowd) order(ctx context.Context, verb string, what any) error {
	if _, err := fmt.Fprintln(c.in, verb, what); err != nil {
		return err
	}
	select {
	case _, there := <-c.done:
		if !there {
			return errors.New("the MSN server has ended")
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// kill ends the process at once: all connections are lost.
func (c *crowd) kill() error {
	if c.process == nil {
		return nil
	}
	err := c.process.Process.Kill()
	_ = c.in.Close()
	c.reading.Wait()
	_ = c.process.Wait() // it was killed
	c.process = nil
	return err
}
