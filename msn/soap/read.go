package soap

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/xmltext"
)

// read makes of an answer the content of header and body, or an error. A fault
// counts whatever the status: services send it with 200 and with 500.
func (a *answer) read(header, body any) error {
	err := decode(a.content, header, body)
	if fault, ok := errors.AsType[*Fault](err); ok {
		fault.Date = a.date
		return fault
	}
	if a.status < 200 || a.status > 299 {
		return &StatusError{Status: a.status}
	}
	return err
}

// decode reads an envelope. Elements are told by their names only: services use
// the namespaces of several versions.
func decode(answer string, header, body any) error {
	readable, err := readable(answer)
	if err != nil {
		return err
	}
	d := xml.NewTokenDecoder(&shallow{decoder: newDecoder(readable)})
	found := false
	for {
		token, err := d.Token()
		if err == io.EOF && found {
			return nil
		}
		if err != nil {
			return wrong(err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		switch start.Name.Local {
		case "Envelope":
		case "Header":
			err = into(d, start, header)
		case "Body":
			found = true
			err = readBody(d, body)
		case "Fault":
			// Some login services leave the envelope's parts out.
			err = readFault(d, start)
		default:
			err = d.Skip()
		}
		if err != nil {
			return wrong(err)
		}
	}
}

// into decodes an element into v, or passes it over when v is nil.
func into(d *xml.Decoder, start xml.StartElement, v any) error {
	if v == nil {
		return d.Skip()
	}
	return d.DecodeElement(v, &start)
}

// readBody reads the first element of the body: a fault, or what was asked for.
func readBody(d *xml.Decoder, body any) error {
	for {
		token, err := d.Token()
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.EndElement:
			return nil // an empty body
		case xml.StartElement:
			if t.Name.Local == "Fault" {
				return readFault(d, t)
			}
			if err := into(d, t, body); err != nil {
				return err
			}
			body = nil // one answer to one call
		}
	}
}

func readFault(d *xml.Decoder, start xml.StartElement) error {
	var x faultXML
	if err := d.DecodeElement(&x, &start); err != nil {
		return err
	}
	return x.fault()
}

// wrong wraps what is wrong with an answer, but neither a fault nor what is wrapped
// already.
func wrong(err error) error {
	if _, ok := errors.AsType[*Fault](err); ok || errors.Is(err, ErrAnswer) {
		return err
	}
	// What is wrong is quoted, however long it is.
	return fmt.Errorf("%w: %s", ErrAnswer, clean.Cut(err.Error(), maxReason))
}

// readable makes an answer readable: names of contacts bring bytes that are no UTF-8 and
// characters and references that XML does not have into otherwise good answers.
// Document types, comments and CDATA sections, which no service needs, are refused.
func readable(answer string) (string, error) {
	if strings.Contains(answer, "<!") {
		return "", fmt.Errorf("%w: it holds a document type, comment or CDATA section", ErrAnswer)
	}
	return xmltext.Clean(strings.TrimPrefix(answer, "\uFEFF")), nil
}

func newDecoder(answer string) *xml.Decoder {
	d := xml.NewDecoder(strings.NewReader(answer))
	// It was made UTF-8 above, whatever the declaration says.
	d.CharsetReader = func(_ string, input io.Reader) (io.Reader, error) { return input, nil }
	return d
}

// shallow passes tokens on until elements are nested too deeply.
type shallow struct {
	decoder *xml.Decoder
	depth   int
}

// Token implements xml.TokenReader.
func (s *shallow) Token() (xml.Token, error) {
	token, err := s.decoder.RawToken()
	switch token.(type) {
	case xml.StartElement:
		if s.depth++; s.depth > maxDepth {
			return nil, fmt.Errorf("%w: elements are nested more than %d deep", ErrAnswer, maxDepth)
		}
	case xml.EndElement:
		s.depth--
	}
	return token, err
}

// Text is an element's text without the blanks around it.
type Text string

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *Text) UnmarshalText(text []byte) error {
	*t = Text(strings.TrimSpace(string(text)))
	return nil
}

// IsUnauthorized reports whether an error means that a ticket is not accepted, so
// that another one may do.
func IsUnauthorized(err error) bool {
	if e, ok := errors.AsType[*StatusError](err); ok {
		return e.Status == http.StatusForbidden || e.Status == http.StatusUnauthorized
	}
	fault, ok := errors.AsType[*Fault](err)
	// AuthenticationFailed is what the service for sending offline messages says, by
	// which it also asks for its lock key: see Post.Send.
	return ok && (fault.ErrorCode == "InvalidAuthenticationToken" || fault.ErrorCode == "PassportAuthFail" || fault.Code == "AuthenticationFailed")
}
