package slp

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
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
	forWink     = "E073B06B-636E-45B7-ACA4-6D4B5978C93C"

	// videoCall stands in the context of an invitation for a webcam that is one for a call.
	videoCall = "0425E797-49F1-4D37-909A-031116119D9B"
)

// Kind is what is offered.
type Kind uint8

// The kinds.
const (
	Other      Kind = iota
	File            // a file
	ForObject       // asks for a picture of the user's
	Webcam          // shows a webcam
	WantWebcam      // asks to see the user's webcam
	VideoCall       // a conversation with picture
	Activity        // a game, or another thing done together
	Photos          // photos to look at together
)

// The numbers of applications in invitations, and in the footers of data.
const (
	AppObject   = 1
	AppFile     = 2
	AppEmoticon = 11 // Windows Live Messenger 2009
	AppPicture  = 12
)

// Offer is what an invitation is about.
type Offer struct {
	Session uint32
	App     uint32
	Kind    Kind
	Name    string // of an activity, under the sender's control
	Context []byte // of a file or an object, else nil
}

// ParseOffer reads what an invitation is about. It reports false for another message, and for an
// invitation that names no session.
func ParseOffer(m Message) (o Offer, ok bool) {
	if m.Request != Invite || m.Type() != SessionRequest {
		return Offer{}, false
	}
	session, err := strconv.ParseUint(m.Field("SessionID"), 10, 32)
	if err != nil || session == 0 {
		return Offer{}, false
	}
	o.Session = uint32(session)
	if app, err := strconv.ParseUint(m.Field("AppID"), 10, 32); err == nil {
		o.App = uint32(app)
	}
	context := decode(m.Field("Context"))
	switch strings.ToUpper(strings.Trim(m.Field("EUF-GUID"), "{}")) {
	case forFile:
		o.Kind, o.Context = File, context
	case forObject, forWink:
		o.Kind, o.Context = ForObject, context
	case forWebcam:
		o.Kind = Webcam
		if strings.Contains(strings.ToUpper(UTF16(context)), videoCall) {
			o.Kind = VideoCall
		}
	case forPeerCam:
		o.Kind = WantWebcam
	case forActivity:
		o.Kind = Activity
		if parts := strings.SplitN(UTF16(context), ";", 3); len(parts) == 3 {
			o.Name = clean.Cut(clean.Line(parts[2]), clean.MaxName)
		}
	case forPhotos:
		o.Kind = Photos
	}
	return o, true
}

// Body returns the body of an invitation for a file or an object. later is set for a client with
// headers of version 2, which wants one more field.
func (o Offer) Body(later bool) string {
	guid, flags := forObject, "18"
	if o.Kind == File {
		guid, flags = forFile, "16"
	}
	body := wire.Header("").With("EUF-GUID", "{"+guid+"}").
		With("SessionID", strconv.FormatUint(uint64(o.Session), 10)).
		With("AppID", strconv.FormatUint(uint64(o.App), 10))
	if later {
		body = body.With("RequestFlags", flags)
	}
	return string(body.With("Context", base64.StdEncoding.EncodeToString(o.Context))) + "\r\n"
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
	fileHeader    = 574 // its length in version 2
	fileSizeAt    = 8
	filePreviewAt = 16
	fileNameAt    = 20
	fileNameLen   = 520
	fileMarkAt    = 570

	noPreview = 1
)

// FileInfo is what is said of a file that is offered.
type FileInfo struct {
	Name    string // the last part of a path, on one line; may be ""
	Size    uint64 // in bytes
	Preview []byte // a picture of it, which is not looked at, or nil
}

// ParseFile reads the context of an offer. It reports false for one that does not even tell the
// size.
func ParseFile(context []byte) (f FileInfo, ok bool) {
	if len(context) < fileNameAt {
		return FileInfo{}, false
	}
	order := binary.LittleEndian
	f.Size = order.Uint64(context[fileSizeAt:])
	f.Name = FileName(UTF16(context[fileNameAt:min(len(context), fileNameAt+fileNameLen)]))
	if header := uint64(order.Uint32(context)); header >= fileHeader && header < uint64(len(context)) && order.Uint32(context[filePreviewAt:]) == 0 {
		f.Preview = context[header:]
	}
	return f, true
}

// Context returns the context of an offer of the file. A name that is too long is cut, and keeps its
// ending.
func (f FileInfo) Context() []byte {
	order := binary.LittleEndian
	b := make([]byte, fileHeader, fileHeader+len(f.Preview))
	order.PutUint32(b, fileHeader)
	order.PutUint32(b[4:], 2)
	order.PutUint64(b[fileSizeAt:], f.Size)
	if len(f.Preview) == 0 {
		order.PutUint32(b[filePreviewAt:], noPreview)
	}
	for i, unit := range fitting(f.Name) {
		order.PutUint16(b[fileNameAt+2*i:], unit)
	}
	order.PutUint32(b[fileMarkAt:], 1<<32-1)
	return append(b, f.Preview...)
}

// fitting returns a name in UTF-16 with a place for the NUL behind it.
func fitting(name string) []uint16 {
	const room = fileNameLen/2 - 1
	units := utf16.Encode([]rune(name))
	if len(units) <= room {
		return units
	}
	end := utf16.Encode([]rune(ending(name)))
	head := units[:room-len(end)]
	if utf16.IsSurrogate(rune(head[len(head)-1])) && head[len(head)-1] < 0xDC00 {
		head = head[:len(head)-1]
	}
	return append(head[:len(head):len(head)], end...)
}

// FileName returns the last part of a path, on one line, without what could make it look like
// another name.
func FileName(path string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069, r == 0x200E, r == 0x200F, r == 0x061C, r == 0xFEFF:
			return -1 // they turn the direction of what follows
		}
		return r
	}, path[strings.LastIndexAny(path, `/\`)+1:])
	name = strings.TrimSpace(clean.Line(name))
	if strings.Trim(name, ".") == "" {
		return ""
	}
	if len(name) <= clean.MaxName {
		return strings.Clone(name)
	}
	end := ending(name)
	return clean.Cut(name, clean.MaxName-len(end)) + end
}

// maxEnding is the longest ending of a name that is kept when the name is cut, in bytes.
const maxEnding = 16

// ending returns the ending of a name with its dot, "" for none.
func ending(name string) string {
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 || len(name)-dot > maxEnding {
		return ""
	}
	return name[dot:]
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

// wide is UTF-16LE with a NUL.
func wide(s string) []byte {
	var b []byte
	for _, unit := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return append(b, 0, 0)
}

// NoDirect is the answer to a message about a direct connection, with which the other side stays on
// the switchboard.
func NoDirect() string {
	return fmt.Sprintf("Bridge: TCPv1\r\nListening: false\r\nNonce: {%s}\r\n\r\n", "00000000-0000-0000-0000-000000000000")
}
