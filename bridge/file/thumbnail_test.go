package file

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/png"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"

	"maunium.net/go/mautrix/event"
)

// thumbnailIn returns the small picture of a file as it comes, nil for none.
func thumbnailIn(t testing.TB, data []byte) *thumbnail {
	t.Helper()
	kind, info := lookAt(data)
	return thumbnailOf(t.Context(), onDisk{bytes.NewReader(data)}, &event.MessageEventContent{MsgType: kind, Info: info})
}

func transparent(w io.Writer, m image.Image) error {
	clear := image.NewNRGBA(m.Bounds())
	clear.Set(0, 0, color.NRGBA{R: 255, A: 100})
	return png.Encode(w, clear)
}

func noise(w io.Writer, m image.Image) error {
	gray := m.(*image.Gray)
	for i := range gray.Pix {
		gray.Pix[i] = byte(rand.Uint32())
	}
	return png.Encode(w, gray)
}

func TestSmallPictures(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		encode                      func(io.Writer, image.Image) error
		width, height               int
		mime                        string
		smallerWidth, smallerHeight int
	}{
		"wide":               {asJPEG, 1600, 400, "image/jpeg", 800, 200},
		"tall":               {png.Encode, 300, 6000, "image/jpeg", 30, 600},
		"a line":             {asGIF, 8000, 1, "image/jpeg", 800, 1},
		"transparent":        {transparent, 900, 700, "image/png", 771, 600},
		"of many bytes":      {noise, 400, 400, "image/jpeg", 400, 400},
		"small enough as is": {asJPEG, 800, 600, "", 0, 0},
	} {
		small := thumbnailIn(t, picture(t, test.encode, test.width, test.height))
		if test.mime == "" {
			if small != nil {
				t.Errorf("%s: there is one of %+v", name, small.info)
			}
			continue
		}
		if small == nil {
			t.Errorf("%s: there is none", name)
			continue
		}
		sides, kind, err := image.DecodeConfig(bytes.NewReader(small.data))
		if err != nil || "image/"+kind != test.mime || small.info.MimeType != test.mime || sides.Width != test.smallerWidth || sides.Height != test.smallerHeight ||
			small.info.Width != sides.Width || small.info.Height != sides.Height || small.info.Size != len(small.data) {
			t.Errorf("%s: it is a %s of %d by %d, and said to be %+v: %v", name, kind, sides.Width, sides.Height, small.info, err)
		}
	}
}

// jpegOf is the beginning of a JPEG that says to be so large, and to come in several passes perhaps.
func jpegOf(t testing.TB, width, height uint16, progressive bool) []byte {
	data := withNotes(picture(t, asJPEG, 16, 16))
	at := bytes.Index(data, []byte{0xFF, 0xC0})
	binary.BigEndian.PutUint16(data[at+5:], height)
	binary.BigEndian.PutUint16(data[at+7:], width)
	if progressive {
		data[at+1] = 0xC2
		scan := bytes.Index(data, []byte{0xFF, 0xDA})
		data[scan+2+int(data[scan+3])-2] = 0 // of what the first pass holds the end
	}
	return data
}

// A few bytes that say to be a large picture do not take the memory of one, and what cannot be read is shown without a small one.
func TestPicturesThatTakeTooMuchMemory(t *testing.T) {
	for name, data := range map[string][]byte{
		"PNG":                       bomb(t, 8000, 8000),
		"JPEG":                      jpegOf(t, 8000, 8000, false),
		"JPEG in passes":            jpegOf(t, 4000, 3000, true),
		"JPEG without its sides":    jpegOf(t, 4000, 3000, true)[:100],
		"JPEG cut behind its sides": jpegOf(t, 1000, 1000, false),
		"no picture":                append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 1<<20)...),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		small := thumbnailIn(t, data)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; small != nil || took > 16<<20 {
			t.Errorf("%s: it took %d MiB, and there is one: %t", name, took>>20, small != nil)
		}
	}
}

func FuzzThumbnail(f *testing.F) {
	f.Add(picture(f, asJPEG, 900, 20))
	f.Add(picture(f, asGIF, 900, 20))
	f.Add(picture(f, transparent, 900, 20))
	f.Add(jpegOf(f, 900, 900, true))
	f.Fuzz(func(t *testing.T, data []byte) {
		small := thumbnailIn(t, data)
		if small != nil && (small.info.Width > thumbnailWidth || small.info.Height > thumbnailHeight || len(small.data) == 0) {
			t.Errorf("it is %+v", small.info)
		}
	})
}
