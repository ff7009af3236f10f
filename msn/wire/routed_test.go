package wire

import (
	"strings"
	"testing"
)

func TestRouted(t *testing.T) {
	t.Parallel()
	const payload = "Routing: 1.0\r\nTo: 9:id@live.com;path=IM\r\nFrom: 1:bob@example.com;epid={B0B}\r\n\r\nReliability: 1.0\r\n\r\n" +
		"Messaging: 2.0\r\nMessage-Type: Text\r\nContent-Length: 9\r\n\r\nžluť\r\n!"
	r, ok := ParseRouted(payload)
	if !ok || r.Routing.Get("To") != "9:id@live.com;path=IM" || r.Reliability != "Reliability: 1.0\r\n" || r.Content.Get("Message-Type") != "Text" || r.Body != "žluť\r\n!" {
		t.Errorf("read as %+v", r)
	}
	r.Content = Header("").With("Messaging", "2.0").With("Message-Type", "Text")
	if got := r.Payload(); got != payload {
		t.Errorf("written as %q", got)
	}
	for _, short := range []string{"Routing: 1.0\r\n\r\n", "Routing: 1.0\r\n\r\nReliability: 1.0", "Routing: 1.0\r\nTo: x\r\n\r\n\n\nbody"} {
		if got, ok := ParseRouted(short); !ok || len(got.Body) > len("body") {
			t.Errorf("%q is read as %+v", short, got)
		}
	}
}

// What another reader could read otherwise is not read at all: the server has read it,
// and said that all is well.
func TestRoutingThatCanBeReadInTwoWays(t *testing.T) {
	t.Parallel()
	for _, block := range []string{
		"", "From: 1:eve@example.com\r\n\r\n", "\r\nRouting: 1.0\r\n\r\n",
		"Routing: 1.0\n\n",
		"Routing: 1.0\r\n\tFrom: 1:bob@example.com\r\nFrom: 1:eve@example.com\r\n\r\n",
		"Routing: 1.0\r\n From: 1:bob@example.com\r\nFrom: 1:eve@example.com\r\n\r\n",
		"Routing: 1.0\r\nFrom : 1:bob@example.com\r\nFrom: 1:eve@example.com\r\n\r\n",
		"Routing: 1.0\r\nFrom: 1:eve@example.com\r\nFrom: 1:bob@example.com\r\n\r\n",
		"Routing: 1.0\r\nFrom: 1:eve@example.com\r\nfrom: 1:bob@example.com\r\n\r\n",
		"Routing: 1.0\rFrom: 1:bob@example.com\r\nFrom: 1:eve@example.com\r\n\r\n",
		"Routing: 1.0\nFrom: 1:bob@example.com\r\nFrom: 1:eve@example.com\r\n\r\n",
		"Routing: 1.0\x0bFrom: 1:bob@example.com\r\nFrom: 1:eve@example.com\r\n\r\n",
		"Routing: 1.0\u2028From: 1:bob@example.com\r\nFrom: 1:eve@example.com\r\n\r\n",
		"Routing: 1.0\r\nno field\r\n\r\n", "Routing: 1.0\r\n: x\r\n\r\n", "Routing: 1.0\r\nTo: a\x00b\r\n\r\n",
	} {
		if r, ok := ParseRouted(block + "Reliability: 1.0\r\n\r\nMessaging: 2.0\r\n\r\nbody"); ok {
			t.Errorf("%q is read as %+v", block, r)
		}
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]Address{
		"1:Bob@Example.com":             {Network: 1, Account: "bob@example.com"},
		"1:bob@example.com;epid={AB-1}": {Network: 1, Account: "bob@example.com", Endpoint: "{ab-1}"},
		"9:id@live.com;path=IM":         {Network: 9, Account: "id@live.com", Path: "IM"},
		"9:id@live.com;new=x;path=IM;":  {Network: 9, Account: "id@live.com", Path: "IM"},
		"bob@example.com":               {Account: "bob@example.com"},
		"x:bob@example.com":             {Account: "x:bob@example.com"},
		"999:bob@example.com":           {Account: "999:bob@example.com"},
		"":                              {},
		";;epid":                        {},
	} {
		if got := ParseAddress(in); got != want {
			t.Errorf("%q is read as %+v", in, got)
		}
	}
	a := Address{Network: 9, Account: "id@live.com", Endpoint: "{a}", Path: "IM"}
	if got := a.String(); got != "9:id@live.com;epid={a};path=IM" || ParseAddress(got) != a {
		t.Errorf("written as %q", got)
	}
}

func FuzzRouted(f *testing.F) {
	f.Add("Routing: 1.0\r\nTo: 9:id@live.com;path=IM\r\nFrom: 1:bob@example.com;epid={B0B}\r\n\r\nReliability: 1.0\r\n\r\nMessaging: 2.0\r\n\r\nHello")
	f.Add("\r\n\r\n\r\n\n")
	f.Add("Routing: 1.0\r\n\tFrom: 1:bob@example.com\r\nFrom: 1:eve@example.com\r\n\r\n\r\n\r\n")
	f.Add("From: 1:\x00;epid;path=;;\n\nx\n\ny")
	f.Fuzz(func(t *testing.T, payload string) {
		r, ok := ParseRouted(payload)
		if !ok {
			return
		}
		if len(r.Routing)+len(r.Reliability)+len(r.Content)+len(r.Body) > len(payload) {
			t.Fatalf("%q has more in it than before: %+v", payload, r)
		}
		for _, name := range []string{"To", "From"} {
			a := ParseAddress(r.Routing.Get(name))
			if strings.ContainsAny(a.Account+a.Endpoint+a.Path, "\n;") || a.Network < 0 || a.Network > 255 {
				t.Fatalf("address %+v", a)
			}
		}
		// What is written is read the same, where header lines have ends.
		written := Routed{Routing: Header("").With("Routing", "1.0").With("To", r.Routing.Get("To")), Reliability: "Reliability: 1.0\r\n",
			Content: Header("").With("Messaging", r.Content.Get("Messaging")), Body: r.Body}
		again, ok := ParseRouted(written.Payload())
		if !ok || again.Body != written.Body || again.Routing != written.Routing {
			t.Fatalf("%+v came back as %+v", written, again)
		}
	})
}
