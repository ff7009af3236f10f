package msntest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"matrix-msn/msn/msntest"
	"matrix-msn/msn/passport"
	"matrix-msn/msn/wire"
)

func TestNegotiation(t *testing.T) {
	t.Parallel()
	srv := friends(t)
	limited := friends(t, msntest.WithDialects(7, 8))
	for name, test := range map[string]struct {
		srv    *msntest.Server
		send   string
		want   string
		closed bool
	}{
		"highest of both":         {srv, "VER 1 MSNP19 MSNP2 MSNP11 CVR0", "VER 1 MSNP11", false},
		"letter case":             {srv, "VER 1 msnp8", "VER 1 MSNP8", false},
		"only some are spoken":    {limited, "VER 1 MSNP12 MSNP8 MSNP7 CVR0", "VER 1 MSNP8", false},
		"none in common":          {srv, "VER 1 MSNP19 FOO", "VER 1 0", true},
		"version query":           {limited, "VER 1 MSNP12 CVR0", "VER 1 CVR0", false},
		"no number":               {srv, "VER x MSNP8", "", true},
		"before VER":              {srv, "INF 1", "", true},
		"PNG before log-in":       {srv, "PNG", "", true},
		"USR before VER":          {srv, "USR 1 MD5 I alice@example.com", "", true},
		"nothing like a command":  {srv, "GET / HTTP/1.1", "", true},
		"payload without end":     {srv, "MSG 1 N -1", "", true},
		"line that does not stop": {srv, strings.Repeat("x", wire.MaxLine+1000), "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := dial(t, test.srv, test.srv.Addr())
			c.send(test.send)
			if test.want != "" {
				c.want(test.want)
			}
			if test.closed {
				c.wantClosed()
			}
		})
	}
	c := dial(t, limited, limited.Addr())
	c.send("VER 1 MSNP12 CVR0", "CVQ 2 0x0409 win 4.10 i386 MSMSGS 3.6.0025 ")
	c.want("VER 1 CVR0", "CVQ 2 3.6.0025 3.6.0025 1.0.0000 * *")
	c.wantClosed()
}

func TestLogInErrors(t *testing.T) {
	t.Parallel()
	srv := friends(t)
	const cvr = "CVR 2 0x0409 winnt 5.1 i386 MSNMSGR 7.0.0777 msmsgs a@b"
	for name, test := range map[string]struct {
		d    wire.Dialect
		send []string
		want []string
	}{
		"wrong password":           {7, []string{"USR 3 MD5 I alice@example.com", "USR 4 MD5 S " + md5Hex("x")}, []string{"USR 3 MD5 S *", "911 4"}},
		"unknown account":          {7, []string{"USR 3 MD5 I nobody@example.com", "USR 4 MD5 S " + md5Hex("x")}, []string{"USR 3 MD5 S *", "911 4"}},
		"no at sign":               {7, []string{"USR 3 MD5 I alice"}, []string{"911 3"}},
		"answer without question":  {7, []string{"USR 3 MD5 S " + md5Hex("x")}, nil},
		"method of other dialects": {7, []string{"USR 3 TWN I alice@example.com"}, nil},
		"clear text":               {2, []string{"USR 3 CTP I alice@example.com"}, []string{"911 3"}},
		"INF is gone":              {8, []string{"INF 3"}, nil},
		"CVR is missing":           {8, []string{"USR 3 TWN I alice@example.com"}, nil},
		"bad ticket":               {8, []string{cvr, "USR 3 TWN I alice@example.com", "USR 4 TWN S t=x&p="}, []string{"CVR 2 ...", "USR 3 TWN S *", "911 4"}},
		"MD5 is gone":              {8, []string{cvr, "USR 3 MD5 I alice@example.com"}, []string{"CVR 2 ..."}},
		"short CVR":                {8, []string{"CVR 2 0x0409"}, []string{"710 2"}},
		"lists before log-in":      {7, []string{"SYN 3 0"}, nil},
		"VER twice":                {7, []string{"VER 3 MSNP7"}, []string{"715 3"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := dial(t, srv, srv.Addr())
			c.send(fmt.Sprintf("VER 1 %s", test.d))
			c.want("VER 1 " + test.d.String())
			c.send(test.send...)
			c.want(test.want...)
			c.wantClosed()
		})
	}
}

