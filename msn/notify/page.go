package notify

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"matrix-msn/msn/internal/xmltext"
)

// MaxPageText is the longest text of a page in characters (Unicode code points),
// counted before escaping (section 6.2).
const MaxPageText = 113

// maxCallback is the longest callback number in digits; telephone numbers have 15
// (ITU-T E.164), and a prefix to dial out may stand before them.
const maxCallback = 20

// Why a page cannot be built or read.
var (
	// ErrEmptyPage says that the text of a page is empty or only blanks.
	ErrEmptyPage = errors.New("notify: the page is empty")
	// ErrPageText says that the text of a page holds what no document can carry:
	// control characters other than tab, LF and CR, U+FFFE, U+FFFF, or bytes that
	// are no UTF-8.
	ErrPageText = errors.New("notify: the page holds characters that cannot be sent")
	// ErrCallback says that a Callback is not a known Location with 1 to 20 digits.
	ErrCallback = errors.New("notify: unusable callback number")
	// ErrPageBody says that what should be the body of a PAG or PGD is none. It is
	// wrapped with the reason.
	ErrPageBody = errors.New("notify: not the body of a page")
)

// TooLongError says that the text of a page is longer than MaxPageText.
type TooLongError struct {
	Count int // characters (Unicode code points) of the text
}

// Error implements error.
func (e *TooLongError) Error() string {
	return fmt.Sprintf("notify: page of %d characters, at most %d can be sent", e.Count, MaxPageText)
}

// Page is the body of a PAG or PGD: a text for somebody's mobile device.
type Page struct {
	Text string
	// Callback, when its Number is not "", asks to be called back there.
	Callback Callback
}

// Callback is the PHONE element of a page.
type Callback struct {
	Location Location
	Number   string // digits only: "15551114444"
}

// Location says whose number a Callback is.
type Location string

// The locations.
const (
	Home   Location = "HOME"
	Work   Location = "WORK"
	Mobile Location = "MOBILE"
)

// IncomingPage is what an IPG brings: a text from somebody's mobile device.
type IncomingPage struct {
	From string // account in lower case, or "tel:+15551112222"
	Text string
	LCID int
}

// Bounce is an IPG that reports a page of the user's own that failed.
type Bounce struct {
	TrID uint32 // of the PAG or PGD, in the session in which it was sent
	Code string // MSG id: BounceTooLong, or anything else
	To   string // whom the report names as its sender, "" when nobody
}

// BounceTooLong is the Code of a page that was too long.
const BounceTooLong = "407"

// Check reports what keeps p from being sent: ErrEmptyPage, ErrPageText,
// *TooLongError or ErrCallback. PAG and PGD check on their own.
func (p Page) Check() error {
	if !utf8.ValidString(p.Text) || strings.ContainsFunc(p.Text, func(r rune) bool { return !xmltext.Allowed(r) }) {
		return ErrPageText
	}
	if strings.TrimSpace(p.Text) == "" {
		return ErrEmptyPage
	}
	if n := utf8.RuneCountInString(p.Text); n > MaxPageText {
		return &TooLongError{Count: n}
	}
	if p.Callback.Number != "" {
		return p.Callback.check()
	}
	return nil
}

func (c Callback) check() error {
	switch c.Location {
	case Home, Work, Mobile:
	default:
		return ErrCallback
	}
	if len(c.Number) == 0 || len(c.Number) > maxCallback || strings.Trim(c.Number, "0123456789") != "" {
		return ErrCallback
	}
	return nil
}

// PAG returns the body that PAG carries up to MSNP8 (section 6.1): pure ASCII, with
// decimal references for the rest. The errors are those of Check.
func (p Page) PAG() (string, error) { return p.body("", 127) }

// PGD returns the body that PGD carries from MSNP9 on (section 6.3): UTF-8, in
// which only what XML demands is escaped. The errors are those of Check.
func (p Page) PGD() (string, error) { return p.body(` enc="utf-8"`, utf8.MaxRune) }

// body builds both; characters above last become references.
func (p Page) body(attribute string, last rune) (string, error) {
	if err := p.Check(); err != nil {
		return "", err
	}
	var b strings.Builder
	if c := p.Callback; c.Number != "" {
		b.WriteString(`<PHONE pri="1"><LOC>` + string(c.Location) + "</LOC><NUM>" + c.Number + "</NUM></PHONE>")
	}
	b.WriteString(`<TEXT xml:space="preserve"` + attribute + ">")
	for _, r := range p.Text {
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r < ' ' || r > last:
			fmt.Fprintf(&b, "&#%d;", r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteString("</TEXT>")
	return b.String(), nil
}

// ParsePage reads the body of a PAG or PGD as a server does, in either form, with
// any references of XML and raw UTF-8. The error wraps ErrPageBody when it is no
// such body; otherwise it is one of Check.
func ParsePage(body string) (Page, error) {
	p, err := parsePage(body)
	if err != nil {
		return Page{}, err
	}
	if err := p.Check(); err != nil {
		return Page{}, err
	}
	return p, nil
}

func parsePage(body string) (Page, error) {
	if len(body) > MaxDocument {
		return Page{}, fmt.Errorf("%w: %d bytes", ErrPageBody, len(body))
	}
	if strings.Contains(body, "<!") || strings.Contains(body, "<?") {
		return Page{}, fmt.Errorf("%w: holds a declaration", ErrPageBody)
	}
	// The text of each element, by the names of those it stands in.
	texts := make(map[string]string)
	path, dec := "", xml.NewDecoder(strings.NewReader(body))
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Page{}, fmt.Errorf("%w: %w", ErrPageBody, err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			path += "/" + t.Name.Local
			if _, twice := texts[path]; twice || !pageElement(path) {
				return Page{}, fmt.Errorf("%w: element %.40q", ErrPageBody, path)
			}
			texts[path] = ""
		case xml.EndElement:
			path = path[:strings.LastIndexByte(path, '/')]
		case xml.CharData:
			if path == "" || path == "/PHONE" {
				if strings.TrimSpace(string(t)) != "" {
					return Page{}, fmt.Errorf("%w: text outside of TEXT", ErrPageBody)
				}
				continue
			}
			texts[path] += string(t)
		}
	}
	text, ok := texts["/TEXT"]
	if !ok {
		return Page{}, fmt.Errorf("%w: no TEXT", ErrPageBody)
	}
	p := Page{Text: text}
	if _, phone := texts["/PHONE"]; phone {
		p.Callback = Callback{Location(texts["/PHONE/LOC"]), texts["/PHONE/NUM"]}
		return p, p.Callback.check()
	}
	return p, nil
}

// pageElement reports whether an element belongs into the body of a page.
func pageElement(path string) bool {
	switch path {
	case "/TEXT", "/PHONE", "/PHONE/LOC", "/PHONE/NUM":
		return true
	}
	return false
}
