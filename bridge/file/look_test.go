package file

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"strings"
	"testing"

	"golang.org/x/image/bmp"
	"maunium.net/go/mautrix/event"
)

// onDisk is what is written to, and can be read again.
type onDisk struct{ *bytes.Reader }

func (onDisk) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func lookAt(data []byte) (event.MessageType, *event.FileInfo) {
	return look(data[:min(len(data), maxHead)], onDisk{bytes.NewReader(data)}, uint64(len(data)))
}

func picture(t testing.TB, encode func(io.Writer, image.Image) error, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := encode(&b, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// bomb is a PNG that says to be so large.
func bomb(t testing.TB, width, height uint32) []byte {
	data := picture(t, png.Encode, 1, 1)
	binary.BigEndian.PutUint32(data[16:], width)
	binary.BigEndian.PutUint32(data[20:], height)
	binary.BigEndian.PutUint32(data[29:], crc32.ChecksumIEEE(data[12:29]))
	return data
}

// webpOf is the beginning of a WebP with an alpha channel, which says how large the canvas is, with pictures behind that.
func webpOf(width, height int, pictures ...[]byte) []byte {
	data := append([]byte("RIFF\x16\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00"), 0x10, 0, 0, 0)
	for _, side := range []int{width - 1, height - 1} {
		data = append(data, byte(side), byte(side>>8), byte(side>>16))
	}
	return append(data, bytes.Join(pictures, nil)...)
}

// vp8lOf is the beginning of the picture of a WebP.
func vp8lOf(width, height int) []byte {
	return append([]byte("VP8L\x0e\x00\x00\x00\x2f"), append(binary.LittleEndian.AppendUint32(nil, uint32(width-1)|uint32(height-1)<<14), make([]byte, 9)...)...)
}

func asJPEG(w io.Writer, m image.Image) error { return jpeg.Encode(w, m, nil) }
func asGIF(w io.Writer, m image.Image) error  { return gif.Encode(w, m, nil) }

// withNotes puts what a camera has written before the sides of a JPEG.
func withNotes(data []byte) []byte {
	notes := append([]byte{0xFF, 0xE1, 0xFF, 0xFF}, make([]byte, 0xFFFD)...)
	return append(append(bytes.Clone(data[:2]), notes...), data[2:]...)
}

func TestWhatAFileIs(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name          string
		data          []byte
		kind          event.MessageType
		mime          string
		width, height int
	}{
		{"png", picture(t, png.Encode, 7, 5), event.MsgImage, "image/png", 7, 5},
		{"jpeg", picture(t, asJPEG, 7, 5), event.MsgImage, "image/jpeg", 7, 5},
		{"jpeg of a camera", withNotes(picture(t, asJPEG, 7, 5)), event.MsgImage, "image/jpeg", 7, 5},
		{"gif", picture(t, asGIF, 7, 5), event.MsgImage, "image/gif", 7, 5},
		{"bmp", picture(t, bmp.Encode, 7, 5), event.MsgImage, "image/bmp", 7, 5},
		{"webp that holds what it does not say", webpOf(7, 5, vp8lOf(16384, 16384)), event.MsgFile, "image/webp", 0, 0},
		{"webp that holds nothing", webpOf(7, 5), event.MsgFile, "image/webp", 0, 0},
		{"webp", webpOf(7, 5, vp8lOf(7, 5)), event.MsgImage, "image/webp", 7, 5},
		{"webp that is too wide", webpOf(maxSide+1, 5, vp8lOf(maxSide+1, 5)), event.MsgFile, "image/webp", 0, 0},
		{"largest side", bomb(t, maxSide, 1), event.MsgImage, "image/png", maxSide, 1},
		{"too wide", bomb(t, maxSide+1, 1), event.MsgFile, "image/png", 0, 0},
		{"too high", bomb(t, 1, maxSide+1), event.MsgFile, "image/png", 0, 0},
		{"bomb", bomb(t, 1<<30, 1<<30), event.MsgFile, "image/png", 0, 0},
		{"cut", picture(t, png.Encode, 7, 5)[:20], event.MsgFile, "image/png", 0, 0},
		{"a picture that cannot be looked at", []byte("BM\x00\x00"), event.MsgFile, "image/bmp", 0, 0},
		{"page", []byte("<html><script>alert(1)</script>"), event.MsgFile, "text/html", 0, 0},
		{"drawing", []byte("<svg onload='alert(1)'>"), event.MsgFile, "text/plain", 0, 0},
		{"program", []byte("MZ\x00\x01"), event.MsgFile, "application/octet-stream", 0, 0},
		{"mp3", []byte("ID3\x03"), event.MsgAudio, "audio/mpeg", 0, 0},
		{"film", []byte("\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"), event.MsgVideo, "video/mp4", 0, 0},
		{"nothing", nil, event.MsgFile, "text/plain", 0, 0},
	} {
		kind, info := lookAt(test.data)
		if kind != test.kind || info.MimeType != test.mime || info.Width != test.width || info.Height != test.height || info.Size != len(test.data) {
			t.Errorf("%s: %s %+v", test.name, kind, info)
		}
	}
}

func TestBeginningIsBounded(t *testing.T) {
	t.Parallel()
	var b beginning
	for range 10 {
		if n, err := b.Write(make([]byte, 200)); n != 200 || err != nil {
			t.Fatal(n, err)
		}
	}
	if len(b.data) != maxHead {
		t.Errorf("%d bytes are kept", len(b.data))
	}
}

func FuzzLook(f *testing.F) {
	f.Add(picture(f, png.Encode, 3, 3))
	f.Add(withNotes(picture(f, asJPEG, 3, 3)))
	f.Add(picture(f, asGIF, 3, 3))
	f.Add(bomb(f, 1<<31-1, 1<<31-1))
	f.Fuzz(func(t *testing.T, data []byte) {
		kind, info := lookAt(data)
		if shown := kind == event.MsgImage; shown != (info.Width > 0 && info.Height > 0) || info.Width > maxSide || info.Height > maxSide || info.Width*info.Height > maxPixels {
			t.Errorf("%s of %d x %d", kind, info.Width, info.Height)
		}
		if !kind.IsMedia() || info.MimeType == "" || strings.ContainsAny(info.MimeType, "; \r\n") {
			t.Errorf("%s, %q", kind, info.MimeType)
		}
	})
}
