package file

import (
	"bytes"
	"image"
	_ "image/gif"  // registers the format
	_ "image/jpeg" // registers the format
	_ "image/png"  // registers the format
	"io"
	"mime"
	"net/http"
	"strings"

	_ "golang.org/x/image/bmp"  // registers the format
	_ "golang.org/x/image/webp" // registers the format
	"maunium.net/go/mautrix/event"

	"matrix-msn/internal/webp"
)

const (
	// maxHead is how much of a file shows what it is: net/http looks at so many bytes.
	maxHead = 512
	// maxSide is the longest side in pixels of a picture that is shown as one. Clients decode it whole.
	maxSide = 8192
	// maxPixels is how many pixels it has at most.
	maxPixels = 1 << 26
	// maxHeader is how much of a picture is read for its sides: those of JPEG stand behind what a
	// camera has written.
	maxHeader = 1 << 20
)

// beginning keeps the first bytes that are written to it.
type beginning struct{ data []byte }

// Write implements io.Writer.
func (b *beginning) Write(p []byte) (int, error) {
	b.data = append(b.data, p[:min(len(p), maxHead-len(b.data))]...)
	return len(p), nil
}

// look says what a file is, by its first bytes and not by its name, which its sender chooses. What is
// no picture that can be shown is a file, so is one that would fill the memory of a client.
func look(head []byte, written io.Writer, size uint64) (event.MessageType, *event.FileInfo) {
	kind, _, err := mime.ParseMediaType(http.DetectContentType(head))
	if err != nil {
		kind = "application/octet-stream"
	}
	info := &event.FileInfo{MimeType: kind, Size: int(size)}
	switch {
	case strings.HasPrefix(kind, "audio/"):
		return event.MsgAudio, info
	case strings.HasPrefix(kind, "video/"):
		return event.MsgVideo, info
	case !strings.HasPrefix(kind, "image/"):
		return event.MsgFile, info
	}
	picture := io.NewSectionReader(bytes.NewReader(head), 0, maxHead)
	if whole, ok := written.(io.ReaderAt); ok {
		picture = io.NewSectionReader(whole, 0, maxHeader)
	}
	sides, _, err := image.DecodeConfig(picture)
	if err == nil && kind == "image/webp" {
		if _, err = picture.Seek(0, io.SeekStart); err == nil && !webp.Honest(picture, sides.Width, sides.Height) {
			return event.MsgFile, info
		}
	}
	if err != nil || sides.Width < 1 || sides.Height < 1 || sides.Width > maxSide || sides.Height > maxSide || sides.Width*sides.Height > maxPixels {
		return event.MsgFile, info
	}
	info.Width, info.Height = sides.Width, sides.Height
	return event.MsgImage, info
}
