package msn

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"matrix-msn/msn/soap"
	"matrix-msn/msn/wire"
)

func TestListEditsBySOAP(t *testing.T) {
	for _, d := range modernDialects {
		for _, test := range []struct {
			name  string
			edit  func(c *Client) error
			calls []string // operations and a part of each body
			told  []string // what the server is told
			lists List
			whom  string
		}{
			{"add a new contact", func(c *Client) error { return c.AddContact(t.Context(), "Zoe@Example.com", "let me in") },
				[]string{"ABContactAdd zoe@example.com", "AddMember <MemberRole>Allow</MemberRole>"},
				[]string{"ADL zoe 3"}, ListForward | ListAllow, "zoe@example.com"},
			{"add one who waits", func(c *Client) error { return c.AddContact(t.Context(), "erin@example.com", "") },
				[]string{"ABContactAdd erin@example.com", "AddMember Allow", "DeleteMember Pending", "AddMember Reverse"},
				[]string{"ADL erin 1", "ADL erin 2"}, ListForward | ListAllow | ListReverse, "erin@example.com"},
			{"add one who is there", func(c *Client) error { return c.AddContact(t.Context(), "bob@example.com", "") },
				[]string{"ABContactUpdate " + bobsGUID}, nil, ListForward | ListAllow | ListReverse, "bob@example.com"},
			{"remove", func(c *Client) error { return c.RemoveContact(t.Context(), "bob@example.com") },
				[]string{"ABContactDelete " + bobsGUID}, []string{"RML bob 1"}, ListAllow | ListReverse, "bob@example.com"},
			{"remove one who is not there", func(c *Client) error { return c.RemoveContact(t.Context(), "zoe@example.com") },
				nil, nil, 0, "zoe@example.com"},
			{"block", func(c *Client) error { return c.Block(t.Context(), "bob@example.com") },
				[]string{"DeleteMember Allow", "AddMember Block"}, []string{"RML bob 2", "ADL bob 4"}, ListForward | ListBlock | ListReverse, "bob@example.com"},
			{"allow one who waits", func(c *Client) error { return c.Allow(t.Context(), "erin@example.com") },
				[]string{"AddMember Allow", "DeleteMember Pending", "AddMember Reverse"}, []string{"ADL erin 2"}, ListAllow | ListReverse, "erin@example.com"},
		} {
			t.Run(test.name+" "+d.String(), func(t *testing.T) {
				t.Parallel()
				client, web, ns := webIn(t, d, func(w *fakeWeb) { w.members += membership("Pending", "erin@example.com") })
				web.forget()
				done := make(chan error, 1)
				go func() { done <- test.edit(client) }()
				for _, want := range test.told {
					cmd := ns.read()
					members, err := wire.ParseMembers(cmd.Payload)
					if err != nil || len(members) != 1 {
						t.Fatalf("%v: %v", cmd, err)
					}
					user, _, _ := strings.Cut(members[0].Account, "@")
					if got := fmt.Sprint(cmd.Verb, " ", user, " ", members[0].Lists); got != want {
						t.Errorf("the server is told %q, want %q", got, want)
					}
					ns.send(cmd.Verb + " " + cmd.Arg(0) + " OK")
				}
				if err := waitError(t, done); err != nil {
					t.Error(err)
				}
				calls := web.operations()
				for i, want := range test.calls {
					operation, part, _ := strings.Cut(want, " ")
					if i >= len(calls) || calls[i] != operation {
						t.Fatalf("calls %q, want %q", calls, test.calls)
					}
					web.set(func() {
						if !strings.Contains(web.calls[i].body, part) {
							t.Errorf("%q is not in %s", part, web.calls[i].body)
						}
					})
				}
				if len(calls) != len(test.calls) {
					t.Errorf("calls %q, want %q", calls, test.calls)
				}
				if c, _ := client.Contact(test.whom); c.Lists != test.lists {
					t.Errorf("%s is on the lists %d, want %d", test.whom, c.Lists, test.lists)
				}
				ns.barrier()
			})
		}
	}
}

