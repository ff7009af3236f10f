package icon

import (
	"bytes"
	"image/png"
	"testing"
)

// The pictures can be told from each other, are small, and the same each time: they are brought into Matrix
// once.
func TestPictures(t *testing.T) {
	t.Parallel()
	const most = 16 << 10
	seen := make(map[string]Kind)
	for _, kind := range Kinds {
		data, err := PNG(kind)
		if err != nil {
			t.Fatal(err)
		}
		again, _ := PNG(kind)
		if !bytes.Equal(data, again) {
			t.Errorf("%s is another picture the second time", kind)
		}
		if other, ok := seen[string(data)]; ok {
			t.Errorf("%s looks like %s", kind, other)
		}
		seen[string(data)] = kind
		img, err := png.Decode(bytes.NewReader(data))
		if err != nil || img.Bounds().Dx() != side || img.Bounds().Dy() != side || len(data) > most {
			t.Errorf("%s: %v, %v, %d bytes", kind, err, img.Bounds(), len(data))
		}
		colours := make(map[[3]uint32]bool)
		for y := range side {
			for x := range side {
				r, g, b, _ := img.At(x, y).RGBA()
				colours[[3]uint32{r, g, b}] = true
			}
		}
		if len(colours) < 50 || !colours[[3]uint32{0xffff, 0xffff, 0xffff}] {
			t.Errorf("%s has %d colours", kind, len(colours))
		}
	}
}
