package sip

import (
	"encoding/base64"
	"encoding/xml"
	"strings"
)

// maxCall is the longest call that is read, in bytes.
const maxCall = 16 << 10

// Call is a call by voice or video of Windows Live Messenger: SIP that goes through the server
// (protocol/11-rich-content.md, section 9).
type Call struct {
	// ID is that of the envelope, which the answer repeats.
	ID      string
	headers []string // of SIP, that the answer repeats
}

// envelope is what SIP comes in.
type envelope struct {
	XMLName xml.Name `xml:"sip"`
	Coding  string   `xml:"e,attr"`
	FID     string   `xml:"fid,attr"`
	ID      string   `xml:"i,attr"`
	Message string   `xml:"msg"`
}

// repeated are the headers of SIP that an answer repeats, and their short names.
var repeated = map[string]bool{
	"via": true, "v": true, "from": true, "f": true, "to": true, "t": true, "call-id": true, "i": true, "cseq": true,
}

// ParseCall reads the beginning of a call. It reports false for everything else that is said about
// one.
func ParseCall(payload string) (c Call, ok bool) {
	if len(payload) > maxCall {
		return Call{}, false
	}
	var e envelope
	if err := xml.Unmarshal([]byte(payload), &e); err != nil || !strings.EqualFold(e.Coding, "base64") {
		return Call{}, false
	}
	message, err := base64.StdEncoding.DecodeString(strings.TrimSpace(e.Message))
	if err != nil || !strings.HasPrefix(string(message), "INVITE ") {
		return Call{}, false
	}
	c.ID = e.ID
	for line := range strings.SplitSeq(string(message), "\n") {
		line = strings.TrimRight(line, "\r")
		if line == "" {
			break
		}
		name, _, _ := strings.Cut(line, ":")
		if repeated[strings.ToLower(strings.TrimSpace(name))] {
			c.headers = append(c.headers, line)
		}
	}
	return c, true
}

// Decline returns the payload that declines a call.
func (c Call) Decline() string {
	message := "SIP/2.0 603 Decline\r\n"
	for _, line := range c.headers {
		message += line + "\r\n"
	}
	message += "Content-Length: 0\r\n\r\n"
	b, _ := xml.Marshal(envelope{Coding: "base64", FID: "0", ID: c.ID, Message: base64.StdEncoding.EncodeToString([]byte(message))})
	return string(b)
}
