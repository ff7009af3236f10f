package soap_test

import (
	"bufio"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"matrix-msn/msn/soap"
)

// element is one element of an answer without others in it, or the beginning of one.
var element = regexp.MustCompile(`<([A-Za-z]+)[^<>/]*>`)

// Each element of the recorded answers is removed in turn: what is left is read, or
// there is an error that the package describes.
func TestHostileAnswersWithElementsMissing(t *testing.T) {
	t.Parallel()
	removed := 0
	done := make(map[string]int) // by operation; two answers of each are enough
	recordings(t, func(t *testing.T, e exchange) {
		_, body, _ := strings.Cut(e.response, "\r\n\r\n")
		if done[e.action]++; done[e.action] > 2 {
			return
		}
		names := make(map[string]bool)
		for _, match := range element.FindAllStringSubmatch(body, -1) {
			names[match[1]] = true
		}
		for name := range names {
			removed++
			gone := regexp.MustCompile(`(?s)<`+name+`[^<>]*>.*?</`+name+`>`).ReplaceAllString(body, "")
			empty := regexp.MustCompile(`(?s)(<`+name+`[^<>]*>).*?(</`+name+`>)`).ReplaceAllString(body, "$1$2")
			open := strings.ReplaceAll(body, "</"+name+">", "")
			for kind, answer := range map[string]string{"gone": gone, "empty": empty, "without end": open} {
				book := &soap.AddressBook{Caller: caller(always(answer)), URL: "https://x.test/ab", SharingURL: "https://x.test/sh", Ticket: ticket}
				mailbox := &soap.Mailbox{Caller: caller(always(answer)), URL: "https://x.test/rsi", Ticket: ticket}
				for _, call := range []func(context.Context) error{
					func(ctx context.Context) error { _, err := book.FindAll(ctx); return err },
					func(ctx context.Context) error { _, err := book.FindPaged(ctx); return err },
					func(ctx context.Context) error { _, err := book.Memberships(ctx); return err },
					func(ctx context.Context) error { _, err := book.AddContact(ctx, "a@b", 1, "n", ""); return err },
					func(ctx context.Context) error { _, err := mailbox.Metadata(ctx); return err },
					func(ctx context.Context) error { _, err := mailbox.Get(ctx, "x"); return err },
				} {
					if err := call(t.Context()); err != nil {
						var fault *soap.Fault
						if !errors.Is(err, soap.ErrAnswer) && !errors.As(err, &fault) {
							t.Errorf("%s %s: %v", name, kind, err)
						}
					}
				}
			}
		}
	}, "ABFindAll", "FindMembership", "ABContactAdd", "GetMetadata", "GetMessage")
	if removed == 0 {
		t.Error("nothing was removed")
	}
}

