package slp

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"strconv"
	"strings"

	"matrix-msn/msn/internal/clean"
)

// ObjectType is what an object is.
type ObjectType int

// The types that people send. There are others.
const (
	ObjectEmoticon   ObjectType = 2
	ObjectPicture    ObjectType = 3
	ObjectBackground ObjectType = 5
	ObjectDynamic    ObjectType = 7 // a display picture that moves
	ObjectWink       ObjectType = 8
	ObjectVoice      ObjectType = 11
)

// Hash is the SHA-1 of something, by which objects are known.
type Hash [sha1.Size]byte

// String returns the hash in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Object describes something that a Messenger can be asked for (MSNObject).
type Object struct {
	Creator  string // an account, as it was written
	Type     ObjectType
	Size     uint64 // in bytes
	Location string
	Friendly string // its name for people; may be ""
	Hash     Hash   // of the data (SHA1D)
	// Text is the object as it was read, which whoever made it wants back. It is "" for one that
	// is made here.
	Text string
}

// ErrObject says that something is no object.
var ErrObject = errors.New("slp: not an MSNObject")

// ParseObject reads an object. The hash over its own fields (SHA1C) is not looked at: real clients
// write wrong ones.
func ParseObject(text string) (o Object, err error) {
	text = strings.TrimRight(text, "\x00")
	if len(text) > maxObject || !strings.HasPrefix(text, "<msnobj") {
		return Object{}, ErrObject
	}
	decoder := xml.NewDecoder(strings.NewReader(text))
	decoder.Strict = false
	token, err := decoder.RawToken()
	element, ok := token.(xml.StartElement)
	if err != nil || !ok || element.Name.Local != "msnobj" {
		return Object{}, ErrObject
	}
	fields := make(map[string]string)
	for _, attr := range element.Attr {
		fields[strings.ToLower(attr.Name.Local)] = attr.Value
	}
	hash, err := base64.StdEncoding.DecodeString(fields["sha1d"])
	if err != nil || len(hash) != len(o.Hash) {
		return Object{}, ErrObject
	}
	copy(o.Hash[:], hash)
	kind, err := strconv.ParseUint(fields["type"], 10, 16)
	if err != nil {
		return Object{}, ErrObject
	}
	if o.Size, err = strconv.ParseUint(fields["size"], 10, 63); err != nil {
		return Object{}, ErrObject
	}
	o.Type = ObjectType(kind)
	o.Creator = clean.Cut(fields["creator"], clean.MaxAccount)
	o.Location = clean.Cut(fields["location"], clean.MaxName)
	o.Friendly = clean.Cut(clean.Line(UTF16(decode(fields["friendly"]))), clean.MaxName)
	o.Text = strings.Clone(text)
	return o, nil
}

// NewObject describes data of an account's.
func NewObject(creator string, kind ObjectType, data []byte) Object {
	hash := Hash(sha1.Sum(data))
	return Object{Creator: creator, Type: kind, Size: uint64(len(data)), Hash: hash, Location: hash.String() + ".png"}
}

// String returns the object as it is sent.
func (o Object) String() string {
	if o.Text != "" {
		return o.Text
	}
	friendly := base64.StdEncoding.EncodeToString(wide(o.Friendly))
	hash := base64.StdEncoding.EncodeToString(o.Hash[:])
	size, kind := strconv.FormatUint(o.Size, 10), strconv.Itoa(int(o.Type))
	own := sha1.Sum([]byte("Creator" + o.Creator + "Size" + size + "Type" + kind + "Location" + o.Location + "Friendly" + friendly + "SHA1D" + hash))
	var b strings.Builder
	b.WriteString("<msnobj")
	for _, field := range [][2]string{
		{"Creator", o.Creator}, {"Size", size}, {"Type", kind}, {"Location", o.Location}, {"Friendly", friendly}, {"SHA1D", hash},
		{"SHA1C", base64.StdEncoding.EncodeToString(own[:])},
	} {
		b.WriteString(" " + field[0] + `="`)
		_ = xml.EscapeText(&b, []byte(field[1])) // a Builder takes all
		b.WriteByte('"')
	}
	b.WriteString("/>")
	return b.String()
}

// Context returns the context of an invitation that asks for the object.
func (o Object) Context() []byte { return append([]byte(o.String()), 0) }
