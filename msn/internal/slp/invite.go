package slp

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/wire"
)

// What an invitation is for (EUF-GUID).
const (
	forObject   = "A4268EEC-FEC5-49E5-95C3-F126696BDBF6"
	forFile     = "5D3E02AB-6190-11D3-BBBB-00C04F795683"
	forWebcam   = "4BD96FC0-AB17-4425-A14A-439185962DC8"
	forPeerCam  = "1C9AA97E-9C05-4583-A3BD-908A196F1E92"
	forActivity = "6A13AF9C-5308-4F35-923A-67E8DDA40C2F"
	forPhotos   = "41D3E74E-04A2-4B37-96F8-08ACDB610874"

	// videoCall stands in the context of an invitation for a webcam that is one for a call.
	videoCall = "0425E797-49F1-4D37-909A-031116119D9B"
)

// Kind is what is offered.
type Kind uint8

// The kinds.
const (
	Other      Kind = iota
	File            // a file
	Object          // asks for a picture of the user's
	Webcam          // shows a webcam
	WantWebcam      // asks to see the user's webcam
	VideoCall       // a conversation with picture
	Activity        // a game, or another thing done together
	Photos          // photos to look at together
)

// Invite is an invitation in MSNSLP.
type Invite struct {
	Branch, CallID string
	Session        string // decimal
	Kind           Kind
	Name           string // of the file or activity, under the sender's control
	Size           uint64 // of the file
}

// The media type of what says what a session is for. Invitations of other types are about a
// session that there is already.
const sessionRequest = "application/x-msnmsgr-sessionreqbody"

// ParseInvite reads an invitation. It reports false for other messages of MSNSLP, and for one that
// cannot be answered.
func ParseInvite(message string) (i Invite, ok bool) {
	first, rest, _ := strings.Cut(message, "\n")
	if !strings.HasPrefix(first, "INVITE ") {
		return Invite{}, false
	}
	m := wire.ParseMessage(strings.TrimRight(rest, "\x00"))
	if m.MediaType() != sessionRequest {
		return Invite{}, false
	}
	body := wire.Header(m.Body)
	_, branch, _ := strings.Cut(m.Header.Get("Via"), "branch=")
	i = Invite{Branch: branch, CallID: m.Header.Get("Call-ID"), Session: body.Get("SessionID")}
	if !clean.IsGUID(i.Branch) || !clean.IsGUID(i.CallID) || !clean.IsNumber(i.Session) || len(i.Session) > len("4294967295") {
		return Invite{}, false
	}
	context := decode(body.Get("Context"))
	switch strings.ToUpper(strings.Trim(body.Get("EUF-GUID"), "{}")) {
	case forFile:
		i.Kind = File
		i.Name, i.Size = file(context)
	case forObject:
		i.Kind = Object
	case forWebcam:
		i.Kind = Webcam
		if strings.Contains(strings.ToUpper(UTF16(context)), videoCall) {
			i.Kind = VideoCall
		}
	case forPeerCam:
		i.Kind = WantWebcam
	case forActivity:
		i.Kind = Activity
		if parts := strings.SplitN(UTF16(context), ";", 3); len(parts) == 3 {
			i.Name = clean.Cut(clean.Line(parts[2]), clean.MaxName)
		}
	case forPhotos:
		i.Kind = Photos
	}
	return i, true
}

// decode reads base64 whose padding may be missing. What is wrong behind its beginning is cut off.
func decode(s string) []byte {
	s = strings.TrimRight(s, "=")
	b := make([]byte, base64.RawStdEncoding.DecodedLen(len(s)))
	n, _ := base64.RawStdEncoding.Decode(b, []byte(s))
	return b[:n]
}

// The places in the context of a file.
const (
	fileSizeAt = 8
	fileNameAt = 20
	fileName   = 520
)

// file reads the name and size of a file.
func file(context []byte) (name string, size uint64) {
	if len(context) < fileNameAt {
		return "", 0
	}
	size = binary.LittleEndian.Uint64(context[fileSizeAt:])
	return FileName(UTF16(context[fileNameAt:min(len(context), fileNameAt+fileName)])), size
}

// FileName returns the last part of a path, on one line.
func FileName(path string) string {
	return clean.Cut(clean.Line(path[strings.LastIndexAny(path, `/\`)+1:]), clean.MaxName)
}

// UTF16 reads UTF-16LE up to a NUL.
func UTF16(b []byte) string {
	units := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		unit := binary.LittleEndian.Uint16(b)
		if unit == 0 {
			break
		}
		units = append(units, unit)
	}
	return string(utf16.Decode(units))
}

// Decline returns the message that declines an invitation of peer's, as self.
func (i Invite) Decline(self, peer string) string {
	body := "SessionID: " + i.Session + "\r\n\r\n\x00"
	return "MSNSLP/1.0 603 Decline\r\n" + string(wire.Header("").
		With("To", "<msnmsgr:"+peer+">").
		With("From", "<msnmsgr:"+self+">").
		With("Via", "MSNSLP/1.0/TLP ;branch="+i.Branch).
		With("CSeq", "1").
		With("Call-ID", i.CallID).
		With("Max-Forwards", "0").
		With("Content-Type", sessionRequest).
		With("Content-Length", fmt.Sprint(len(body)))) + "\r\n" + body
}
