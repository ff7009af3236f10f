package window

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// Other pages in the browser neither write in the account's name nor read what is said.
func TestOtherPagesAreRefused(t *testing.T) {
	t.Parallel()
	f := new(fake)
	s := serve(t, withAlice(t, f))
	text := encode(request{Talk: personKey + alice, Text: "not mine"})
	for name, c := range map[string]struct {
		method, path, body string
		change             func(*http.Request)
		status             int
	}{
		"its own page":             {"GET", "/", "", func(*http.Request) {}, 200},
		"from a link":              {"GET", "/", "", from("cross-site", "navigate", ""), 200},
		"as a script":              {"GET", "/", "", from("cross-site", "no-cors", ""), 403},
		"by another name":          {"GET", "/", "", host("demo.example"), 421},
		"without a port":           {"GET", "/", "", host("localhost"), 421},
		"as localhost":             {"GET", "/", "", host("LOCALHOST:1"), 200},
		"its events by name":       {"GET", "/events", "", host("demo.example:80"), 421},
		"its events from a page":   {"GET", "/events", "", from("cross-site", "cors", "http://evil.example"), 403},
		"of another port":          {"GET", "/events", "", from("same-site", "cors", "http://localhost:2"), 403},
		"a picture":                {"GET", "/media/x", "", from("cross-site", "no-cors", ""), 403},
		"a text of a page":         {"POST", "/text", text, from("cross-site", "cors", "http://evil.example"), 403},
		"of an old browser":        {"POST", "/text", text, from("", "", "http://evil.example"), 403},
		"of a page without origin": {"POST", "/text", text, from("", "", "null"), 403},
		"of another port's page":   {"POST", "/text", text, from("same-site", "cors", "http://localhost:2"), 403},
		"by a name that leads here": {"POST", "/text", text, func(r *http.Request) {
			host("evil.example:80")(r)
			from("same-origin", "cors", "http://evil.example:80")(r)
		}, 421},
		"a form":         {"POST", "/text", text, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 415},
		"a file by form": {"POST", "/file?talk=" + personKey + alice, "x", func(r *http.Request) { r.Header.Set("Content-Type", "multipart/form-data") }, 415},
		"by GET":         {"GET", "/text", "", func(*http.Request) {}, 404},
		"by PUT":         {"PUT", "/text", text, func(*http.Request) {}, 405},
	} {
		r := s.request(c.method, c.path, "application/json", c.body)
		c.change(r)
		if status, body := s.ask(r); status != c.status {
			t.Errorf("%s: %d %s, want %d", name, status, body, c.status)
		}
	}
	if len(f.sent) != 0 {
		t.Errorf("they have said %q", f.sent)
	}
}

func host(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }

func from(site, mode, origin string) func(*http.Request) {
	return func(r *http.Request) {
		for name, value := range map[string]string{"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Origin": origin} {
			if r.Header.Del(name); value != "" {
				r.Header.Set(name, value)
			}
		}
	}
}

func TestWhatCannotBeSentIsSaid(t *testing.T) {
	t.Parallel()
	f := &fake{hold: make(chan struct{})}
	w := withAlice(t, f)
	s := serve(t, w)
	key := personKey + alice
	for name, c := range map[string]struct {
		path, kind, body string
		status           int
		says             string
	}{
		"nothing":          {"/text", "application/json", encode(request{Talk: key, Text: " \n"}), 400, "Write something"},
		"no JSON":          {"/text", "application/json", "{", 400, "cannot be read"},
		"to a stranger":    {"/text", "application/json", encode(request{Talk: personKey + "x@example.com", Text: "x"}), 404, "Choose a contact"},
		"to nobody":        {"/nudge", "application/json", "{}", 404, "Choose a contact"},
		"a long text":      {"/text", "application/json", encode(request{Talk: key, Text: strings.Repeat("x", 48<<10+1)}), 413, "too long"},
		"a huge text":      {"/text", "application/json", encode(request{Talk: key, Text: strings.Repeat("x", 1<<20)}), 413, "too long"},
		"a long key":       {"/text", "application/json", encode(request{Talk: key, Text: "x", Key: strings.Repeat("k", maxKey+1)}), 400, "cannot be read"},
		"an empty file":    {"/file?talk=" + key, "application/octet-stream", "", 400, "empty"},
		"a large file":     {"/file?talk=" + key, "application/octet-stream", strings.Repeat("x", maxFile+1), 413, "16 MB"},
		"a file's key":     {"/file?key=" + strings.Repeat("k", maxKey+1), "application/octet-stream", "x", 400, "cannot be read"},
		"an unknown state": {"/status", "application/json", `{"status":"offline"}`, 400, "one of the list"},
	} {
		status, body := s.ask(s.request(http.MethodPost, c.path, c.kind, c.body))
		if status != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	if !w.state.self().Scripted {
		t.Error("what was refused counts as playing")
	}
	for range maxSending {
		s.say(alice, "waits")
	}
	if status, body := s.post("/text", request{Talk: key, Text: "one too many"}); status != http.StatusTooManyRequests {
		t.Errorf("%d %s", status, body)
	}
}

// A page whose request got no answer sends it again, with the same key.
func TestRequestThatComesTwiceIsDoneOnce(t *testing.T) {
	t.Parallel()
	f := new(fake)
	s := serve(t, withAlice(t, f))
	var ids []string
	for _, key := range []string{"a", "a", "b", "", "", "a"} {
		status, body := s.post("/text", request{Talk: personKey + alice, Text: "key " + key, Key: key})
		s.must(http.StatusAccepted, status, body)
		ids = append(ids, body)
	}
	if len(f.sent) != 4 || ids[0] != ids[1] || ids[0] != ids[5] || ids[3] == ids[4] {
		t.Errorf("sent was %q, by %q", f.sent, ids)
	}
}

// The page keeps to the policy under which it is served: all that it needs is here, and nothing is written in it that
// would be run. Its IDs stand for one element each.
func TestPageKeepsToItsPolicy(t *testing.T) {
	t.Parallel()
	s := serve(t, withAlice(t, new(fake)))
	answer, err := http.Get(s.url + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	html, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"} {
		if !strings.Contains(answer.Header.Get("Content-Security-Policy"), part) {
			t.Errorf("the policy does not say %s", part)
		}
	}
	if found := regexp.MustCompile(`https?://|style=|\son\w+=|<style|javascript:|<script[^>]*>[^<]`).FindAll(html, -1); found != nil {
		t.Errorf("in the page stands %q", found)
	}
	seen := make(map[string]bool)
	for _, id := range regexp.MustCompile(`\sid="([^"]+)"`).FindAllSubmatch(html, -1) {
		if seen[string(id[1])] {
			t.Errorf("two elements are called %s", id[1])
		}
		seen[string(id[1])] = true
	}
	script, err := page.ReadFile("page/window.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range regexp.MustCompile(`byId\('([^']+)'\)`).FindAllSubmatch(script, -1) {
		if !seen[string(id[1])] {
			t.Errorf("the script looks for %s, which is not in the page", id[1])
		}
	}
	if found := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(`).FindAll(script, -1); found != nil {
		t.Errorf("the script uses %q", found)
	}
	for _, asset := range []string{"/window.js", "/window.css", "/icon.svg"} {
		if status, body := s.ask(s.request(http.MethodGet, asset, "", "")); status != http.StatusOK {
			t.Errorf("%s: %d %s", asset, status, body)
		}
	}
}