func TestHostileXML(t *testing.T) {
	t.Parallel()
	envelope := func(body string) string { return "<Envelope><Body>" + body + "</Body></Envelope>" }
	for name, answer := range map[string]string{
		"document type":          "<!DOCTYPE x [<!ENTITY a \"b\">]>" + envelope(""),
		"comment":                envelope("<!-- x -->"),
		"CDATA":                  envelope("<a><![CDATA[x]]></a>"),
		"10,000 levels":          envelope(strings.Repeat("<a>", 10000) + strings.Repeat("</a>", 10000)),
		"10,000 levels, no end":  envelope(strings.Repeat("<a>", 10000)),
		"no envelope":            "<a/>",
		"nothing":                "",
		"text":                   "hello",
		"half":                   "<Envelope><Body><a>",
		"crossed":                "<Envelope><Body><a></Body></a></Envelope>",
		"too much":               envelope("<a>" + strings.Repeat("x", soap.MaxAnswer) + "</a>"),
		"another character set":  `<?xml version="1.0" encoding="utf-16"?>` + "\xff\xfe<\x00",
		"an attribute 100 times": envelope("<a " + strings.Repeat(`x="1" `, 100)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := caller(always(answer))
			err := c.Call(t.Context(), soap.Request{URL: "https://x.test/", Body: soap.Raw("<x/>")}, nil, nil)
			if !errors.Is(err, soap.ErrAnswer) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// Names that XML cannot hold break no list.
func TestHostileNamesInLists(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"a\x01\x02b": "ab", "caf\xe9": "caf\uFFFD", "\xed\xa0\x80": "\uFFFD", "x\x00y": "xy",
		"a\uFFFEb": "ab", "\U0001F41F": "\U0001F41F", "Tom & Jerry": "Tom & Jerry", "a &copy; b": "a &copy; b", "R&#1;D": "RD",
		"AT&T;": "AT&T;", "&amp;lt;": "&lt;", "&#x110000;&": "&",
	} {
		answer := "<Envelope><Body><r><ABFindAllResult><contacts><Contact><contactId>1</contactId><contactInfo><passportName>a@b</passportName>" +
			"<displayName>" + name + "</displayName></contactInfo></Contact></contacts></ABFindAllResult></r></Body></Envelope>"
		book := &soap.AddressBook{Caller: caller(always(answer)), URL: "https://x.test/ab", Ticket: ticket}
		got, err := book.FindAll(t.Context())
		if err != nil || len(got.Contacts) != 1 || got.Contacts[0].Name != want {
			t.Errorf("%q: %+v, %v", name, got, err)
		}
	}
}

// raw answers every connection with the same bytes, and closes it.
func raw(t *testing.T, answer string) *http.Client {
	t.Helper()
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			defer far.Close()
			if request, err := http.ReadRequest(bufio.NewReader(far)); err == nil {
				_, _ = io.Copy(io.Discard, request.Body)
				_, _ = io.WriteString(far, answer)
			}
		}()
		return near, nil
	}}}
}

func TestHostileContentLength(t *testing.T) {
	t.Parallel()
	const body = "<Envelope><Body><x/></Body></Envelope>"
	for length, fine := range map[string]bool{
		fmt.Sprint(len(body)): true, "": false, "-1": false, "0": false, "x": false, "99999999999999999999": false,
		fmt.Sprint(len(body) + 1): false, fmt.Sprint(len(body) - 1): false, "1e3": false, "0x10": false, "9223372036854775807": false,
	} {
		t.Run(length, func(t *testing.T) {
			t.Parallel()
			c := soap.Caller{Client: raw(t, "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: "+length+"\r\n\r\n"+body), Allow: func(*url.URL) error { return nil }}
			err := c.Call(t.Context(), soap.Request{URL: "http://x.test/", Body: soap.Raw("<x/>")}, nil, nil)
			if (err == nil) != fine {
				t.Errorf("error %v", err)
			}
		})
	}
}

// A ticket goes nowhere that Allow does not let it go.
func TestHostileRedirects(t *testing.T) {
	t.Parallel()
	refused := errors.New("refused")
	for name, location := range map[string]string{
		"without TLS":    "http://x.test/ab",
		"another host":   "https://evil.test/ab",
		"loopback":       "https://127.0.0.1/ab",
		"metadata":       "http://169.254.169.254/latest",
		"with a user":    "https://x.test@evil.test/",
		"another port":   "https://x.test:8443/ab",
		"another scheme": "file:///etc/passwd",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			c := soap.Caller{
				Client: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
					asked++
					return &http.Response{StatusCode: 302, Header: http.Header{"Location": {location}}, Body: http.NoBody, Request: r}, nil
				})},
				Allow: func(u *url.URL) error {
					if u.Scheme != "https" || u.Host != "x.test" || u.User != nil {
						return refused
					}
					return nil
				},
			}
			err := c.Call(t.Context(), soap.Request{URL: "https://x.test/", Body: soap.Raw("<x/>")}, nil, nil)
			if !errors.Is(err, refused) || asked != 1 {
				t.Errorf("asked %d times: %v", asked, err)
			}
		})
	}
	for name, location := range map[string]string{"in a circle": "https://x.test/b", "to itself": "https://x.test/", "nowhere": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			c := caller(roundTripper(func(r *http.Request) (*http.Response, error) {
				to := location
				if asked++; name == "in a circle" {
					to = fmt.Sprint(location, asked)
				}
				return &http.Response{StatusCode: 307, Header: http.Header{"Location": {to}}, Body: http.NoBody, Request: r}, nil
			}))
			err := c.Call(t.Context(), soap.Request{URL: "https://x.test/", Body: soap.Raw("<x/>")}, nil, nil)
			if !errors.Is(err, soap.ErrAnswer) || asked > 6 {
				t.Errorf("asked %d times: %v", asked, err)
			}
		})
	}
}

