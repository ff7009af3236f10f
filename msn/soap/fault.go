package soap

import (
	"fmt"
	"matrix-msn/msn/internal/clean"
	"strings"
	"time"
)

// Fault is what a service answers instead of a result.
type Fault struct {
	// Code is faultcode (SOAP 1.1) or Code/Value (SOAP 1.2) without its prefix:
	// "FailedAuthentication", "Client", "Redirect". Subcode is that of SOAP 1.2.
	Code, Subcode string
	Reason        string // what it says to people, cut
	// ErrorCode is detail/errorcode of the address book ("ContactAlreadyExists"),
	// or the number of a login service ("0x80048821").
	ErrorCode string
	// RedirectURL is where a login service wants the same request.
	RedirectURL string
	// LockKeyChallenge is what the offline message service wants answered.
	LockKeyChallenge string
	// Date is the service's clock, zero when it does not tell.
	Date time.Time
}

// Error implements error. It holds nothing that is secret.
func (e *Fault) Error() string {
	parts := []string{e.Code}
	for _, part := range []string{e.Subcode, e.ErrorCode} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if e.Reason != "" {
		return fmt.Sprintf("msn: the web service refused: %q: %q", strings.Join(parts, " "), e.Reason)
	}
	return fmt.Sprintf("msn: the web service refused: %q", strings.Join(parts, " "))
}

// faultXML reads both kinds of faults. Services put the elements into the
// namespaces of other versions, so that only the names count.
type faultXML struct {
	// SOAP 1.1
	Code   string `xml:"faultcode"`
	String string `xml:"faultstring"`
	Detail struct {
		detailXML
		LockKeyChallenge string `xml:"LockKeyChallenge"`
	} `xml:"detail"`
	// SOAP 1.2
	Code12 struct {
		Value   string `xml:"Value"`
		Subcode struct {
			Value string `xml:"Value"`
		} `xml:"Subcode"`
	} `xml:"Code"`
	Reason12 struct {
		Text string `xml:"Text"`
	} `xml:"Reason"`
	Detail12 detailXML `xml:"Detail"`
	// The login services put this beside the code.
	RedirectURL string `xml:"redirectUrl"`
}

type detailXML struct {
	ErrorCode   string `xml:"errorcode"`
	ErrorString string `xml:"errorstring"`
	Error       struct {
		Value    string `xml:"value"`
		Internal struct {
			Code string `xml:"code"`
			Text string `xml:"text"`
		} `xml:"internalerror"`
	} `xml:"error"`
}

func (x *faultXML) fault() *Fault {
	f := &Fault{
		Code:             local(first(x.Code, x.Code12.Value)),
		Subcode:          local(x.Code12.Subcode.Value),
		Reason:           first(x.String, x.Reason12.Text, x.Detail.ErrorString),
		ErrorCode:        first(x.Detail.ErrorCode, x.Detail.Error.Value, x.Detail12.ErrorCode, x.Detail12.Error.Value),
		RedirectURL:      strings.TrimSpace(x.RedirectURL),
		LockKeyChallenge: strings.TrimSpace(x.Detail.LockKeyChallenge),
	}
	for _, text := range []*string{&f.Code, &f.Subcode, &f.Reason, &f.ErrorCode, &f.LockKeyChallenge} {
		*text = clean.Cut(*text, maxReason)
	}
	return f
}

// local returns a qualified name without its prefix.
func local(name string) string {
	if _, after, ok := strings.Cut(name, ":"); ok {
		return after
	}
	return name
}

func first(texts ...string) string {
	for _, text := range texts {
		if text = strings.TrimSpace(text); text != "" {
			return text
		}
	}
	return ""
}