func TestAccountNamesIgnoreCase(t *testing.T) {
	t.Parallel()
	srv := friends(t)
	login(t, srv, 12, "Alice@Example.COM", "secret").barrier()
	login(t, srv, 7, "BOB@example.com", "secret").barrier()
}

func TestSecondSignInEndsTheFirst(t *testing.T) {
	t.Parallel()
	srv := friends(t)
	first := online(t, srv, 8, alice)
	b := online(t, srv, 8, bob)
	login(t, srv, 12, alice, "secret")
	first.want("NLN NLN bob@example.com ...", "OUT OTH")
	first.wantClosed()
	b.want("FLN alice@example.com")
}

func TestCommandsOutOfPlaceEndTheConnection(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		d    wire.Dialect
		send string
	}{
		"unknown command":    {12, "FOO 7 BAR"},
		"no TrID":            {12, "CHG NLN"},
		"ADD of old times":   {10, "ADD 7 FL bob@example.com x"},
		"ADC of later times": {9, "ADC 7 FL N=bob@example.com"},
		"unknown status":     {12, "CHG 7 ZZZ 0"},
		"bad BLP":            {12, "BLP 7 XX"},
		"bad GTC":            {12, "GTC 7 XX"},
		"GCF too early":      {10, "GCF 7 Shields.xml"},
		"second SYN":         {12, "SYN 7 0 0"},
		"long property":      {12, "PRP 7 PHH " + strings.Repeat("1", 96)},
		"message":            {12, "MSG 7 N 1\r\nx"},
		"malformed UUX":      {11, "UUX 7 5\r\n<Data"},
		"UUX of later times": {10, "UUX 7 13\r\n<Data></Data>"},
		"QRY unasked":        {12, "QRY 7 x 0\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := online(t, friends(t), test.d, alice)
			c.send(test.send)
			for {
				cmd, err := c.r.Read()
				if err != nil {
					break
				}
				if _, isError := cmd.ErrorNumber(); !isError {
					t.Fatalf("got %q", line(cmd))
				}
			}
		})
	}
}

func TestServiceCommands(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		d          wire.Dialect
		send, want string
	}{
		"URL":               {9, "URL 7 INBOX", "URL 7 /cgi-bin/HoTMaiL * 2"},
		"URL of MSNP2":      {2, "URL 7 INBOX", "URL 7 /cgi-bin/HoTMaiL *"},
		"URL with argument": {7, "URL 7 COMPOSE a@b.c", "URL 7 /cgi-bin/compose?mailto=1&to=a%40b%2ec * 2"},
		"URL unknown":       {7, "URL 7 inbox", "201 7"},
		"SND":               {4, "SND 7 a@b.c 0x409 MSMSGS MSMSGS", "SND 7 OK"},
		"SDC":               {5, "SDC 7 a@b.c 0x409 MSMSGS MSMSGS X X me 2\r\nhi", "SDC 7 OK"},
		"FND":               {7, "FND 7 fname=A lname=B", "502 7"},
		"PAG gone":          {9, "PAG 7 bob@example.com 2\r\nhi", "715 7"},
		"IMS":               {8, "IMS 7 OFF", "IMS 7 0 OFF"},
		"IMS odd":           {8, "IMS 7 X", "715 7"},
		"XFR odd":           {8, "XFR 7 NS", "201 7"},
		"CHG offline":       {8, "CHG 7 FLN 0", "201 7"},
		"second USR":        {8, "USR 7 TWN I alice@example.com", "207 7"},
		"GCF":               {11, "GCF 7 Shields.xml", "GCF 7 Shields.xml *"},
		"CVR":               {4, "CVR 7 0x0409 win 4.10 i386 MSMSGS 3.6.0025 MSMSGS", "CVR 7 3.6.0025 3.6.0025 1.0.0000 * *"},
		"PRP MFN too old":   {9, "PRP 7 MFN x", "715 7"},
		"LST":               {5, "LST 7 AL", "LST 7 AL * 1 2 bob@example.com Bob%20Builder"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := online(t, friends(t), test.d, alice)
			c.send(test.send)
			c.want(test.want)
			c.drain() // still alive
		})
	}
}

