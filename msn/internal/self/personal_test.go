package self

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/wire"
)

func TestPersonalMessageOfEachDialect(t *testing.T) {
	for d := wire.MinDialect; d <= wire.MaxDialect; d++ {
		synctest.Test(t, func(t *testing.T) {
			s, server := serve(t, d, Config{})
			server.Ready()
			if d < wire.FirstPersonal {
				if err := s.SetPersonal(t.Context(), "Gone sailing"); !errors.Is(err, errs.ErrDialect) {
					t.Errorf("%v: %v", d, err)
				}
				server.ExpectNothing()
				return
			}
			longest := strings.Repeat("♥", MaxPersonal)
			for text, want := range map[string]string{
				"Gone sailing":              "Gone sailing",
				"":                          "",
				"<b> & \"me\" ♥":            "&lt;b&gt; &amp; &quot;me&quot; ♥",
				" two\r\nlines\x00 \xff\t ": "two  lines  \uFFFD",
				"</PSM></Data>":             "&lt;/PSM&gt;&lt;/Data&gt;",
				longest:                     longest,
			} {
				result := make(chan error, 1)
				go func() { result <- s.SetPersonal(t.Context(), text) }()
				server.Answer("UUX", "0", "<Data><PSM>"+want+"</PSM><CurrentMedia></CurrentMedia></Data>")
				if err := <-result; err != nil {
					t.Errorf("%v: %q: %v", d, text, err)
				}
			}
			if err := s.SetPersonal(t.Context(), longest+"x"); !errors.Is(err, errs.ErrTooLong) {
				t.Errorf("%v: too long: %v", d, err)
			}
			server.ExpectNothing()
		})
	}
}

// The server refuses one, does not answer, and goes away: each is told, and the next one is
// sent all the same.
func TestPersonalMessageThatIsNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, server := serve(t, 15, Config{})
		server.Ready()
		set := func(text string) <-chan error {
			result := make(chan error, 1)
			go func() { result <- s.SetPersonal(t.Context(), text) }()
			synctest.Wait()
			return result
		}
		first, second := set("one"), set("two")
		server.Refuse("UUX", 800, "<Data><PSM>one</PSM><CurrentMedia></CurrentMedia></Data>")
		if err := <-first; !errors.Is(err, errs.ErrTooFast) {
			t.Errorf("refused: %v", err)
		}
		server.Expect("UUX", "<Data><PSM>two</PSM><CurrentMedia></CurrentMedia></Data>")
		if err := <-second; !errors.Is(err, errs.ErrTimeout) {
			t.Errorf("not answered: %v", err)
		}
		lost := set("three")
		server.Expect("UUX", "<Data><PSM>three</PSM><CurrentMedia></CurrentMedia></Data>")
		server.Hangup()
		if err := <-lost; err == nil {
			t.Error("the server went away, and the personal message is set")
		}
	})
}
