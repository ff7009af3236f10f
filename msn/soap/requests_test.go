package soap_test

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"sort"
	"strings"
	"testing"

	"matrix-msn/msn/soap"
)

// tree is what counts of an XML document: names without namespaces, attributes that
// declare none, and texts. Elements that are empty count as absent.
func tree(t *testing.T, document string) string {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(document))
	var render func() string
	render = func() string {
		var b strings.Builder
		for {
			token, err := d.Token()
			if err == io.EOF {
				return b.String()
			}
			if err != nil {
				t.Fatalf("%v in %s", err, document)
			}
			switch token := token.(type) {
			case xml.StartElement:
				var attributes []string
				for _, a := range token.Attr {
					if a.Name.Space != "xmlns" && a.Name.Local != "xmlns" {
						attributes = append(attributes, fmt.Sprintf(" %s=%q", a.Name.Local, a.Value))
					}
				}
				sort.Strings(attributes)
				if content := render(); content != "" || len(attributes) > 0 {
					fmt.Fprintf(&b, "<%s%s>%s\n", token.Name.Local, strings.Join(attributes, ""), content)
				}
			case xml.EndElement:
				return b.String()
			case xml.CharData:
				b.WriteString(strings.TrimSpace(string(token)))
			}
		}
	}
	return render()
}

// body returns an envelope's Body.
func body(t *testing.T, envelope string) string {
	t.Helper()
	_, rest, ok := strings.Cut(envelope, "<soap:Body>")
	if !ok {
		t.Fatalf("no body in %s", envelope)
	}
	rest, _, _ = strings.Cut(rest, "</soap:Body>")
	return tree(t, rest)
}

// text returns the text of the first element of that name.
func text(document, name string) string {
	_, rest, _ := strings.Cut(document, "<"+name+">")
	rest, _, _ = strings.Cut(rest, "</"+name+">")
	return strings.NewReplacer("&amp;", "&", "&lt;", "<").Replace(rest)
}

// TestRequestsAreThoseOfRecordedClients makes the call of each recorded request anew
// and holds its body against the recorded one.
func TestRequestsAreThoseOfRecordedClients(t *testing.T) {
	t.Parallel()
	calls := map[string]func(ctx context.Context, b *soap.AddressBook, recorded string) error{
		"ABFindAll": func(ctx context.Context, b *soap.AddressBook, _ string) error {
			_, err := b.FindAll(ctx)
			return err
		},
		"FindMembership": func(ctx context.Context, b *soap.AddressBook, _ string) error {
			_, err := b.Memberships(ctx)
			return err
		},
		"ABContactAdd": func(ctx context.Context, b *soap.AddressBook, r string) error {
			_, err := b.AddContact(ctx, text(r, "passportName"), soap.NetworkPassport, text(r, "DisplayName"), text(r, "Value"))
			return err
		},
		"ABContactDelete": func(ctx context.Context, b *soap.AddressBook, r string) error {
			return b.DeleteContact(ctx, text(r, "contactId"))
		},
		"ABContactUpdate": func(ctx context.Context, b *soap.AddressBook, r string) error {
			switch text(r, "propertiesChanged") {
			case "DisplayName":
				return b.SetOwnName(ctx, text(r, "displayName"))
			case "IsMessengerUser":
				return b.SetMessenger(ctx, text(r, "contactId"), text(r, "isMessengerUser") == "true")
			}
			return b.SetNickName(ctx, text(r, "contactId"), text(r, "Value"))
		},
		"AddMember": func(ctx context.Context, b *soap.AddressBook, r string) error {
			return b.AddMember(ctx, soap.Role(text(r, "MemberRole")), text(r, "PassportName"), soap.NetworkPassport)
		},
		"DeleteMember": func(ctx context.Context, b *soap.AddressBook, r string) error {
			return b.DeleteMember(ctx, soap.Role(text(r, "MemberRole")), text(r, "PassportName"), soap.NetworkPassport)
		},
		"ABGroupAdd": func(ctx context.Context, b *soap.AddressBook, r string) error {
			_, err := b.AddGroup(ctx, text(r, "name"))
			return err
		},
		"ABGroupUpdate": func(ctx context.Context, b *soap.AddressBook, r string) error {
			return b.RenameGroup(ctx, text(r, "groupId"), text(r, "name"))
		},
		"ABGroupDelete": func(ctx context.Context, b *soap.AddressBook, r string) error {
			return b.DeleteGroup(ctx, text(r, "guid"))
		},
		"ABGroupContactAdd": func(ctx context.Context, b *soap.AddressBook, r string) error {
			return b.JoinGroup(ctx, text(r, "guid"), text(r, "contactId"))
		},
	}
	operations := make([]string, 0, len(calls))
	for operation := range calls {
		operations = append(operations, operation)
	}
	sort.Strings(operations)
	recordings(t, func(t *testing.T, e exchange) {
		if strings.Contains(e.path, "libpurple") {
			return // it leaves things out and puts others in
		}
		service := &canned{response: e.response}
		b := &soap.AddressBook{Caller: caller(service), URL: "https://x.test/ab", SharingURL: "https://x.test/sh", Ticket: ticket}
		_ = calls[e.action](t.Context(), b, e.body) // what the service answered is not the matter
		if service.body == "" {
			t.Fatal("nothing was sent")
		}
		if got, want := body(t, service.body), body(t, e.body); got != want {
			t.Errorf("sent\n%s\nrecorded\n%s", got, want)
		}
		if got := strings.Trim(service.request.Header.Get("SOAPAction"), `"`); got != strings.Trim(e.request.Header.Get("SOAPAction"), `"`) {
			t.Errorf("action %q", got)
		}
	}, operations...)
}
