package self

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/internal/ns/nstest"
	"matrix-msn/msn/roster"
	"matrix-msn/msn/wire"
)

const (
	here = "{AAAAAAAA-0000-4000-8000-000000000000}"
	home = "{aaaaaaaa-0001-4001-8001-000000000001}"
)

// endpoints are those of the user.
type endpoints []roster.Endpoint

func (e endpoints) Endpoints() []roster.Endpoint { return e }

// serve returns the user in a dialect, and the server's side of their connection.
func serve(t *testing.T, d wire.Dialect, cfg Config) (*Self, *nstest.Server) {
	t.Helper()
	var s *Self
	cfg.MachineGUID = here
	_, server := nstest.Serve(t, d, func(conn *ns.Conn) {
		s = New(conn, endpoints{{ID: strings.ToLower(here), Here: true}, {ID: home}}, cfg)
	})
	return s, server
}

// status is the user's status now.
func (s *Self) now() (status roster.Status) {
	s.conn.Query(func() { status = s.Status() })
	return status
}

func TestCapabilitiesOfEachDialect(t *testing.T) {
	for d, want := range map[wire.Dialect]string{
		2: "CHG NLN", 7: "CHG NLN", 8: "CHG NLN 1073741856", 12: "CHG NLN 1073741856", 13: "CHG NLN 1610612768", 14: "CHG NLN 1610612768",
		15: "CHG NLN 2147483680", 16: "CHG NLN 2415919136:32", 17: "CHG NLN 2415919136:32", 18: "CHG NLN 2684354592:32",
	} {
		synctest.Test(t, func(t *testing.T) {
			s, _ := serve(t, d, Config{})
			if cmd := s.StatusCommand(roster.Online); cmd.String() != want {
				t.Errorf("%v: %v, want %s", d, cmd, want)
			}
			address := nstest.Account
			if d >= wire.FirstEndpoints {
				address += ";" + here
			}
			if s.Address() != address {
				t.Errorf("%v: %s", d, s.Address())
			}
			if n := len(s.Announcements()); (n == 2) != (d >= wire.FirstEndpoints) {
				t.Errorf("%v: %d announcements", d, n)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		s, _ := serve(t, 16, Config{Capabilities: 1, Status: roster.Busy, EndpointName: "Home & <garden>" + strings.Repeat("x", 200)})
		told := s.Announcements()
		if told[0].Payload != "<EndpointData><Capabilities>1:32</Capabilities></EndpointData>" {
			t.Errorf("payload %q", told[0].Payload)
		}
		const want = "<PrivateEndpointData><EpName>Home &amp; &lt;garden&gt;"
		if got := told[1].Payload; !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "</EpName><Idle>false</Idle><ClientType>1</ClientType><State>BSY</State></PrivateEndpointData>") ||
			strings.Count(got, "x") != roster.MaxEndpointName-len("Home & <garden>") {
			t.Errorf("payload %q", got)
		}
	})
}

func TestStatusIsSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, server := serve(t, 7, Config{})
		if s.now() != roster.Offline {
			t.Errorf("before the sign-in: %s", s.now())
		}
		s.conn.Do(func() { s.Begin(roster.Online) })
		server.Ready()
		set := func(status roster.Status) <-chan error {
			result := make(chan error, 1)
			go func() { result <- s.SetStatus(t.Context(), status) }()
			synctest.Wait()
			return result
		}
		if err := <-set(roster.Offline); err == nil || err.Error() != `msn: "FLN" is no status to set` {
			t.Errorf("error %v", err)
		}
		// Two at once: what the server has confirmed last counts.
		busy, away := set(roster.Busy), set(roster.Away)
		first, second := server.Expect("CHG BSY"), server.Expect("CHG AWY")
		server.Send("CHG " + first + " BSY")
		if err := <-busy; err != nil || s.now() != roster.Busy {
			t.Errorf("status %s, %v", s.now(), err)
		}
		server.Send("800 " + second)
		if err := <-away; !errors.Is(err, errs.ErrTooFast) || s.now() != roster.Busy {
			t.Errorf("status %s, %v", s.now(), err)
		}
		for _, test := range []struct {
			line string
			want roster.Status
		}{{"CHG 0 HDN", roster.Hidden}, {"CHG 0 QQQ", roster.Hidden}, {"CHG", roster.Hidden}, {"CHG 0 FLN", roster.Offline}, {"CHG 0 NLN", roster.Online}} {
			if server.Send(test.line); s.now() != test.want {
				t.Errorf("%q makes %s", test.line, s.now())
			}
		}
		lost := set(roster.Idle)
		server.Expect("CHG IDL")
		go s.conn.Close()
		if err := <-lost; !errors.Is(err, errs.ErrClosed) || s.now() != roster.Offline {
			t.Errorf("status %s, %v", s.now(), err)
		}
	})
}

func TestEndpointIsSignedOut(t *testing.T) {
	for d := wire.FirstEndpoints; d <= wire.MaxDialect; d++ {
		synctest.Test(t, func(t *testing.T) {
			s, server := serve(t, d, Config{})
			server.Ready()
			for name, answer := range map[string]func(string){
				"acknowledged": func(trid string) { server.Send("UUN " + trid + " OK") },
				"not answered": func(string) {},
			} {
				result := make(chan error, 1)
				go func() { result <- s.SignOut(t.Context(), home) }()
				answer(server.Expect("UUN "+nstest.Account+";"+home+" 4", "goawyplzthxbye"))
				if err := <-result; err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			for _, id := range []string{"", strings.ToLower(here), "x\r\nOUT"} {
				if err := s.SignOut(t.Context(), id); !errors.Is(err, errs.ErrArgument) {
					t.Errorf("%q: %v", id, err)
				}
			}
			server.ExpectNothing()
		})
	}
	synctest.Test(t, func(t *testing.T) {
		s, server := serve(t, 15, Config{})
		if err := s.SignOut(context.Background(), home); !errors.Is(err, errs.ErrDialect) {
			t.Errorf("in MSNP15: %v", err)
		}
		server.ExpectNothing()
	})
}

func TestEndpointIsSignedOutByAnother(t *testing.T) {
	for _, payload := range []string{"goawyplzthxbye", "gtfo", "goawyplzthxbye\r\n"} {
		synctest.Test(t, func(t *testing.T) {
			s, server := serve(t, 18, Config{})
			server.Ready()
			for _, line := range []string{"UBN bob@example.com 4", "UBN " + nstest.Account + " 1", "UBN"} {
				server.SendPayload(line, payload) // nobody's right
			}
			server.SendPayload("UBN "+nstest.Account+";"+home+" 4", "hello")
			if err := s.conn.Reason(); err != nil {
				t.Fatalf("ended by %v", err)
			}
			server.SendPayload("UBN "+nstest.Account+";"+home+" 4", payload)
			if out, ok := errors.AsType[*errs.OutError](s.conn.Reason()); !ok || !out.SignedInElsewhere() {
				t.Errorf("ended by %v", s.conn.Reason())
			}
		})
	}
}
