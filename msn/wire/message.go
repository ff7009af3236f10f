package wire

import "strings"

// Header is the header of a Message as it stands on the wire: lines of
// "Name: value", each with its line end. The zero value is an empty header.
type Header string

// Get returns the value of the first field called name, or "". Letter case of
// the name and blanks around the value do not count.
func (h Header) Get(name string) string {
	for rest := string(h); rest != ""; {
		line := rest
		if end := strings.IndexByte(rest, '\n'); end >= 0 {
			line, rest = rest[:end], rest[end+1:]
		} else {
			rest = ""
		}
		if value, ok := fieldValue(line, name); ok {
			return value
		}
	}
	return ""
}

// fieldValue returns the value of line if it is the field called name. Most lines
// are told apart by their first letter.
func fieldValue(line, name string) (string, bool) {
	if len(line) <= len(name) || name != "" && line[0]|0x20 != name[0]|0x20 && line[0] > ' ' {
		return "", false
	}
	colon := len(name)
	if line[colon] != ':' {
		colon = strings.IndexByte(line, ':')
	}
	if colon < len(name) || !strings.EqualFold(strings.TrimSpace(line[:colon]), name) {
		return "", false
	}
	return strings.TrimSpace(line[colon+1:]), true
}

// With returns h with one more field at its end. Line ends in name or value
// become blanks, so that no value makes a second field.
func (h Header) With(name, value string) Header {
	return h + Header(oneLine.Replace(name)+": "+oneLine.Replace(value)+"\r\n")
}

var oneLine = strings.NewReplacer("\r", " ", "\n", " ")

// Message is the MIME-like payload of MSG (protocol/04-switchboard.md,
// section 3): header, empty line, body.
type Message struct {
	Header Header
	Body   string
}

// ParseMessage splits a payload. It never fails: line ends may be CR LF or LF,
// and a payload without an empty line is all header.
func ParseMessage(payload string) Message {
	for at := 0; at < len(payload); {
		end := strings.IndexByte(payload[at:], '\n')
		if end < 0 {
			break
		}
		line := payload[at : at+end]
		if line == "" || line == "\r" {
			return Message{Header: Header(payload[:at]), Body: payload[at+end+1:]}
		}
		at += end + 1
	}
	return Message{Header: Header(payload)}
}

// Payload returns the message as it is sent.
func (m Message) Payload() string { return string(m.Header) + "\r\n" + m.Body }

// MediaType returns the type of the body in lower case without parameters, for
// example "text/plain", or "" when the header names none.
func (m Message) MediaType() string {
	mediaType, _, _ := strings.Cut(m.Header.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(mediaType))
}

// Text returns the body as text. The character set is UTF-8 whatever the header
// says (protocol/00-overview.md, section 4); bytes that are none, and NUL, become
// U+FFFD.
func (m Message) Text() string {
	text := strings.ToValidUTF8(m.Body, "\uFFFD")
	if strings.IndexByte(text, 0) < 0 {
		return text
	}
	return strings.ReplaceAll(text, "\x00", "\uFFFD")
}
