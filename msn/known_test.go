package msn

import (
	"errors"
	"fmt"
	"testing"

	"matrix-msn/msn/wire"
)

func TestAccountsThatTheServiceKnows(t *testing.T) {
	const asked = `<ml><d n="example.com"><c n="zoe"/></d></ml>`
	for _, d := range modernDialects {
		if d < wire.FirstNetworks {
			continue
		}
		for name, test := range map[string]struct {
			answer, payload string
			want            error
		}{
			"known":           {"FQY", `<ml><d n="example.com"><c n="zoe" t="1" /></d></ml>`, nil},
			"on Yahoo":        {"FQY", `<ml><d n="example.com"><c n="ZOE" t="32"/></d></ml>`, nil},
			"unknown":         {"208", "", ErrNoSuchContact},
			"unknown, told":   {"203", asked, ErrNoSuchContact},
			"somebody else":   {"FQY", `<ml><d n="example.com"><c n="bob"/></d></ml>`, wire.ErrProtocol},
			"nobody":          {"FQY", "<ml></ml>", wire.ErrProtocol},
			"not to be read":  {"FQY", "<ml>", wire.ErrMembers},
			"another trouble": {"500", "", ErrBusy},
		} {
			t.Run(d.String()+" "+name, func(t *testing.T) {
				t.Parallel()
				client, _, ns := webIn(t, d, nil)
				done := goCall(func() (struct{}, error) { return struct{}{}, client.Known(t.Context(), "Zoe@Example.com") })
				cmd := ns.read()
				if cmd.Verb != "FQY" || cmd.Payload != asked {
					t.Fatalf("asked by %v", cmd)
				}
				ns.send(answerTo(cmd.Arg(0), test.answer, test.payload))
				if _, err := waitCall(t, done); !errors.Is(err, test.want) || test.want == nil && err != nil {
					t.Errorf("error %v, want %v", err, test.want)
				}
				ns.barrier()
			})
		}
	}
}

func TestNobodyIsAskedForBelowMSNP14(t *testing.T) {
	client, ns := signedIn(t, newFakeNet(t), 12)
	if err := client.Known(t.Context(), "zoe@example.com"); !errors.Is(err, ErrDialect) {
		t.Errorf("error %v", err)
	}
	for _, account := range []string{"", "zoe", "a@b\r\nOUT", "tel:+15551112222"} {
		if err := client.Known(t.Context(), account); !errors.Is(err, ErrArgument) {
			t.Errorf("%q: %v", account, err)
		}
	}
	ns.barrier()
}

// answerTo writes the answer of a server, with its payload unless that is "".
func answerTo(trid, word, payload string) string {
	line := word + " " + trid
	if payload != "" {
		line += fmt.Sprintf(" %d", len(payload))
	}
	return line + "\r\n" + payload
}
