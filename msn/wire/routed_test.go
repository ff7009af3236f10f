package wire

import (
	"strings"
	"testing"
)

func TestRouted(t *testing.T) {
	t.Parallel()
	const payload = "Routing: 1.0\r\nTo: 9:id@live.com;path=IM\r\nFrom: 1:bob@example.com;epid={B0B}\r\n\r\nReliability: 1.0\r\n\r\n" +
		"Messaging: 2.0\r\nMessage-Type: Text\r\nContent-Length: 9\r\n\r\nžluť\r\n!"
	r := ParseRouted(payload)
	if r.Routing.Get("To") != "9:id@live.com;path=IM" || r.Reliability != "Reliability: 1.0\r\n" || r.Content.Get("Message-Type") != "Text" || r.Body != "žluť\r\n!" {
		t.Errorf("read as %+v", r)
	}
	r.Content = Header("").With("Messaging", "2.0").With("Message-Type", "Text")
	if got := r.Payload(); got != payload {
		t.Errorf("written as %q", got)
	}
	for _, broken := range []string{"", "\r\n", "Routing: 1.0", "Routing: 1.0\r\n\r\n", "\r\n\r\n\r\n", "\n\n\nbody", "Routing: 1.0\n\nReliability: 1.0\n\nMessaging: 2.0"} {
		if got := ParseRouted(broken); len(got.Body) > len("body") {
			t.Errorf("%q is read as %+v", broken, got)
		}
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]Address{
		"1:Bob@Example.com":             {Network: 1, Account: "bob@example.com"},
		"1:bob@example.com;epid={AB-1}": {Network: 1, Account: "bob@example.com", Place: "{ab-1}"},
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
	a := Address{Network: 9, Account: "id@live.com", Place: "{a}", Path: "IM"}
	if got := a.String(); got != "9:id@live.com;epid={a};path=IM" || ParseAddress(got) != a {
		t.Errorf("written as %q", got)
	}
}

func FuzzRouted(f *testing.F) {
	f.Add("Routing: 1.0\r\nTo: 9:id@live.com;path=IM\r\nFrom: 1:bob@example.com;epid={B0B}\r\n\r\nReliability: 1.0\r\n\r\nMessaging: 2.0\r\n\r\nHello")
	f.Add("\r\n\r\n\r\n\n")
	f.Add("From: 1:\x00;epid;path=;;\n\nx\n\ny")
	f.Fuzz(func(t *testing.T, payload string) {
		r := ParseRouted(payload)
		if len(r.Routing)+len(r.Reliability)+len(r.Content)+len(r.Body) > len(payload) {
			t.Fatalf("%q has more in it than before: %+v", payload, r)
		}
		for _, name := range []string{"To", "From"} {
			a := ParseAddress(r.Routing.Get(name))
			if strings.ContainsAny(a.Account+a.Place+a.Path, "\n;") || a.Network < 0 || a.Network > 255 {
				t.Fatalf("address %+v", a)
			}
		}
		// What is written is read the same, where header lines have ends.
		written := Routed{Routing: Header("").With("To", r.Routing.Get("To")), Reliability: "Reliability: 1.0\r\n",
			Content: Header("").With("Messaging", r.Content.Get("Messaging")), Body: r.Body}
		if again := ParseRouted(written.Payload()); again.Body != written.Body || again.Routing != written.Routing {
			t.Fatalf("%+v came back as %+v", written, again)
		}
	})
}
