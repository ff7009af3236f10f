package soap

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// storageAt is a service that answers each call with the same body.
func storageAt(t *testing.T, status int, body string, calls *[]string) *Storage {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if calls != nil {
			*calls = append(*calls, r.Header.Get("SOAPAction"))
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>` + body + `</soap:Body></soap:Envelope>`))
	}))
	t.Cleanup(srv.Close)
	return &Storage{Caller: Caller{Client: srv.Client(), Allow: func(*url.URL) error { return nil }}, URL: srv.URL, Ticket: func() string { return "t=1&p=" }, CID: -7}
}

func profileOf(streams string) string {
	return "<GetProfileResponse><GetProfileResult><ResourceID>a!106</ResourceID><ExpressionProfile><ResourceID>a!118</ResourceID><Photo><ResourceID>a!205</ResourceID><DocumentStreams>" +
		streams + "</DocumentStreams></Photo></ExpressionProfile></GetProfileResult></GetProfileResponse>"
}

func TestProfilesAreRead(t *testing.T) {
	t.Parallel()
	small := "<DocumentStream><DocumentStreamName>UserTileSmall</DocumentStreamName><DataSize>5</DataSize><PreAuthURL>https://x.test/small</PreAuthURL></DocumentStream>"
	static := "<DocumentStream><DocumentStreamName>UserTileStatic</DocumentStreamName><DataSize>4933</DataSize><PreAuthURL> https://x.test/?a=1&amp;b=2 </PreAuthURL></DocumentStream>"
	for name, test := range map[string]struct {
		body string
		want Profile
	}{
		"a picture":           {profileOf(small + static), Profile{"a!118", "a!205", "https://x.test/?a=1&b=2", 4933}},
		"a small one alone":   {profileOf(small), Profile{"a!118", "a!205", "", 0}},
		"none":                {profileOf(""), Profile{"a!118", "a!205", "", 0}},
		"a size that is none": {profileOf(strings.Replace(static, "4933", "many", 1)), Profile{"a!118", "a!205", "https://x.test/?a=1&b=2", 0}},
		"nothing":             {"<GetProfileResponse/>", Profile{}},
		"names without end":   {strings.Replace(profileOf(""), "a!118", strings.Repeat("x", 1000), 1), Profile{"", "a!205", "", 0}},
	} {
		if got, err := storageAt(t, 200, test.body, nil).Profile(t.Context()); err != nil || got != test.want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestCallsOfTheStorage(t *testing.T) {
	t.Parallel()
	var calls []string
	s := storageAt(t, 200, "<CreateDocumentResponse><CreateDocumentResult>a!205</CreateDocumentResult></CreateDocumentResponse>", &calls)
	photo, err := s.CreatePhoto(t.Context(), []byte("PNG"))
	if err != nil || photo != "a!205" {
		t.Errorf("%q, %v", photo, err)
	}
	if err := s.Relate(t.Context(), Profile{Expression: "a!118"}, photo); err != nil {
		t.Error(err)
	}
	if err := s.Unrelate(t.Context(), Profile{Expression: "a!118", Photo: photo}); err != nil {
		t.Error(err)
	}
	var names []string
	for _, action := range calls {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(action, `"`+storageNamespace+"/"), `"`))
	}
	if got := strings.Join(names, " "); got != "CreateDocument CreateRelationships DeleteRelationships DeleteRelationships" {
		t.Errorf("it called %s", got)
	}
	if _, err := storageAt(t, 200, "<CreateDocumentResponse/>", nil).CreatePhoto(t.Context(), nil); err == nil {
		t.Error("a picture without a name is one")
	}
	if _, err := storageAt(t, 500, "", nil).Profile(t.Context()); err == nil {
		t.Error("a service that is out of order gave a profile")
	}
}
