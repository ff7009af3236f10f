package soap_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"matrix-msn/msn/internal/transcript"
	"matrix-msn/msn/soap"
)

// exchange is one request of a recorded client and what the service answered.
type exchange struct {
	path     string // of the recording
	action   string // the operation
	request  *http.Request
	body     string
	response string
}

// exchanges returns what was said over HTTPS in a recording.
func exchanges(t *testing.T, rec transcript.Recording) (list []exchange) {
	t.Helper()
	open := make(map[string]*exchange)
	for _, r := range rec.Records {
		if r.Conn != "HTTPS" {
			continue
		}
		switch r.Kind {
		case transcript.FromClient:
			request, err := http.ReadRequest(bufio.NewReader(strings.NewReader(r.Text)))
			if err != nil {
				t.Fatalf("%v: %v", r, err)
			}
			body, err := io.ReadAll(request.Body)
			if err != nil {
				t.Fatalf("%v: %v", r, err)
			}
			action := strings.Trim(request.Header.Get("SOAPAction"), `"`)
			open[r.Who] = &exchange{path: rec.Path, action: action[strings.LastIndexByte(action, '/')+1:], request: request, body: string(body)}
		case transcript.FromServer:
			if e := open[r.Who]; e != nil {
				e.response = r.Text
				list = append(list, *e)
				delete(open, r.Who)
			}
		}
	}
	return list
}

// canned answers every request with the same recorded response and keeps what was
// asked.
type canned struct {
	response string
	request  *http.Request
	body     string
}

func (c *canned) RoundTrip(request *http.Request) (*http.Response, error) {
	c.request = request
	var b bytes.Buffer
	if request.Body != nil {
		_, _ = io.Copy(&b, request.Body)
	}
	c.body = b.String()
	return http.ReadResponse(bufio.NewReader(strings.NewReader(c.response)), request)
}

func caller(transport http.RoundTripper) soap.Caller {
	return soap.Caller{Client: &http.Client{Transport: transport}, Allow: func(*url.URL) error { return nil }}
}

// recordings calls test for each exchange of the named operations.
func recordings(t *testing.T, test func(t *testing.T, e exchange), operations ...string) {
	t.Helper()
	found := make(map[string]int)
	paths, err := transcript.Find(append([]string{"../testdata/transcripts"}, transcript.EnvironmentDirs()...)...)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		rec, err := transcript.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range exchanges(t, rec) {
			for _, operation := range operations {
				if e.action == operation {
					found[operation]++
					t.Run(rec.Name+"/"+operation, func(t *testing.T) { test(t, e) })
				}
			}
		}
	}
	for _, operation := range operations {
		if found[operation] == 0 {
			t.Errorf("no recording of %s", operation)
		}
	}
}

func ticket() string { return "t=ticket&p=" }

func TestRecordedAddressBooksAreRead(t *testing.T) {
	t.Parallel()
	recordings(t, func(t *testing.T, e exchange) {
		if !strings.Contains(e.response, "200 OK") {
			return
		}
		book := &soap.AddressBook{Caller: caller(&canned{response: e.response}), URL: "https://x.test/ab", SharingURL: "https://x.test/sh", Ticket: ticket}
		find := book.FindAll
		if e.action == "ABFindContactsPaged" {
			find = book.FindPaged
		}
		got, err := find(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(e.response, "<contactId>"); n != len(got.Contacts)+strings.Count(e.response, "<contactType>Me<")+strings.Count(e.response, "<contactType>Circle<") {
			t.Errorf("%d contacts in the answer, %d read", n, len(got.Contacts))
		}
		if n := strings.Count(e.response, "<groupId>"); n != len(got.Groups) {
			t.Errorf("%d groups in the answer, %d read", n, len(got.Groups))
		}
		for _, c := range got.Contacts {
			if !strings.Contains(c.Account, "@") || c.ID == "" || c.CID == 0 || !c.Messenger {
				t.Errorf("a contact was read as %+v", c)
			}
		}
		if n := strings.Count(e.response, "<CircleInverseInfo>"); n != len(got.Circles) {
			t.Errorf("%d circles in the answer, %d read", n, len(got.Circles))
		}
		for _, c := range got.Circles {
			if c.ID == "" || c.Name == "" || c.Host == "" {
				t.Errorf("a circle was read as %+v", c)
			}
		}
	}, "ABFindAll", "ABFindContactsPaged")
}

func TestRecordedMembershipsAreRead(t *testing.T) {
	t.Parallel()
	recordings(t, func(t *testing.T, e exchange) {
		if !strings.Contains(e.response, "200 OK") {
			return
		}
		book := &soap.AddressBook{Caller: caller(&canned{response: e.response}), URL: "https://x.test/ab", SharingURL: "https://x.test/sh", Ticket: ticket}
		got, err := book.Memberships(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(e.response, "<MembershipId>"); n != len(got) {
			t.Errorf("%d members in the answer, %d read: %+v", n, len(got), got)
		}
		for _, m := range got {
			if m.Account == "" || m.Role == "" || m.Network != soap.NetworkPassport {
				t.Errorf("a member was read as %+v", m)
			}
		}
	}, "FindMembership")
}
