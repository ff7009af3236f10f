package service

import (
	"slices"
	"strings"
	"testing"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/names"
	"matrix-msn/msn/notify"
)

// FuzzArguments reads what is typed behind commands. Nothing of it is lost or made up, and
// what is taken for an address, a number or a callback has its form.
func FuzzArguments(f *testing.F) {
	for _, s := range []string{
		"--callback home a  b", "--CallBack=home=+1 555 a", "—login x --callback y a", "--callback", "--callback=", "--callback --login x", "--=x", "-- a", "--callback=a—b x",
		"bob@example.com Call me", "+1-555-111-2222 x", "TEL:+15551112222 x", "tel:15551112222 x", "TEl:+@0", "tel:+1@example.com x", "+1 from me", "meet@noon", "bob@example.com", "\u00a0bob@example.com\u00a0x",
		"a b city=x y state= country=\"a b\"", "a=b", "city=x a b", "+" + strings.Repeat("1", 30), "\"a b\" c", "", " ", "\n", "\xff",
	} {
		f.Add(s, "bob@example.com")
		f.Add(s, "")
	}
	f.Fuzz(func(t *testing.T, s, contact string) {
		word, rest := call.CutWord(s)
		if got := strings.Fields(word + " " + rest); !slices.Equal(got, strings.Fields(s)) || len(strings.Fields(word)) > 1 {
			t.Errorf("%q was cut into %q and %q", s, word, rest)
		}
		given := make(call.Options)
		text := given.Take(s, call.LoginOption, CallbackOption)
		if !strings.HasSuffix(strings.TrimSpace(s), strings.TrimSpace(text)) {
			t.Errorf("%q has the text %q", s, text)
		}
		for name, value := range given {
			if name != call.LoginOption && name != CallbackOption || !strings.Contains(s, value) || len(strings.Fields(value)) > 1 {
				t.Errorf("%q has the option %q with %q", s, name, value)
			}
		}
		if more := make(call.Options); more.Take(text, call.LoginOption, CallbackOption) != text || len(more) > 0 {
			t.Errorf("%q has options behind its options: %q", s, more)
		}
		to, text, problem := pageTarget(s, contact)
		if problem == "" && contact == "" || problem != "" {
			if (to == "") != (problem != "") {
				t.Errorf("%q is for %q: %q", s, to, problem)
			}
		}
		if problem == "" && !strings.HasSuffix(strings.TrimSpace(s), strings.TrimSpace(text)) {
			t.Errorf("%q pages %q", s, text)
		}
		if number, isTel := strings.CutPrefix(to, names.Tel+"+"); isTel && (strings.Trim(number, "0123456789") != "" || len(number) < minDigits || len(number) > maxDigits) {
			t.Errorf("%q is for %q", s, to)
		}
		if account, ok := call.IsAddress(word); ok {
			if again, ok := call.IsAddress(account); !ok || again != account {
				t.Errorf("%q has the address %q, which is %q", s, account, again)
			}
		}
		callback, problem := parseCallback(s, func(notify.Location) string { return "1" })
		if problem == "" && (callback.Number == "" || strings.Trim(callback.Number, "0123456789") != "" || len(callback.Number) > maxDigits) {
			t.Errorf("%q calls back %q", s, callback.Number)
		}
		if query, ok := parseQuery(s); ok {
			for _, value := range []string{query.FirstName, query.LastName, query.City, query.State, query.Country} {
				for _, word := range strings.Fields(value) {
					if !strings.Contains(s, word) {
						t.Errorf("%q asks for %+v", s, query)
					}
				}
			}
		}
	})
}
