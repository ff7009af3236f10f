package session

import (
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"matrix-msn/bridge/config"
	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

// hanging is a service that takes connections and never answers.
type hanging struct {
	*config.Service
	connected chan struct{} // gets something for each connection
}

func newHanging(t *testing.T, key string) hanging {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := hanging{
		Service: &config.Service{Key: key, Name: key, Template: msn.Config{
			Server: listener.Addr().String(), Dialects: []wire.Dialect{7}, Trust: msn.Trust{AllowPrivate: true},
		}},
		connected: make(chan struct{}, 1000),
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			h.connected <- struct{}{}
			t.Cleanup(func() { connection.Close() })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		serving.Wait()
	})
	return h
}

// A service that hangs holds up the sign-ins of no other, and people who type `login` do not
// stand behind the bridge's own attempts.
func TestServiceThatHangsHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	slow, other := newHanging(t, "slow"), newHanging(t, "other")
	var signIns SignIns
	ctx, cancel := context.WithCancel(t.Context())
	var opening sync.WaitGroup
	defer opening.Wait()
	defer cancel()
	open := func(lane Lane, h hanging, account string) {
		opening.Go(func() {
			who := Credentials{Account: account, Password: "secret", MachineGUID: msn.NewMachineGUID()}
			if client, err := signIns.Open(ctx, lane, h.Service, who, zerolog.Nop()); err == nil {
				client.Close()
				t.Error("signed in to a service that does not answer")
			}
		})
	}
	for i := range 4 * maxSignIns {
		open(Background, slow, fmt.Sprintf("user%d@example.com", i))
	}
	for range maxSignIns {
		<-slow.connected
	}
	open(Interactive, slow, "alice@example.com")
	<-slow.connected
	open(Background, other, "bob@example.com")
	<-other.connected
	open(Interactive, other, "carol@example.com")
	<-other.connected
	if n := len(slow.connected); n > 0 {
		t.Errorf("%d more than %d sign-ins are under way in the lane", n, maxSignIns)
	}
}

// Who waits for a turn can give up.
func TestSignInThatWaitsCanBeGivenUp(t *testing.T) {
	t.Parallel()
	slow := newHanging(t, "slow")
	var signIns SignIns
	for range maxSignIns {
		if err := signIns.await(t.Context(), Interactive, "slow"); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := signIns.Open(ctx, Interactive, slow.Service, Credentials{Account: "alice@example.com"}, zerolog.Nop()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if n := len(slow.connected); n > 0 {
		t.Errorf("%d connections", n)
	}
}

// Of one login there is one sign-in at a time; others go on, and nothing is kept of those
// that are over.
func TestLoginsAreLockedOneByOne(t *testing.T) {
	t.Parallel()
	var signIns SignIns
	unlock := signIns.Lock("home/alice@example.com")
	signIns.Lock("home/bob@example.com")()
	locked := make(chan struct{})
	go func() {
		signIns.Lock("home/alice@example.com")()
		close(locked)
	}()
	select {
	case <-locked:
		t.Error("two have the lock of one login")
	default:
	}
	unlock()
	<-locked
	if n := reflect.ValueOf(&signIns.logins).Elem().FieldByName("locks").Len(); n > 0 {
		t.Errorf("%d locks are kept", n)
	}
}

// Who reads what nobody wants has ended when the session has.
func TestDiscardedSessionIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	srv := msntest.NewServer(t)
	srv.AddAccount("alice@example.com", "secret")
	service := &config.Service{Key: "home", Name: "Home", Template: msn.Config{Server: srv.Addr(), Trust: msn.Trust{AllowPrivate: true}, Dialects: []wire.Dialect{7}}}
	var signIns SignIns
	client, err := signIns.Open(t.Context(), Interactive, service, Credentials{Account: "alice@example.com", Password: "secret"}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	Discard(client)
	select {
	case evt, open := <-client.Events():
		if open {
			t.Errorf("%T was not read", evt)
		}
	default:
		t.Error("the events go on")
	}
}
