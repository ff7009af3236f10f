package msntest_test

import (
	"fmt"
	"testing"

	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

func TestEveryDialectSignsInSeesContactsAndChats(t *testing.T) {
	t.Parallel()
	for d := wire.Dialect(2); d <= 12; d++ {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			srv := friends(t)
			a, b := online(t, srv, d, alice), online(t, srv, d, bob)
			caps := map[bool]string{true: " 1073791084"}[d >= 8]
			a.want("NLN NLN bob@example.com Bob%20Builder" + caps)

			sa := a.switchboard(alice)
			sa.send("CAL 2 " + bob)
			sa.want("CAL 2 RINGING *")
			sb := b.answer(bob)
			caps = map[bool]string{true: " 1073791084"}[d >= 12]
			sb.want("IRO 1 1 1 alice@example.com Alice"+caps, "ANS 1 OK")
			sa.want("JOI bob@example.com Bob%20Builder" + caps)

			sa.send("MSG 3 A 5\r\nhello")
			sa.want("ACK 3")
			sb.want("MSG alice@example.com Alice 5")
			sb.send("OUT")
			sb.wantClosed()
			sa.want("BYE bob@example.com")
			sa.send("MSG 4 N 5\r\nhello")
			sa.want("NAK 4")

			b.send("OUT")
			b.wantClosed()
			a.want("FLN bob@example.com")
		})
	}
}

func TestDispatchServerSendsToTheNotificationServer(t *testing.T) {
	t.Parallel()
	for d, tail := range map[wire.Dialect]string{2: "", 3: " 0", 6: " 0", 7: " 0 *", 12: " 0 *"} {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			srv := friends(t, msntest.WithDispatch())
			c := dial(t, srv, srv.Addr())
			c.send(fmt.Sprintf("VER 1 %s CVR0", d))
			c.want("VER 1 " + d.String())
			if d >= 8 {
				c.send("CVR 2 0x0409 winnt 5.1 i386 MSNMSGR 7.0.0777 msmsgs alice@example.com", "USR 3 TWN I alice@example.com")
				c.want("CVR 2 ...")
			} else {
				c.send("INF 2", "USR 3 MD5 I alice@example.com")
				c.want("INF 2 MD5")
			}
			c.want("XFR 3 NS " + srv.NotificationAddr() + tail)
			c.wantClosed()
		})
	}
}
