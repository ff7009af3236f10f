package file

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"image/png"
	"io"

	"github.com/rs/zerolog"
	"golang.org/x/image/draw"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// Pictures have a small one beside them, which clients show in the room: no homeserver can make one in an encrypted room.

const (
	// thumbnailWidth and thumbnailHeight are how large one is at most, in pixels: clients show none larger.
	thumbnailWidth  = 800
	thumbnailHeight = 600
	// smallPicture is up to how many bytes a picture of that size is shown as it is.
	smallPicture = 100 << 10
	// maxUnpacked is how much memory a picture may take that one is made of, in bytes.
	maxUnpacked = 128 << 20
	// perPixel is how much a picture takes at most for each of its pixels, in bytes: of PNG, which may come in several passes, of JPEG that
	// comes so, and of others.
	perPixel            = 8
	perPixelPNG         = 16
	perPixelProgressive = 24
	// thumbnailQuality is that of JPEG.
	thumbnailQuality = 80
)

// unpacking holds a token while a picture is unpacked: one at a time for all logins.
var unpacking = make(chan struct{}, 1)

var errCostly = errors.New("it takes too much memory")

// thumbnail is a small picture of a picture.
type thumbnail struct {
	data []byte
	info event.FileInfo
}

// thumbnailOf returns a small picture of a file that was looked at, nil for none.
func thumbnailOf(ctx context.Context, written io.Writer, content *event.MessageEventContent) *thumbnail {
	file, ok := written.(io.ReaderAt)
	info := content.Info
	if !ok || content.MsgType != event.MsgImage || info.Width <= thumbnailWidth && info.Height <= thumbnailHeight && info.Size <= smallPicture {
		return nil
	}
	select {
	case unpacking <- struct{}{}:
		defer func() { <-unpacking }()
	case <-ctx.Done():
		return nil
	}
	small, err := shrink(io.NewSectionReader(file, 0, int64(info.Size)), info)
	if err != nil {
		zerolog.Ctx(ctx).Debug().Err(err).Str("mime_type", info.MimeType).Msg("A picture has no thumbnail")
	}
	return small
}

// shrink makes a small picture of one.
func shrink(picture io.ReadSeeker, info *event.FileInfo) (*thumbnail, error) {
	each := perPixel
	switch info.MimeType {
	case "image/gif":
	case "image/png":
		each = perPixelPNG
	case "image/jpeg":
		if isProgressive(bufio.NewReader(picture)) {
			each = perPixelProgressive
		}
	default:
		return nil, image.ErrFormat // people on MSN send those three, and whoever sends another one chooses who reads it
	}
	if info.Width*info.Height > maxUnpacked/each {
		return nil, errCostly
	}
	if _, err := picture.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	large, _, err := image.Decode(bufio.NewReader(picture))
	if err != nil {
		return nil, err
	}
	small := image.NewRGBA(fitting(large.Bounds()))
	draw.ApproxBiLinear.Scale(small, small.Bounds(), large, large.Bounds(), draw.Src, nil)
	var b bytes.Buffer
	kind := "image/png"
	if small.Opaque() {
		kind, err = "image/jpeg", jpeg.Encode(&b, small, &jpeg.Options{Quality: thumbnailQuality})
	} else {
		err = png.Encode(&b, small)
	}
	if err != nil {
		return nil, err
	}
	return &thumbnail{b.Bytes(), event.FileInfo{MimeType: kind, Size: b.Len(), Width: small.Rect.Dx(), Height: small.Rect.Dy()}}, nil
}

// fitting returns the sides of a small picture of one.
func fitting(r image.Rectangle) image.Rectangle {
	w, h := r.Dx(), r.Dy()
	if w > thumbnailWidth {
		w, h = thumbnailWidth, max(1, h*thumbnailWidth/w)
	}
	if h > thumbnailHeight {
		w, h = max(1, w*thumbnailHeight/h), thumbnailHeight
	}
	return image.Rect(0, 0, w, h)
}

// isProgressive reports whether a JPEG comes in several passes, for which a decoder keeps all that was read. So counts what cannot be told.
func isProgressive(r *bufio.Reader) bool {
	const (
		frame, extended, progressive = 0xC0, 0xC1, 0xC2 // those that are decoded
		start                        = 0xD8
	)
	for {
		for mark := byte(0); mark != 0xFF; { // what stands between is passed over
			var err error
			if mark, err = r.ReadByte(); err != nil {
				return true
			}
		}
		kind, err := r.ReadByte()
		for kind == 0xFF {
			kind, err = r.ReadByte()
		}
		switch {
		case err != nil, kind == progressive:
			return true
		case kind == frame, kind == extended:
			return false
		case kind == start, kind == 0, kind == 1, kind >= 0xD0 && kind <= 0xD7: // without a length
			continue
		}
		var length [2]byte
		if _, err := io.ReadFull(r, length[:]); err != nil {
			return true
		}
		if _, err := r.Discard(max(0, int(length[0])<<8|int(length[1])-2)); err != nil {
			return true
		}
	}
}

// put uploads a thumbnail beside its picture. Without it the picture is shown all the same.
func (t *thumbnail) put(ctx context.Context, intent bridgev2.MatrixAPI, in id.RoomID, content *event.MessageEventContent) {
	url, file, err := intent.UploadMedia(ctx, in, t.data, "thumbnail", t.info.MimeType)
	if err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("A picture has no thumbnail")
		return
	}
	content.Info.ThumbnailURL, content.Info.ThumbnailFile, content.Info.ThumbnailInfo = url, file, &t.info
}
