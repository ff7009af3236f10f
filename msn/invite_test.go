package msn

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"matrix-msn/msn/wire"
)

func TestInvitationTakesTheFormOfTheDialect(t *testing.T) {
	inEveryDialect(t, func(t *testing.T, client *Client, ns *fakeConn, trid string) {
		d := client.Dialect()
		invite := func(text string) <-chan answered[struct{}] {
			return goCall(func() (struct{}, error) {
				return struct{}{}, client.Invite(t.Context(), "alice@hotmail.com", text)
			})
		}
		want := map[wire.Dialect]string{2: "alice@hotmail.com", 3: "alice@hotmail.com 0x409 MSMSGS"}[d]
		if want == "" {
			want = "alice@hotmail.com 0x409 MSMSGS MSMSGS"
		}
		call := invite(" \n ")
		ns.expect("SND " + trid + " " + want)
		ns.send("SND " + trid + " OK")
		if _, err := waitCall(t, call); err != nil {
			t.Errorf("without a text: %v", err)
		}

		call = invite("Grüße!\nKommst Du?")
		trid = tridAfter(trid, 1)
		if d >= 5 {
			cmd := ns.expect("SDC " + trid + " alice@hotmail.com 0x0409 MSMSGS MSMSGS X X Alice%20A")
			if cmd.Payload != "Grüße!\r\nKommst Du?" {
				t.Errorf("the text is sent as %q", cmd.Payload)
			}
			ns.send("SDC " + trid + " OK")
			if _, err := waitCall(t, call); err != nil {
				t.Errorf("with a text: %v", err)
			}
		} else if _, err := waitCall(t, call); !errors.Is(err, ErrDialect) {
			t.Errorf("with a text: %v", err)
		}
		ns.barrier()
	})
}

func TestInvitationRefused(t *testing.T) {
	for _, test := range []struct {
		name, answer string
		want         func(error) bool
	}{
		{"malformed", "503 #", func(err error) bool { var e *ServerError; return errors.As(err, &e) && e.Number == 503 }},
		{"too fast", "800 #", func(err error) bool { return errors.Is(err, ErrTooFast) }},
		{"not OK", "SDC # NO", func(err error) bool { return errors.Is(err, wire.ErrProtocol) }},
		{"neither", "SDC #", func(err error) bool { return errors.Is(err, wire.ErrProtocol) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client, ns := signedIn(t, newFakeNet(t), 9)
			call := goCall(func() (struct{}, error) { return struct{}{}, client.Invite(t.Context(), "a@b", "x") })
			ns.read()
			ns.send(strings.Replace(test.answer, "#", firstTrID(9), 1))
			if _, err := waitCall(t, call); !test.want(err) {
				t.Errorf("error %v", err)
			}
			ns.barrier()
		})
	}
}

func TestInvitationThatCannotBeSent(t *testing.T) {
	client, ns := signedIn(t, newFakeNet(t), 9)
	for _, address := range []string{
		"", "1", "alice", "@", "a@", "@b", "a@b@c", "a b@c", "a@b c", "a@b\r\nOUT", "a@b\n", "a\x00@b", "a@b\t",
		"a@b\u00a0", "a@b\u2028", "a@\xff", strings.Repeat("a", 300) + "@b",
	} {
		if err := client.Invite(t.Context(), address, ""); !errors.Is(err, ErrArgument) {
			t.Errorf("address %.20q: %v", address, err)
		}
	}
	if err := client.Invite(t.Context(), "a@b", strings.Repeat("x", MaxInvitationText+1)); !errors.Is(err, ErrTooLong) {
		t.Errorf("a text that is too long: %v", err)
	}
	ns.barrier() // nothing was sent
	call := goCall(func() (struct{}, error) {
		return struct{}{}, client.Invite(t.Context(), "a@b", strings.Repeat("ü", MaxInvitationText/2))
	})
	if cmd := ns.read(); cmd.Verb != "SDC" || len(cmd.Payload) != MaxInvitationText {
		t.Errorf("the longest text: %v", cmd)
	}
	ns.send("SDC " + tridAfter(firstTrID(9), 1) + " OK")
	if _, err := waitCall(t, call); err != nil {
		t.Error(err)
	}
}

func TestInvitationWhenTheServerCloses(t *testing.T) {
	client, ns := signedIn(t, newFakeNet(t), 9)
	call := goCall(func() (struct{}, error) { return struct{}{}, client.Invite(t.Context(), "a@b", "x") })
	ns.read()
	ns.close()
	if _, err := waitCall(t, call); !errors.Is(err, ErrRefused) || !errors.Is(err, ErrUncertain) {
		t.Errorf("error %v", err)
	}
	if err := client.Invite(t.Context(), "a@b", "x"); errors.Is(err, ErrUncertain) || !errors.Is(err, ErrNotConnected) {
		t.Errorf("after the end: %v", err)
	}
}

func TestInvitationWithoutAnAnswerIsUncertain(t *testing.T) {
	t.Run("in time", func(t *testing.T) {
		t.Parallel()
		client, ns := signedIn(t, newFakeNet(t), 9, func(cfg *Config) { cfg.Timeouts.Request = time.Second })
		call := goCall(func() (struct{}, error) { return struct{}{}, client.Invite(t.Context(), "a@b", "x") })
		ns.read()
		if _, err := waitCall(t, call); !errors.Is(err, ErrUncertain) || !errors.Is(err, ErrTimeout) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("before its caller gives up", func(t *testing.T) {
		t.Parallel()
		client, ns := signedIn(t, newFakeNet(t), 9)
		ctx, cancel := context.WithCancel(t.Context())
		call := goCall(func() (struct{}, error) { return struct{}{}, client.Invite(ctx, "a@b", "x") })
		ns.read()
		cancel()
		if _, err := waitCall(t, call); !errors.Is(err, ErrUncertain) || !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		if err := client.Invite(ctx, "a@b", "x"); errors.Is(err, ErrUncertain) || !errors.Is(err, context.Canceled) {
			t.Errorf("given up before: %v", err)
		}
		ns.barrier() // nothing more was sent
	})
}
