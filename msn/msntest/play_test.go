package msntest_test

import (
	"errors"
	"testing"

	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

func TestPlayedContactAnswersTextAndTyping(t *testing.T) {
	t.Parallel()
	srv := friends(t)
	heard := make(chan string, 10)
	srv.Play(bob, msntest.Script{
		Text: func(chat *msntest.Chat, from, text string) {
			heard <- from + ": " + text
			_ = chat.Type()
			_ = chat.Say("You said " + text)
			_ = chat.Nudge()
		},
		Typing: func(_ *msntest.Chat, from string) { heard <- from + " types" },
		Left:   func(_ *msntest.Chat, who string) { heard <- who + " left" },
	})
	a := online(t, srv, 12, alice)
	sa := a.switchboard(alice)
	sa.send("CAL 2 " + bob)
	sa.want("CAL 2 RINGING *", "JOI bob@example.com Bob%20Builder 1073791052")
	typing := "MIME-Version: 1.0\r\nContent-Type: text/x-msmsgscontrol\r\nTypingUser: alice@example.com\r\n\r\n\r\n"
	sa.send(msg(3, "U", typing))
	sa.send(msg(4, "A", "MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nhello there"))
	for _, want := range []string{"alice@example.com types", "alice@example.com: hello there"} {
		if got := next(t, heard); got != want {
			t.Fatalf("heard %q, want %q", got, want)
		}
	}
	var types []string
	for len(types) < 4 {
		cmd := sa.read()
		if cmd.Verb == "ACK" {
			types = append(types, "ACK")
			continue
		}
		types = append(types, wire.ParseMessage(cmd.Payload).MediaType())
	}
	sa.send("OUT")
	if got := next(t, heard); got != "alice@example.com left" {
		t.Fatalf("heard %q", got)
	}
	if n := srv.Switchboards(bob); n != 0 {
		t.Fatalf("bob is still in %d switchboards", n)
	}
}

func TestPlayedContactCallsAndIsToldOfBlocking(t *testing.T) {
	t.Parallel()
	srv, ctx := friends(t), testContext(t)
	b := srv.Play(bob, msntest.Script{})
	if err := b.Say(ctx, alice, "hi"); !isCallError(err, "217") {
		t.Fatalf("calling somebody offline: %v", err)
	}
	a := online(t, srv, 8, alice)
	said := make(chan error, 1)
	go func() { said <- b.Say(ctx, alice, "hi") }()
	sa := a.answer(alice)
	sa.want("IRO 1 1 1 bob@example.com Bob%20Builder", "ANS 1 OK", "MSG bob@example.com Bob%20Builder *")
	if err := next(t, said); err != nil {
		t.Fatal(err)
	}
	// The conversation is used again.
	if err := b.Say(ctx, alice, "again"); err != nil {
		t.Fatal(err)
	}
	sa.want("MSG bob@example.com Bob%20Builder *")
	srv.Account(alice).Block(bob, true)
	if _, err := b.Call(ctx, alice); !isCallError(err, "217") {
		t.Fatalf("calling somebody who blocks: %v", err)
	}
}

func isCallError(err error, number string) bool {
	var ce *msntest.CallError
	return errors.As(err, &ce) && ce.Number == number
}

func TestPlayedContactThatIgnoresCallsLetsThemRing(t *testing.T) {
	t.Parallel()
	srv := friends(t)
	b := srv.Play(bob, msntest.Script{})
	b.IgnoreCalls(true)
	sa := online(t, srv, 12, alice).switchboard(alice)
	sa.send("CAL 2 "+bob, "MSG 3 A 1\r\nx")
	sa.want("CAL 2 RINGING *", "NAK 3")
}

func TestPlayedContactChangesStatusNameAndMessage(t *testing.T) {
	t.Parallel()
	srv := friends(t)
	a := online(t, srv, 11, alice)
	b := srv.Play(bob, msntest.Script{})
	a.want("NLN NLN bob@example.com Bob%20Builder 1073791052")
	b.SetStatus("BSY")
	a.want("NLN BSY bob@example.com Bob%20Builder 1073791052")
	b.Account().SetName("Bob ♥")
	a.want("NLN BSY bob@example.com Bob%20%E2%99%A5 1073791052")
	b.SetPersonalMessage("a < b")
	if ubx := a.read(); ubx.Verb != "UBX" || ubx.Payload != "<Data><PSM>a &lt; b</PSM><CurrentMedia></CurrentMedia></Data>" {
		t.Fatalf("got %q %q", line(ubx), ubx.Payload)
	}
	b.Account().SetProperty("PHM", "+1 555")
	a.want("BPR bob@example.com PHM +1%20555")
	b.SetStatus("HDN")
	a.want("FLN bob@example.com")
	b.SignOut()
	a.barrier()
}

func TestRealSignInEndsThePlay(t *testing.T) {
	t.Parallel()
	srv := friends(t)
	reason := make(chan string, 1)
	srv.Play(bob, msntest.Script{SignedOut: func(r string) { reason <- r }})
	login(t, srv, 7, bob, "secret")
	if got := next(t, reason); got != "OTH" {
		t.Fatalf("reason %q", got)
	}
}

func TestPlayedContactHearsOfListChangesAndPresence(t *testing.T) {
	t.Parallel()
	srv := friends(t)
	heard := make(chan string, 10)
	srv.AddAccount("dave@example.com", "secret")
	srv.Play("dave@example.com", msntest.Script{
		Added:   func(by string) { heard <- "+" + by },
		Removed: func(by string) { heard <- "-" + by },
	})
	srv.Play(bob, msntest.Script{Presence: func(who, status string) { heard <- who + " " + status }})
	a := online(t, srv, 12, alice)
	a.send("ADC 7 FL N=dave@example.com F=Dave")
	a.want("ADC 7 FL N=dave@example.com F=Dave *", "BPR dave@example.com PHH *", "BPR dave@example.com PHW *",
		"BPR dave@example.com PHM *", "BPR dave@example.com MOB N", "ILN 7 NLN dave@example.com dave@example.com 1073791052")
	a.send("OUT")
	for _, want := range []string{"alice@example.com NLN", "+alice@example.com", "alice@example.com FLN"} {
		if got := next(t, heard); got != want {
			t.Fatalf("heard %q, want %q", got, want)
		}
	}
}