func TestListEditsThatAreRefused(t *testing.T) {
	for code, want := range map[string]error{
		"InvalidPassportUser": ErrNoSuchContact, "BadEmailArgument": ErrNoSuchContact, "QuotaLimitReached": ErrListFull, "Odd": nil,
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			client, web, ns := webIn(t, 15, nil)
			web.set(func() { web.answer["ABContactAdd"] = bookFault(code) })
			err := client.AddContact(t.Context(), "zoe@example.com", "")
			var fault *soap.Fault
			if !errors.As(err, &fault) || fault.ErrorCode != code || want != nil && !errors.Is(err, want) {
				t.Errorf("error %v", err)
			}
			if _, ok := client.Contact("zoe@example.com"); ok {
				t.Error("she is known all the same")
			}
			ns.barrier() // nothing was told
		})
	}
	client, _, ns := webIn(t, 15, nil)
	for _, account := range []string{"", "zoe", "a@b\r\nOUT", "a b@c"} {
		if err := client.AddContact(t.Context(), account, ""); !errors.Is(err, ErrArgument) {
			t.Errorf("%q: %v", account, err)
		}
	}
	for _, account := range []string{"", "a@b\r\nOUT", "a b@c", "a@b\x00"} {
		for name, change := range map[string]func(context.Context, string) error{"remove": client.RemoveContact, "block": client.Block, "allow": client.Allow} {
			if err := change(t.Context(), account); !errors.Is(err, ErrArgument) {
				t.Errorf("%s %q: %v", name, account, err)
			}
		}
	}
	if err := client.AddContact(t.Context(), "zoe@example.com", strings.Repeat("x", MaxRequest+1)); !errors.Is(err, ErrTooLong) {
		t.Errorf("a long message: %v", err)
	}
	ns.barrier()
}

func TestListEditsByCommand(t *testing.T) {
	const carol = "c2222222-4ee9-4a33-a434-b056a4c55b98"
	edits := map[string]func(c *Client) error{
		"add":    func(c *Client) error { return c.AddContact(t.Context(), "zoe@example.com", "") },
		"remove": func(c *Client) error { return c.RemoveContact(t.Context(), "bob@example.com") },
		"block":  func(c *Client) error { return c.Block(t.Context(), "bob@example.com") },
		"allow":  func(c *Client) error { return c.Allow(t.Context(), "erin@example.com") },
	}
	early := map[string][]string{
		"add":    {"ADD FL zoe@example.com zoe@example.com", "ADD AL zoe@example.com zoe@example.com"},
		"remove": {"REM FL bob@example.com"},
		"block":  {"REM AL bob@example.com", "ADD BL bob@example.com Bob"},
		"allow":  {"ADD AL erin@example.com erin@example.com"},
	}
	late := map[string][]string{
		"add":    {"ADC FL N=zoe@example.com F=zoe@example.com", "ADC AL N=zoe@example.com"},
		"remove": {"REM FL " + bobsGUID},
		"block":  {"REM AL bob@example.com", "ADC BL N=bob@example.com"},
		"allow":  {"ADC AL N=erin@example.com"},
	}
	for d := MinDialect; d < wire.FirstSOAP; d++ {
		for name, edit := range edits {
			t.Run(name+" "+d.String(), func(t *testing.T) {
				t.Parallel()
				client, ns := signedIn(t, newFakeNet(t), d)
				want := early[name]
				if d >= 10 {
					want = late[name]
				}
				done := make(chan error, 1)
				go func() { done <- edit(client) }()
				for i, line := range want {
					trid := tridAfter(firstTrID(d), i)
					verb, rest, _ := strings.Cut(line, " ")
					ns.expect(verb + " " + trid + " " + rest)
					answer := verb + " " + trid + " " + rest
					if d < 10 {
						list, who, _ := strings.Cut(rest, " ")
						answer = fmt.Sprint(verb, " ", trid, " ", list, " ", 10+i, " ", who)
					} else if strings.HasPrefix(rest, "FL N=") {
						answer += " C=" + carol
					}
					ns.send(answer)
				}
				if err := waitError(t, done); err != nil {
					t.Error(err)
				}
				lists := map[string]List{"add": ListForward | ListAllow, "remove": ListAllow | ListReverse, "block": ListForward | ListBlock | ListReverse, "allow": ListAllow}
				whom := map[string]string{"add": "zoe@example.com", "allow": "erin@example.com"}[name]
				if whom == "" {
					whom = "bob@example.com"
				}
				if c, _ := client.Contact(whom); c.Lists != lists[name] {
					t.Errorf("%s is on the lists %d, want %d", whom, c.Lists, lists[name])
				}
				ns.barrier()
			})
		}
	}
}

func TestListEditsByCommandThatAreRefused(t *testing.T) {
	for number, want := range map[int]error{205: ErrNoSuchContact, 208: ErrNoSuchContact, 210: ErrListFull, 215: nil, 500: ErrBusy} {
		for _, d := range []wire.Dialect{7, 9, 12} {
			t.Run(fmt.Sprint(number, " ", d), func(t *testing.T) {
				t.Parallel()
				client, ns := signedIn(t, newFakeNet(t), d)
				done := make(chan error, 1)
				go func() { done <- client.AddContact(t.Context(), "zoe@example.com", "") }()
				ns.read()
				ns.send(fmt.Sprint(number, " ", firstTrID(d)))
				if want == nil { // she is there already: what follows is asked for all the same
					ns.read()
					ns.send("215 " + tridAfter(firstTrID(d), 1))
				}
				err := waitError(t, done)
				if !errors.Is(err, want) {
					t.Errorf("error %v, want %v", err, want)
				}
				ns.barrier()
			})
		}
	}
}
