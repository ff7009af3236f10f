package soap_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"matrix-msn/msn/internal/transcript"
	"matrix-msn/msn/soap"
)

// always answers every request alike, with a status of 200.
type always string

func (a always) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(a))), Request: r}, nil
}

// seeds adds the bodies of the recorded answers to some operations.
func seeds(f *testing.F, add func(body string), operations ...string) {
	f.Helper()
	paths, err := transcript.Find("../testdata/transcripts")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		rec, err := transcript.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		wanted := make(map[string]bool)
		for _, r := range rec.Records {
			if r.Conn != "HTTPS" {
				continue
			}
			if r.Kind == transcript.FromClient {
				header, _, _ := strings.Cut(r.Text, "\r\n\r\n")
				wanted[r.Who] = false
				for _, operation := range operations {
					wanted[r.Who] = wanted[r.Who] || strings.Contains(header, operation)
				}
			} else if _, body, ok := strings.Cut(r.Text, "\r\n\r\n"); ok && wanted[r.Who] && len(body) < 20000 {
				add(body)
			}
		}
	}
}

// Whatever a service answers, the lists are read or there is an error, and what is read
// stays within the limits.
func FuzzBook(f *testing.F) {
	seeds(f, func(body string) { f.Add(body) }, "ABFindAll", "ABFindContactsPaged", "FindMembership")
	f.Add("<Envelope><Body><Fault><faultcode>a</faultcode></Fault></Body></Envelope>")
	f.Add("<Envelope><Body><x><ABFindAllResult><contacts><Contact/></contacts></ABFindAllResult></x></Body></Envelope>")
	f.Fuzz(func(t *testing.T, answer string) {
		book := &soap.AddressBook{Caller: caller(always(answer)), URL: "https://x.test/ab", SharingURL: "https://x.test/sh", Ticket: ticket}
		for _, find := range []func(context.Context) (*soap.Book, error){book.FindAll, book.FindPaged} {
			got, err := find(t.Context())
			if (got == nil) == (err == nil) {
				t.Errorf("%v, %v", got, err)
			}
			if got == nil {
				checkKind(t, err)
				continue
			}
			for _, c := range got.Contacts {
				if c.Account == "" || !utf8.ValidString(c.Account+c.Name+c.NickName) {
					t.Errorf("a contact was read as %+v", c)
				}
			}
		}
		members, err := book.Memberships(t.Context())
		if err != nil {
			checkKind(t, err)
		}
		for _, m := range members {
			if m.Account == "" || !utf8.ValidString(m.Account+m.Name) {
				t.Errorf("a member was read as %+v", m)
			}
		}
	})
}

// checkKind checks that an error is one that the package describes.
func checkKind(t *testing.T, err error) {
	t.Helper()
	var fault *soap.Fault
	var status *soap.StatusError
	if !errors.Is(err, soap.ErrAnswer) && !errors.As(err, &fault) && !errors.As(err, &status) {
		t.Errorf("error %v", err)
	}
}

// Whatever stands in a mail or in a list of offline messages, it is read as text or
// not at all.
func FuzzOffline(f *testing.F) {
	seeds(f, func(body string) { f.Add(body) }, "GetMetadata", "GetMessage")
	f.Add("<MD><M><I>1</I><E>a@b</E><N>=?utf-8?B?QQ==?=</N><RT>2026-01-02T03:04:05.000Z</RT></M></MD>")
	f.Add("too-large")
	f.Add("From: a\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: base64\nX-OIM-Run-Id: {1}\nX-OIM-Sequence-Num: 2\n\nSGVsbG8=")
	f.Add("Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/plain; charset=utf-16\n\na\x00b\n--x--")
	f.Add("X-OriginalArrivalTime: 02 Jan 2026 03:04:05.1234567 (UTC) FILETIME=[0]\n\nx")
	f.Fuzz(func(t *testing.T, document string) {
		list, _ := soap.ParseMailData(document)
		for _, m := range list {
			if m.ID == "" || !utf8.ValidString(m.Name+m.From) {
				t.Errorf("listed as %+v", m)
			}
		}
		if text, err := soap.ParseOffline(document); err == nil {
			if len(text.Text) > soap.MaxOfflineText || !utf8.ValidString(text.Text) || strings.ContainsAny(text.Text, "\r\x00") {
				t.Errorf("read as %+v", text)
			}
		} else if !errors.Is(err, soap.ErrAnswer) {
			t.Errorf("error %v", err)
		}
		mailbox := &soap.Mailbox{Caller: caller(always(document)), URL: "https://x.test/rsi", Ticket: ticket}
		if _, err := mailbox.Metadata(t.Context()); err != nil {
			checkKind(t, err)
		}
		if _, err := mailbox.Get(t.Context(), "x"); err != nil {
			checkKind(t, err)
		}
	})
}
