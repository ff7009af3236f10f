package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"runtime"
	"testing"

	"matrix-msn/msn"
)

func encoded(t testing.TB, width, height int, c color.Color) []byte {
	t.Helper()
	picture := image.NewNRGBA(image.Rect(0, 0, width, height))
	for i := range picture.Pix {
		picture.Pix[i] = 0
	}
	picture.Set(0, 0, c)
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func moving(t testing.TB, width, height, pictures int) []byte {
	t.Helper()
	var all gif.GIF
	for range pictures {
		all.Image = append(all.Image, image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{color.White}))
		all.Delay = append(all.Delay, 1)
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, &all); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestEmoticonOfACustomEmoji(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		data          []byte
		width, height int
		moves         bool
		err           error
	}{
		"small":              {encoded(t, 19, 30, color.White), 19, 30, false, nil},
		"large":              {encoded(t, 500, 100, color.White), 50, 10, false, nil},
		"narrow":             {encoded(t, 1, 1000, color.White), 1, 50, false, nil},
		"moves":              {moving(t, 50, 50, 3), 50, 50, true, nil},
		"moves and is large": {moving(t, 80, 80, 3), 50, 50, false, nil},
		"stands still":       {moving(t, 20, 20, 1), 20, 20, false, nil},
		"too wide":           {encoded(t, maxEmojiSide+1, 1, color.White), 0, 0, false, ErrTooLarge},
		"too long":           {make([]byte, maxEmoji+1), 0, 0, false, ErrTooLarge},
		"a text":             {[]byte("hello"), 0, 0, false, ErrNoPicture},
		"cut":                {encoded(t, 100, 100, color.White)[:60], 0, 0, false, ErrNoPicture},
	} {
		got, err := emoticonOf(test.data)
		if !errors.Is(err, test.err) || got.moves != test.moves {
			t.Errorf("%s: moves %t, %v", name, got.moves, err)
		}
		if test.err != nil {
			continue
		}
		config, kind, err := image.DecodeConfig(bytes.NewReader(got.data))
		if err != nil || config.Width != test.width || config.Height != test.height || (kind == "gif") != test.moves {
			t.Errorf("%s: %s of %d by %d, %v", name, kind, config.Width, config.Height, err)
		}
	}
	// What nothing is painted on stays so.
	got, err := emoticonOf(encoded(t, 20, 20, color.White))
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(got.data))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, a := picture.At(19, 19).RGBA(); a != 0 {
		t.Errorf("it is painted over: %d", a)
	}
}

func TestWhoShowsEmoticons(t *testing.T) {
	t.Parallel()
	const messenger7 = 0x40000000
	for name, test := range map[string]struct {
		contact msn.Contact
		want    bool
	}{
		"Messenger":        {msn.Contact{Status: msn.Online, Capabilities: messenger7, Network: 1}, true},
		"an old Messenger": {msn.Contact{Status: msn.Online, Capabilities: 0x10, Network: 1}, false},
		"offline":          {msn.Contact{Status: msn.Offline, Network: 1}, true}, // with what they come online is not known
		"another network":  {msn.Contact{Status: msn.Online, Capabilities: messenger7, Network: 32}, false},
	} {
		if got := shows(test.contact); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// lies is a WebP that says to be of 1 by 1 pixels, and holds a picture that has so many at a side.
func lies(side uint32) []byte {
	le := binary.LittleEndian
	picture := le.AppendUint32([]byte{0x2f}, (side-1)|(side-1)<<14)
	// Neither transforms, nor a cache, nor several codes: 3 bits. Then five codes of one symbol of one bit each.
	var codes uint64
	for i := range 5 {
		codes |= 1 << (3 + 4*i)
	}
	picture = append(le.AppendUint64(picture, codes), 0, 0)
	if len(picture)%2 != 0 {
		picture = append(picture, 0)
	}
	chunk := func(name string, data []byte) []byte {
		return append(le.AppendUint32([]byte(name), uint32(len(data))), data...)
	}
	body := append([]byte("WEBP"), chunk("VP8X", make([]byte, 10))...)
	return chunk("RIFF", append(body, chunk("VP8L", picture)...))
}

// What holds more than it says is not unpacked.
func TestPictureThatHoldsMoreThanItSays(t *testing.T) {
	data := lies(1 << 14)
	for name, read := range map[string]func() error{
		"a custom emoji": func() error { _, err := emoticonOf(data); return err },
		"the user's own": func() error { _, err := Make(data); return err },
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := read(); !errors.Is(err, ErrNoPicture) {
			t.Errorf("%s: %v", name, err)
		}
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
			t.Errorf("%s takes %d MiB of memory", name, took>>20)
		}
	}
	if _, err := emoticonOf(lies(1)); err != nil {
		t.Errorf("one that says what it holds: %v", err)
	}
}