func TestSwitchboardErrors(t *testing.T) {
	t.Parallel()
	srv := friends(t)
	srv.Play(carol, msntest.Script{})
	a, b := online(t, srv, 12, alice), online(t, srv, 12, bob)

	bad := dial(t, srv, srv.SwitchboardAddr())
	bad.send("USR 1 alice@example.com 1.2.3")
	bad.want("911 1")
	bad.wantClosed()

	a.send("XFR 20 SB")
	a.want("NLN NLN bob@example.com ...")
	ticket := a.read().Arg(4)
	stolen := dial(t, srv, srv.SwitchboardAddr())
	stolen.send("USR 1 bob@example.com " + ticket)
	stolen.want("911 1")
	stolen.wantClosed()

	sa := a.switchboard(alice)
	for _, x := range [][2]string{
		{"CAL 2 alice@example.com", "215 2"},
		{"CAL 3 nobody", "208 3"},
		{"CAL 4 nobody@example.com", "217 4"},
		{"MSG 5 A 1\r\nx", "NAK 5"},
		{msg(6, "D", "Content-Type: application/x-msnmsgrp2p\r\n\r\nshort"), "282 6"},
	} {
		sa.send(x[0])
		sa.want(x[1])
	}
	sa.send("CAL 7 carol@example.com")
	sa.want("CAL 7 RINGING *", "JOI carol@example.com Carol 1073791052")
	sa.send("CAL 8 carol@example.com", "CAL 9 bob@example.com")
	sa.want("215 8", "CAL 9 RINGING *")

	rng := b.read()
	late := dial(t, srv, rng.Arg(1))
	late.send("ANS 1 bob@example.com " + rng.Arg(3) + " 99999")
	late.wantClosed()
	forged := dial(t, srv, rng.Arg(1))
	forged.send("ANS 1 bob@example.com 1.2.3 " + rng.Arg(0))
	forged.want("911 1")
	good := dial(t, srv, rng.Arg(1))
	good.send("ANS 1 bob@example.com " + rng.Arg(3) + " " + rng.Arg(0))
	good.want("IRO 1 1 2 alice@example.com Alice 1073791084", "IRO 1 2 2 carol@example.com Carol 1073791052", "ANS 1 OK")
	sa.want("JOI bob@example.com Bob%20Builder 1073791084")

	good.send(msg(2, "N", strings.Repeat("x", wire.MaxSwitchboardPayload)))
	sa.want("MSG bob@example.com Bob%20Builder 1664")
	good.send(msg(3, "N", strings.Repeat("x", wire.MaxSwitchboardPayload+1)))
	good.wantClosed()
	sa.want("BYE bob@example.com")
	for i := range 5 {
		sa.send(fmt.Sprintf("CAL %d nobody@example.com", 10+i))
		sa.want(fmt.Sprintf("217 %d", 10+i))
	}
	sa.send("CAL 20 nobody@example.com")
	sa.want("713 20")
	sa.send("MSG 21 Q 1\r\nx")
	sa.wantClosed()
	for _, send := range []string{"PNG", "FOO 2 x", msg(2, "N", "Content-Type: application/x-msnmsgrp2p\r\n\r\n"+strings.Repeat("x", 52))} {
		sb := a.switchboard(alice)
		sb.send(send)
		sb.wantClosed()
	}
}

func TestHiddenMayNotCallAndCannotBeCalled(t *testing.T) {
	t.Parallel()
	srv := friends(t)
	a, b := online(t, srv, 9, alice), login(t, srv, 9, bob, "secret")
	b.send("XFR 5 SB", "CHG 6 HDN 0", "XFR 7 SB")
	b.want("913 5", "CHG 6 HDN 0", "ILN 6 NLN alice@example.com ...", "913 7")
	sa := a.switchboard(alice)
	sa.send("CAL 2 bob@example.com")
	sa.want("217 2")
}

