package wire_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"matrix-msn/msn/internal/transcript"
	"matrix-msn/msn/wire"
)

func TestMembersAreWrittenAsClientsDo(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		members []wire.Member
		initial bool
		want    []string
	}{
		"at sign-in": {[]wire.Member{
			{Account: "bob@example.com", Lists: 3, Network: 1},
			{Account: "carol@example.com", Lists: 2, Network: 1},
			{Account: "tel:+15551111222", Lists: 3},
		}, true, []string{`<ml l="1"><d n="example.com"><c n="bob" l="3" t="1"/><c n="carol" l="2" t="1"/></d><t><c n="tel:+15551111222" l="3"/></t></ml>`}},
		"nobody at sign-in": {nil, true, []string{`<ml l="1"></ml>`}},
		"nobody later":      {nil, false, nil},
		"two domains": {[]wire.Member{{Account: "a@x.test", Lists: 1, Network: 1}, {Account: "b@y.test", Lists: 4, Network: 32}}, false,
			[]string{`<ml><d n="x.test"><c n="a" l="1" t="1"/></d><d n="y.test"><c n="b" l="4" t="32"/></d></ml>`}},
		"a query":               {[]wire.Member{{Account: "joe@yahoo.com"}}, false, []string{`<ml><d n="yahoo.com"><c n="joe"/></d></ml>`}},
		"no account":            {[]wire.Member{{Account: "nobody"}, {Account: "@x"}, {Account: "y@"}}, false, nil},
		"markup in a name":      {[]wire.Member{{Account: `a"b<&@x.test`, Lists: 3}}, false, []string{`<ml><d n="x.test"><c n="a&quot;b&lt;&amp;" l="3"/></d></ml>`}},
		"no account at sign-in": {[]wire.Member{{Account: "nobody"}}, true, []string{`<ml l="1"></ml>`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := wire.FormatMembers(test.members, test.initial); !slices.Equal(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestManyMembersAreSplitByTheLimits(t *testing.T) {
	t.Parallel()
	for name, length := range map[string]int{"short accounts": 1, "long accounts": 90, "accounts that fit alone": 7400} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var members []wire.Member
			for i := range 1000 {
				members = append(members, wire.Member{Account: fmt.Sprintf("%s%d@d%d.test", strings.Repeat("a", length), i, i%7), Lists: 3, Network: 1})
			}
			var back []wire.Member
			for _, payload := range wire.FormatMembers(members, true) {
				some, err := wire.ParseMembers(payload)
				if err != nil || len(some) > wire.MaxMembers || len(payload) > wire.MaxMembersLength || len(some) == 0 {
					t.Fatalf("%d members in %d bytes, %v", len(some), len(payload), err)
				}
				back = append(back, some...)
			}
			if !slices.Equal(back, members) {
				t.Errorf("%d of %d members came through", len(back), len(members))
			}
		})
	}
}

func TestRecordedMembersAreRead(t *testing.T) {
	t.Parallel()
	read := 0
	paths, err := transcript.Find("../testdata/transcripts")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		rec, err := transcript.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rec.Records {
			verb, _, _ := strings.Cut(r.Text, " ")
			_, payload, _ := strings.Cut(r.Text, "\r\n")
			if !r.MSN() || verb != "ADL" && verb != "RML" && verb != "FQY" || payload == "" {
				continue
			}
			members, err := wire.ParseMembers(payload)
			if n := strings.Count(payload, "<c "); err == nil && n != len(members) {
				t.Errorf("%s %v: %d of %d read", rec.Name, r, len(members), n)
			}
			read += len(members)
			if r.Kind == transcript.FromClient && err == nil && len(members) > 0 {
				again := wire.FormatMembers(members, strings.HasPrefix(payload, `<ml l="1">`))
				if back, err := wire.ParseMembers(strings.Join(again, "")); err != nil && len(again) == 1 || !slices.Equal(back, members) {
					t.Errorf("%s %v: written again as %q", rec.Name, r, again)
				}
			}
		}
	}
	if read == 0 {
		t.Error("no recorded list")
	}
}

func TestBrokenMemberListIsAnError(t *testing.T) {
	t.Parallel()
	for name, payload := range map[string]string{
		"not closed":    `<ml><d n="x.test"><c n="a" l="1"`,
		"DOCTYPE":       `<!DOCTYPE ml [<!ENTITY a "b">]><ml/>`,
		"10,000 levels": strings.Repeat("<d>", 10000),
		"wrong end":     `<ml><d></ml>`,
	} {
		if _, err := wire.ParseMembers(payload); !errors.Is(err, wire.ErrMembers) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzMembers(f *testing.F) {
	f.Add(`<ml l="1"><d n="example.com"><c n="bob" l="3" t="1"/></d><t><c n="tel:+1" l="3"/></t></ml>`)
	f.Add(`<ml><d n="example.com"><c n="eve" t="1" l="8" f="Eve%20E" /></d></ml>`)
	f.Add(`<ml><c n="x"/></ml>`)
	f.Fuzz(func(t *testing.T, payload string) {
		members, _ := wire.ParseMembers(payload)
		var back []wire.Member
		for _, again := range wire.FormatMembers(members, false) {
			if len(again) > wire.MaxMembersLength {
				t.Fatalf("%d bytes", len(again))
			}
			some, err := wire.ParseMembers(again)
			if err != nil {
				t.Fatalf("%q is written as %q: %v", payload, again, err)
			}
			back = append(back, some...)
		}
		if len(back) > len(members) {
			t.Errorf("%d become %d", len(members), len(back))
		}
	})
}

func TestNumbersThatAreTooLargeAreNone(t *testing.T) {
	members, err := wire.ParseMembers(`<ml><d n="example.com"><c n="a" l="256" t="65536"/><c n="b" l="-1" t="x"/><c n="c" l="255" t="65535"/></d></ml>`)
	want := []wire.Member{{Account: "a@example.com"}, {Account: "b@example.com"}, {Account: "c@example.com", Lists: 255, Network: 65535}}
	if err != nil || !slices.Equal(members, want) {
		t.Errorf("%+v, %v", members, err)
	}
}