// The host that a service wants to be called at is used only when it may be.
func TestHostilePreferredHostName(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"proxy.x.test": "proxy.x.test", "evil.test": "x.test", "127.0.0.1": "x.test", "x.test@evil.test": "x.test",
		"evil.test/x": "x.test", "x.test:80 evil": "x.test", "evil.test#x.test": "x.test", "": "x.test",
	} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			var hosts []string
			book := &soap.AddressBook{URL: "https://x.test/ab", SharingURL: "https://x.test/sh", Ticket: ticket, Caller: soap.Caller{
				Client: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
					hosts = append(hosts, r.URL.Host)
					return always("<Envelope><Header><ServiceHeader><PreferredHostName>" + xmlText(host) + "</PreferredHostName></ServiceHeader></Header><Body><x/></Body></Envelope>").RoundTrip(r)
				})},
				Allow: func(u *url.URL) error {
					if u.Host != "x.test" && !strings.HasSuffix(u.Host, ".x.test") {
						return errors.New("refused")
					}
					return nil
				},
			}}
			for range 2 {
				if _, err := book.FindAll(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if hosts[1] != want {
				t.Errorf("then %q is asked", hosts[1])
			}
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func xmlText(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}

// What a service answers goes into errors and lists, which are kept and logged.
func TestHostileLengthsAreCut(t *testing.T) {
	t.Parallel()
	const limit = 8 << 10
	long := strings.Repeat("x", 1<<20)
	for name, answer := range map[string]string{
		"1.1": `<Envelope><Body><Fault><faultcode>` + long + `</faultcode><faultstring>` + long + `</faultstring>` +
			`<detail><errorcode>` + long + `</errorcode><LockKeyChallenge>` + long + `</LockKeyChallenge></detail></Fault></Body></Envelope>`,
		"1.2": `<Envelope><Body><Fault><Code><Value>` + long + `</Value><Subcode><Value>` + long + `</Value></Subcode></Code></Fault></Body></Envelope>`,
	} {
		mailbox := &soap.Mailbox{Caller: caller(always(answer)), URL: "https://x.test/rsi", Ticket: ticket}
		var fault *soap.Fault
		if _, err := mailbox.Metadata(t.Context()); !errors.As(err, &fault) || len(err.Error()) > limit || len(fault.LockKeyChallenge) > limit {
			t.Errorf("%s: %.100v", name, err)
		}
	}
	for name, answer := range map[string]string{
		"an element without end":  `<Envelope><Body><` + long + `>`,
		"another end":             `<Envelope><Body><a></` + long + `>`,
		"a number that is no one": `<Envelope><Body><ABFindAllResponse><ABFindAllResult><contacts><Contact><contactInfo><isMessengerUser>` + long + `</isMessengerUser>`,
	} {
		book := &soap.AddressBook{Caller: caller(always(answer)), URL: "https://x.test/ab", Ticket: ticket}
		if _, err := book.FindAll(t.Context()); !errors.Is(err, soap.ErrAnswer) || len(err.Error()) > limit {
			t.Errorf("%s: %.100v", name, err)
		}
	}
	text, err := soap.ParseOffline("X-OIM-Run-Id: " + long + "\nX-MMS-IM-Format: " + long + "\n\nhello")
	if err != nil || text.Text != "hello" || len(text.RunID) > limit || len(text.Format) > limit {
		t.Errorf("an offline message with a session of %d bytes and a format of %d: %v", len(text.RunID), len(text.Format), err)
	}
}