func TestTicketsExpire(t *testing.T) {
	t.Parallel()
	srv := friends(t, msntest.WithTicketLife(0, 0))
	c := dial(t, srv, srv.Addr())
	c.send("VER 1 MSNP8", "CVR 2 0x0409 winnt 5.1 i386 MSNMSGR 7.0.0777 msmsgs a@b", "USR 3 TWN I alice@example.com")
	c.want("VER 1 MSNP8", "CVR 2 ...", "USR 3 TWN S *")
	c.send("USR 4 TWN S " + fetchTicket(t, srv, alice, "secret", "x"))
	c.want("911 4")
	a := online(t, srv, 7, alice)
	a.send("XFR 7 SB")
	sb := dial(t, srv, srv.SwitchboardAddr())
	sb.send("USR 1 alice@example.com " + a.read().Arg(4))
	sb.want("911 1")
}

// Tickets of RST let nobody in when they have expired.
func TestWebTicketsExpire(t *testing.T) {
	t.Parallel()
	srv := friends(t, msntest.WithWebTicketLife(0))
	_, answer := rst(t, srv, srv.Web().Login, alice, "secret", allServices...)
	list, _ := tickets(t, answer)
	c := dial(t, srv, srv.NotificationAddr())
	c.r.SetDialect(wire.FirstSOAP)
	c.send("VER 1 MSNP13", "CVR 2 0x0409 winnt 5.1 i386 MSNMSGR 8.0.0812 msmsgs "+alice, "USR 3 TWN I "+alice)
	c.want("VER 1 MSNP13", "CVR 2 ...", "GCF 0 *", "USR 3 TWN S *")
	c.send("USR 4 TWN S " + strings.ReplaceAll(list["messenger.msn.com"], "&amp;", "&"))
	c.want("911 4")
	c.wantClosed()
}

func TestChallenges(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		d       wire.Dialect
		product string
		right   bool
	}{
		"MSNP6":           {6, "msmsgs@msnmsgr.com", true},
		"MSNP11":          {11, "PROD0090YUAUV{2B", true},
		"wrong answer":    {11, "PROD0090YUAUV{2B", false},
		"unknown product": {8, "PROD9999", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := friends(t, msntest.WithChallenges(time.Millisecond))
			c := login(t, srv, test.d, alice, "secret")
			c.send("CHG 6 NLN 0")
			c.want("CHG 6 NLN ...")
			for trid := 7; trid < 9; trid++ { // and once more after the interval
				chl := c.read()
				for chl.Verb == "MSG" {
					chl = c.read()
				}
				answer := strings.Repeat("0", 32)
				if product, ok := passport.ProductByID(test.product); ok && test.right {
					answer = passport.ChallengeAnswer(test.d, product, chl.Arg(1))
				}
				c.send(fmt.Sprintf("QRY %d %s 32\r\n%s", trid, test.product, answer))
				next := c.read()
				for next.Verb == "MSG" {
					next = c.read()
				}
				if !test.right {
					if next.Verb != "540" {
						t.Fatalf("got %q", line(next))
					}
					c.wantClosed()
					return
				}
				if next.Verb != "QRY" || next.Arg(0) != fmt.Sprint(trid) {
					t.Fatalf("got %q", line(next))
				}
			}
		})
	}
	t.Run("no answer", func(t *testing.T) {
		t.Parallel()
		srv := friends(t, msntest.WithChallenges(0), msntest.WithChallengeTimeout(time.Millisecond))
		c := login(t, srv, 7, alice, "secret")
		c.send("CHG 6 NLN")
		c.want("CHG 6 NLN", "CHL 0 *", "540 0")
		c.wantClosed()
	})
}

func TestIdleSwitchboardsAreClosed(t *testing.T) {
	t.Parallel()
	srv := friends(t, msntest.WithSwitchboardIdle(2*time.Second))
	a, b := online(t, srv, 12, alice), online(t, srv, 12, bob)
	a.want("NLN NLN bob@example.com ...")
	sa := a.switchboard(alice)
	sa.send("CAL 2 bob@example.com")
	sa.want("CAL 2 RINGING *")
	sb := b.answer(bob)
	sb.want("IRO 1 1 1 alice@example.com ...", "ANS 1 OK", "BYE alice@example.com 1")
	sb.wantClosed()
	sa.want("JOI bob@example.com ...")
	sa.wantClosed()
}

func TestSlowSignInIsCutOff(t *testing.T) {
	t.Parallel()
	srv := friends(t, msntest.WithAuthTimeout(20*time.Millisecond))
	dial(t, srv, srv.Addr()).wantClosed()
	dial(t, srv, srv.SwitchboardAddr()).wantClosed()
}
