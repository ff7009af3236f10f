package msgconv

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPicturesStandForShortcuts(t *testing.T) {
	t.Parallel()
	const a, b, c = "mxc://x/a", "mxc://x/b", "mxc://x/c"
	image := func(url, alt string) string {
		return `<img data-mx-emoticon src="` + url + `" alt="` + alt + `" title="` + alt + `" height="32">`
	}
	for name, test := range map[string]struct {
		text, format string
		pictures     []Picture
		options      Options
		body, html   string
	}{
		"none":                            {text: "hi", pictures: []Picture{{"(a)", a}}, body: "hi"},
		"one":                             {text: "hi (a)!", pictures: []Picture{{"(a)", a}}, body: "hi (a)!", html: "hi " + image(a, "(a)") + "!"},
		"inside of a word":                {text: "food", pictures: []Picture{{"oo", a}}, body: "food", html: "f" + image(a, "oo") + "d"},
		"the longest":                     {text: "abc ab", pictures: []Picture{{"ab", a}, {"abc", b}}, body: "abc ab", html: image(b, "abc") + " " + image(a, "ab")},
		"not in addresses":                {text: "http://x.test/a a@a.test a", pictures: []Picture{{"a", a}}, body: "http://x.test/a a@a.test a", html: "http://x.test/a a@a.test " + image(a, "a")},
		"before those of MSN":             {text: ":) :D", pictures: []Picture{{":)", a}}, options: Options{Emoticons: true}, body: ":) 😀", html: image(a, ":)") + " 😀"},
		"with blanks":                     {text: "my cat sits", pictures: []Picture{{"my cat", a}}, body: "my cat sits", html: image(a, "my cat") + " sits"},
		"in a style":                      {text: "(a)\nb", format: "EF=B", pictures: []Picture{{"(a)", a}}, body: "(a)\nb", html: "<strong>" + image(a, "(a)") + "<br>b</strong>"},
		"markup":                          {text: `<b>"`, pictures: []Picture{{`<b>"`, `mxc://x/"><script>`}}, body: `<b>"`, html: image(`mxc://x/&#34;&gt;&lt;script&gt;`, `&lt;b&gt;&#34;`)},
		"small and large letters differ":  {text: "(A) (a)", pictures: []Picture{{"(a)", c}}, body: "(A) (a)", html: "(A) " + image(c, "(a)")},
		"what is no picture":              {text: "(a)", pictures: []Picture{{"", a}, {"(a)", ""}}, body: "(a)"},
		"text with marks":                 {text: "\ufdd0(a)\ufdd1", pictures: []Picture{{"(a)", a}}, body: "(a)", html: image(a, "(a)")},
		"shortcut that is one of a mark":  {text: "x \ufdd0", pictures: []Picture{{"\ufdd0", a}}, body: "x "},
		"what somebody does":              {text: "/me (a)", pictures: []Picture{{"(a)", a}}, body: "(a)", html: image(a, "(a)")},
		"several of the same, and others": {text: "(a)(b)(a)", pictures: []Picture{{"(a)", a}, {"(b)", b}}, body: "(a)(b)(a)", html: image(a, "(a)") + image(b, "(b)") + image(a, "(a)")},
	} {
		got := ToMatrixWithPictures("", test.text, test.format, test.pictures, test.options)
		if got.Body != test.body || got.FormattedBody != test.html {
			t.Errorf("%s:\n got %q\n and %q,\nwant %q", name, got.Body, got.FormattedBody, test.html)
		}
	}
}

// Whoever makes a picture of each character of a long text makes no event that is too long.
func TestPicturesInATextAreBounded(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("a", maxPart)
	got := ToMatrixWithPictures("", text, "", []Picture{{"a", "mxc://x/a"}}, Options{})
	if n := strings.Count(got.FormattedBody, "<img"); n != maxPlaced {
		t.Errorf("%d pictures", n)
	}
	if got.Body != text {
		t.Error("the text is another one")
	}
}

func FuzzPictures(f *testing.F) {
	f.Add("hi (a) :)", "(a)", "a)", "mxc://x/a")
	f.Add("/me \ufdd0 http://a", "\ufdd0", ":", "\"><script>")
	f.Fuzz(func(t *testing.T, text, one, other, url string) {
		if !utf8.ValidString(text) || !utf8.ValidString(one) || !utf8.ValidString(other) || !utf8.ValidString(url) {
			return
		}
		pictures := []Picture{{one, "mxc://x/a"}, {other, "mxc://x/b"}}
		got := ToMatrixWithPictures("", Said(text), "", pictures, Options{})
		plain := ToMatrix(Said(text), "", Options{})
		if !strings.ContainsFunc(text, isMark) && got.Body != plain.Body {
			t.Errorf("%q became %q", plain.Body, got.Body)
		}
		if strings.ContainsFunc(got.FormattedBody, isMark) && !strings.ContainsFunc(one+other, isMark) {
			t.Errorf("a mark is left in %q", got.FormattedBody)
		}
	})
}

func isMark(r rune) bool { return r >= firstMark && r < firstMark+maxPictures }
