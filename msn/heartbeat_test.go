package msn

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/wire"
)

func TestHeartbeat(t *testing.T) {
	for _, test := range []struct {
		name    string
		qng     string
		between time.Duration // from one PNG to the next
	}{
		{"without a wish", "QNG", defaultPing},
		{"a longer wish", "QNG 60", defaultPing},
		{"a shorter wish", "QNG 20", 20 * time.Second},
		{"a wish that is too short", "QNG 1", ns.MinPing},
		{"zero", "QNG 0", defaultPing},
		{"no number", "QNG soon", defaultPing},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newFakeNet(t)
				client, ns := signedIn(t, n, 9)
				_ = ns.conn.SetReadDeadline(time.Time{})
				last := time.Now()
				for i := range 5 {
					cmd, err := ns.reader.Read()
					if err != nil || cmd.Verb != "PNG" || len(cmd.Args) != 0 {
						t.Fatalf("the client sent %v, %v", cmd, err)
					}
					if waited := time.Since(last); i == 1 && waited != test.between || i > 1 && waited > test.between {
						t.Errorf("PNG %d comes after %v, want %v", i, waited, test.between)
					}
					last = time.Now()
					ns.send(test.qng)
				}
				if client.Err() != nil {
					t.Error(client.Err())
				}
			})
		})
	}
}

// Those of many connections are due at the same moments, and no later than each would be.
func TestHeartbeatsGoByOneClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t)
		for range 3 {
			time.Sleep(290 * time.Millisecond)
			began := time.Now()
			_, conn := signedIn(t, n, 9)
			_ = conn.conn.SetReadDeadline(time.Time{})
			for range 3 {
				cmd, err := conn.reader.Read()
				if err != nil || cmd.Verb != "PNG" {
					t.Fatalf("the client sent %v, %v", cmd, err)
				}
				now := time.Now()
				if !now.Equal(now.Truncate(time.Second)) {
					t.Errorf("PNG comes at %v", now)
				}
				if waited := now.Sub(began); waited > defaultPing || waited <= defaultPing-time.Second {
					t.Errorf("PNG comes after %v", waited)
				}
				time.Sleep(130 * time.Millisecond)
				conn.send("QNG 60")
				synctest.Wait()
				began = now
			}
		}
	})
}

// Clients that share a clock are each served in time, whoever of them ends, is not answered, or is the last.
func TestClientsThatShareAClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t)
		shared := new(Shared)
		type side struct {
			client *Client
			ns     *fakeConn
			sent   int
		}
		sides := make([]*side, 4)
		for i := range sides {
			client, ns := signedIn(t, n, 9, func(cfg *Config) { cfg.Shared = shared })
			sides[i] = &side{client: client, ns: ns}
		}
		var reading sync.WaitGroup
		defer reading.Wait()
		for i, s := range sides {
			_ = s.ns.conn.SetReadDeadline(time.Time{})
			reading.Go(func() {
				for {
					cmd, err := s.ns.reader.Read()
					if err != nil || cmd.Verb == "OUT" {
						return
					}
					s.sent++
					if i != 1 {
						s.ns.send("QNG 60")
					}
				}
			})
		}
		time.Sleep(defaultPing + time.Second)
		sides[0].client.Close()
		time.Sleep(3 * defaultPing)
		synctest.Wait()
		if err := sides[1].client.Err(); !errors.Is(err, ErrTimeout) {
			t.Errorf("who is not answered ended with %v", err)
		}
		for i, want := range []int{1, 1, 4, 4} {
			if sides[i].sent != want {
				t.Errorf("client %d has sent %d PNG, want %d", i, sides[i].sent, want)
			}
		}
		for _, s := range sides[1:] {
			s.client.Close()
		}
	})
}

func TestHeartbeatWithoutAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t)
		client, ns := signedIn(t, n, 9)
		start := time.Now()
		_ = ns.conn.SetReadDeadline(time.Time{})
		if cmd, err := ns.reader.Read(); err != nil || cmd.Verb != "PNG" {
			t.Fatalf("the client sent %v, %v", cmd, err)
		}
		<-client.Done()
		if !errors.Is(client.Err(), ErrTimeout) || !errors.Is(client.Err(), ErrNotConnected) {
			t.Errorf("ended with %v", client.Err())
		}
		if took := time.Since(start); took != defaultPing+defaultPong {
			t.Errorf("noticed after %v", took)
		}
	})
}

// A line on which nothing passes any more is noticed also while the user goes on asking the server for something, and as soon when they
// begin to later.
func TestHeartbeatOfAUserWhoGoesOnAsking(t *testing.T) {
	for _, quiet := range []time.Duration{0, defaultPing - 10*time.Second} {
		t.Run(quiet.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { goOnAsking(t, quiet) })
		})
	}
}

// goOnAsking has a user ask a server that says nothing any more, after a time.
func goOnAsking(t *testing.T, quiet time.Duration) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 9)
	start := time.Now()
	_ = ns.conn.SetReadDeadline(time.Time{})
	var asking sync.WaitGroup
	defer asking.Wait()
	asking.Go(func() {
		for {
			if _, err := ns.reader.Read(); err != nil {
				return
			}
		}
	})
	time.Sleep(quiet)
	for range 20 {
		asking.Go(func() {
			if err := client.SetStatus(t.Context(), Busy); !errors.Is(err, ErrTimeout) && !errors.Is(err, ErrNotConnected) {
				t.Errorf("the status: %v", err)
			}
		})
		select {
		case <-client.Done():
			if took := time.Since(start); took > defaultPing+defaultPong+time.Second {
				t.Errorf("noticed after %v", took)
			}
			return
		case <-time.After(20 * time.Second):
		}
	}
	t.Error("it is not noticed at all")
	client.Close()
}

