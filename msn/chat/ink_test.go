package chat

import (
	"strings"
	"testing"
)

// Handwriting that is taken is never too long, however it is written.
func TestLongestHandwriting(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body string
		want int
	}{
		"raw":                  {"GIF8" + strings.Repeat("x", MaxInk-4), MaxInk},
		"raw, too long":        {"GIF8" + strings.Repeat("x", MaxInk-3), 0},
		"base64":               {inkMark + strings.Repeat("A", MaxInk/3*4), MaxInk},
		"base64, too long":     {inkMark + strings.Repeat("A", MaxInk/3*4+8), 0},
		"raw strokes":          {strings.Repeat("*", MaxInk), MaxInk},
		"raw strokes, to long": {strings.Repeat("*", MaxInk+1), 0},
	} {
		if data, ok := inkData(test.body); ok != (test.want > 0) || ok && len(data) != test.want {
			t.Errorf("%s: %d bytes", name, len(data))
		}
	}
}

func FuzzInk(f *testing.F) {
	f.Add("base64:R0lGODlh")
	f.Add("GIF89a")
	f.Add("\x00\x62\x1c")
	f.Fuzz(func(t *testing.T, body string) {
		if data, ok := inkData(body); ok && (data == "" || len(data) > MaxInk) {
			t.Errorf("%q gives %d bytes", body, len(data))
		}
		_, _ = packedInk(body)
	})
}
