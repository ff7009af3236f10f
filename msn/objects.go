package msn

import (
	"context"
	"io"

	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/storage"
	"matrix-msn/msn/media"
	"matrix-msn/msn/p2p"
	"matrix-msn/msn/slp"
	"matrix-msn/msn/wire"
)

// Object describes a picture, or another thing that a Messenger can be asked for (MSNObject).
type Object = slp.Object

// ObjectType is what an Object is.
type ObjectType = slp.ObjectType

// The types of objects that people send.
const (
	ObjectEmoticon = slp.ObjectEmoticon
	ObjectPicture  = slp.ObjectPicture
	ObjectWink     = slp.ObjectWink
	ObjectVoice    = slp.ObjectVoice
)

// Emoticon is a picture that stands for a few characters of a text.
type Emoticon = slp.Emoticon

// File is what is said of a file that is offered.
type File = slp.FileInfo

// FileOffer is a file that somebody offers.
type FileOffer = media.FileOffer

const (
	// MaxObject is how long an object of the user's may be, in bytes.
	MaxObject = media.MaxObject
	// MaxStored is how long a picture that the service keeps may be, in bytes.
	MaxStored = storage.MaxPicture
	// MaxEmoticons is how many emoticons of one text are read, and may be sent with one.
	MaxEmoticons = slp.MaxEmoticons
)

// Why something was not transferred.
var (
	ErrDeclined    = p2p.ErrDeclined      // the contact does not want the file, or does not give the object
	ErrCancelled   = p2p.ErrCancelled     // the contact has ended the transfer
	ErrUnconfirmed = p2p.ErrUnconfirmed   // they have left when all was out, and may not have the last of it
	ErrSilent      = p2p.ErrSilent        // the contact's Messenger does not answer, or the contact has not decided
	ErrBroken      = p2p.ErrBroken        // what came is not what was announced
	ErrManyFiles   = p2p.ErrBusy          // too many transfers with this contact at once
	ErrGone        = media.ErrGone        // the contact has left meanwhile
	ErrBlocks      = media.ErrBlocks      // the user blocks the contact
	ErrUnreachable = media.ErrUnreachable // an old Messenger listens where it cannot be reached, or must not be
	ErrNoOffer     = media.ErrNoOffer     // the file is not offered any more
)

// ParseObject reads an object, such as Contact.Object.
func ParseObject(text string) (Object, error) { return slp.ParseObject(text) }

// FileName returns the last part of a path, on one line, without signs that make it look like another
// name; "" when nothing is left.
func FileName(path string) string { return slp.FileName(path) }

// Fetch asks a contact for an object and writes it to w, as it comes: what was written counts only
// when there is no error, and is what the object says then. It opens a session with the contact if
// there is none, of which they see nothing. told is called with how many bytes have come; it must
// not wait, and may be nil.
//
// The error is ErrDialect below MSNP9, ErrBlocks, ErrDeclined, ErrCancelled, ErrSilent, ErrGone, ErrBroken,
// ErrManyFiles, one of Conversation.SendText when there is no session, that of w or of ctx.
func (c *Client) Fetch(ctx context.Context, account string, o Object, w io.Writer, told func(done uint64)) error {
	return c.media.Fetch(ctx, account, o, w, told)
}

// SendFile offers a file to a contact, sends it when they want it, read from r as it goes, and
// returns when they have it. f.Size is how many bytes r holds. told is called with 0 when the contact was
// offered the file, and then with how many bytes have gone out; it must not wait, and may be nil.
//
// Errors are as for Fetch: ErrDeclined when they do not want it, ErrSilent when they have not decided
// for five minutes, or io.ErrUnexpectedEOF or that of r. Nothing but their Messenger says that they
// have all of it, and some do not say so: then they were given all of it.
func (c *Client) SendFile(ctx context.Context, account string, f File, r io.Reader, told func(done uint64)) error {
	return c.media.SendFile(ctx, account, f, r, told)
}

// SetPicture sets the display picture that contacts see (CHG), from MSNP9 on, and returns when the
// server has taken it; no data takes it away. Official clients show PNG of 96 by 96. It holds for
// this session. The error is ErrDialect, or ErrTooLong beyond MaxObject.
func (c *Client) SetPicture(ctx context.Context, data []byte) (Object, error) {
	switch {
	case c.conn.Dialect() < wire.FirstObjects:
		return Object{}, errs.ErrDialect
	case len(data) > MaxObject:
		return Object{}, errs.ErrTooLong
	case len(data) == 0:
		c.media.NoPicture()
		return Object{}, c.self.SetObject(ctx, "")
	}
	o := c.media.Own(ObjectPicture, data)
	return o, c.self.SetObject(ctx, o.String())
}

// StoredPicture describes the display picture that the service keeps for the account.
type StoredPicture = storage.Picture

// StoredPicture asks for the display picture that the service keeps for the account, for all places where
// the user signs in; its Size is 0 when there is none. The error is ErrDialect when the service keeps none
// (before MSNP15, or without Config.Web.Storage), or that of the call.
func (c *Client) StoredPicture(ctx context.Context) (StoredPicture, error) {
	return c.storage.Picture(ctx)
}

// FetchStored returns the bytes of a picture that the service keeps. The error is ErrTooLong beyond MaxStored,
// ErrUntrusted when it is at an address that may not be asked, ErrTimeout, or that of the call.
func (c *Client) FetchStored(ctx context.Context, p StoredPicture) ([]byte, error) {
	return c.storage.Fetch(ctx, p)
}

// StorePicture has the service keep a display picture for the account, or none without data. Contacts see it by
// SetPicture. Errors are as for StoredPicture, and ErrTooLong beyond MaxStored.
func (c *Client) StorePicture(ctx context.Context, data []byte) error {
	return c.storage.SetPicture(ctx, data)
}

// OfferEmoticon has contacts given a picture that stands for characters of a text, when they ask for it,
// and returns the object that describes it.
func (c *Client) OfferEmoticon(data []byte) (Object, error) {
	return c.OfferObject(ObjectEmoticon, data)
}

// OfferObject has contacts given something, when they ask for it, and returns the object that describes it. It
// is forgotten with the session, and when many others were offered since. The error is ErrTooLong beyond
// MaxObject.
func (c *Client) OfferObject(kind ObjectType, data []byte) (Object, error) {
	if len(data) > MaxObject {
		return Object{}, errs.ErrTooLong
	}
	return c.media.Own(kind, data), nil
}