// Commands whose success the server does not tell put no PNG off, whatever else it says meanwhile.
func TestHeartbeatOfAUserWhoIsNotAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t)
		client, server := signedIn(t, n, 9)
		_ = server.conn.SetReadDeadline(time.Time{})
		start, pinged := time.Now(), make(chan time.Duration, 1)
		go func() {
			for {
				cmd, err := server.reader.Read()
				switch {
				case err != nil:
					return
				case cmd.Verb == "PNG":
					pinged <- time.Since(start)
					return
				}
				server.send("SBS 0 null")
			}
		}()
		for range 4 {
			time.Sleep(10 * time.Second)
			client.conn.Do(func() {
				client.conn.Send(ns.Request{Command: wire.New("FND", "fname=a"), Silent: true, Wait: time.Second, Done: func(wire.Command, error) {}})
			})
		}
		if took := <-pinged; took > defaultPing {
			t.Errorf("PNG comes after %v", took)
		}
	})
}

func TestHeartbeatTakesAnythingForAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t)
		client, ns := signedIn(t, n, 9)
		_ = ns.conn.SetReadDeadline(time.Time{})
		for range 3 {
			if cmd, err := ns.reader.Read(); err != nil || cmd.Verb != "PNG" {
				t.Fatalf("the client sent %v, %v", cmd, err)
			}
			ns.send("SBS 0 null")
		}
		if client.Err() != nil {
			t.Error(client.Err())
		}
	})
}

// A server that has answered PNG and does not any more is of no use, whatever else it sends.
func TestHeartbeatOfAServerThatStopsAnswering(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t)
		client, conn := signedIn(t, n, 9)
		_ = conn.conn.SetReadDeadline(time.Time{})
		pings := 0
		for i := range 4 + ns.MaxMissed {
			if cmd, err := conn.reader.Read(); err != nil || cmd.Verb != "PNG" {
				t.Fatalf("the client sent %v, %v", cmd, err)
			}
			pings++
			if i == 0 || i == 3 { // what is missed in between is not too much
				conn.send("QNG 50")
			} else {
				conn.send("SBS 0 null")
			}
			synctest.Wait()
			if client.Err() != nil {
				t.Fatalf("ended after %d: %v", pings, client.Err())
			}
		}
		<-client.Done()
		if !errors.Is(client.Err(), ErrTimeout) || !errors.Is(client.Err(), ErrNotConnected) {
			t.Errorf("ended with %v", client.Err())
		}
	})
}

func TestSilentServersEndNoCallLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t)
		client, ns := signedIn(t, n, 9)
		go answerPings(ns)
		start := time.Now()
		if err := client.SetStatus(t.Context(), Busy); !errors.Is(err, ErrTimeout) {
			t.Errorf("error %v", err)
		}
		if took := time.Since(start); took != defaultRequest {
			t.Errorf("took %v", took)
		}
		if client.Err() != nil {
			t.Error(client.Err())
		}
	})
}

func TestCloseAfterACommandIsItsFailure(t *testing.T) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 9)
	result := make(chan error, 1)
	go func() { result <- client.SetStatus(t.Context(), Busy) }()
	ns.expect("CHG 7 BSY 1073741856")
	ns.close()
	if err := waitError(t, result); !errors.Is(err, ErrRefused) {
		t.Errorf("error %v", err)
	}
	if err := ended(t, client); !errors.Is(err, ErrNotConnected) {
		t.Errorf("ended with %v", err)
	}
}

func TestOutReasons(t *testing.T) {
	for line, want := range map[string]OutError{
		"OUT":           {},
		"OUT OTH":       {Reason: "OTH"},
		"OUT SSD":       {Reason: "SSD"},
		"OUT RCT 5":     {Reason: "RCT", After: 5 * time.Minute},
		"OUT RCT":       {Reason: "RCT"},
		"OUT RCT -1":    {Reason: "RCT"},
		"OUT RCT 65535": {Reason: "RCT", After: 24 * time.Hour},
		"OUT XYZ 1":     {Reason: "XYZ"},
	} {
		n := newFakeNet(t)
		client, ns := signedIn(t, n, 9)
		ns.send(line)
		var out *OutError
		if err := ended(t, client); !errors.As(err, &out) || *out != want {
			t.Errorf("%s: ended with %+v", line, err)
		}
	}
	for line, want := range map[string]string{"XFR 0 NS 10.0.0.1:1863 0 x": "10.0.0.1:1863", "XFR 0 NS 0": ""} {
		n := newFakeNet(t)
		client, ns := signedIn(t, n, 9)
		ns.send(line)
		var moved *MovedError
		if err := ended(t, client); !errors.As(err, &moved) || moved.Address != want {
			t.Errorf("%s: ended with %+v", line, err)
		}
	}
}

func TestCloseWhenNobodyReadsEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t)
		client, ns := signedIn(t, n, 9)
		ns.send("NLN NLN bob@example.com Bob 0")
		start := time.Now()
		go answerPings(ns)
		_ = client.Close()
		if took := time.Since(start); took > eventGrace {
			t.Errorf("Close took %v", took)
		}
	})
}

const eventGrace = ns.EventGrace
