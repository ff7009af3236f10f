package webp

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
)

func chunk(name string, parts ...[]byte) []byte {
	data := slices.Concat(parts...)
	out := append(binary.LittleEndian.AppendUint32([]byte(name), uint32(len(data))), data...)
	if len(data)%2 != 0 {
		out = append(out, 0)
	}
	return out
}

func file(chunks ...[]byte) []byte {
	return chunk("RIFF", append([][]byte{[]byte("WEBP")}, chunks...)...)
}

func number(n int) []byte { return []byte{byte(n), byte(n >> 8), byte(n >> 16)} }

func canvas(width, height int) []byte {
	return chunk("VP8X", make([]byte, 4), number(width-1), number(height-1))
}

func lossy(width, height int) []byte {
	head := []byte{0, 0, 0, 0x9d, 0x01, 0x2a}
	head = binary.LittleEndian.AppendUint16(head, uint16(width))
	return chunk("VP8 ", binary.LittleEndian.AppendUint16(head, uint16(height)), []byte("!"))
}

func plain(width, height int) []byte {
	return chunk("VP8L", binary.LittleEndian.AppendUint32([]byte{0x2f}, uint32(width-1)|uint32(height-1)<<14), make([]byte, 8))
}

func frameOf(left, top, width, height int, picture []byte) []byte {
	return chunk("ANMF", number(left/2), number(top/2), number(width-1), number(height-1), make([]byte, 4), picture)
}

func TestWhatAWebPHolds(t *testing.T) {
	t.Parallel()
	notes := chunk("ICCP", make([]byte, 7))
	for name, test := range map[string]struct {
		data []byte
		want bool
	}{
		"lossy":                         {file(lossy(70, 50)), true},
		"without loss":                  {file(plain(70, 50)), true},
		"with notes":                    {file(canvas(70, 50), notes, lossy(70, 50)), true},
		"with alpha":                    {file(canvas(70, 50), chunk("ALPH", []byte("x")), lossy(70, 50)), true},
		"moves":                         {file(canvas(70, 50), chunk("ANIM", make([]byte, 6)), frameOf(0, 0, 70, 50, plain(70, 50)), frameOf(10, 20, 60, 30, lossy(60, 30))), true},
		"a lossy one that is larger":    {file(canvas(70, 50), lossy(16383, 16383)), false},
		"one that is larger":            {file(canvas(70, 50), notes, plain(16384, 16384)), false},
		"one that is smaller":           {file(canvas(70, 50), plain(7, 5)), false},
		"a frame that is larger":        {file(canvas(70, 50), frameOf(0, 0, 700, 500, lossy(700, 500))), false},
		"a frame that stands out":       {file(canvas(70, 50), frameOf(60, 0, 20, 20, lossy(20, 20))), false},
		"a frame that lies":             {file(canvas(70, 50), frameOf(0, 0, 70, 50, plain(16384, 16384))), false},
		"a frame in a frame":            {file(canvas(70, 50), frameOf(0, 0, 70, 50, frameOf(0, 0, 70, 50, plain(70, 50)))), false},
		"a later frame that lies":       {file(canvas(70, 50), frameOf(0, 0, 70, 50, plain(70, 50)), frameOf(0, 0, 70, 50, plain(700, 500))), false},
		"nothing but the sides":         {file(canvas(70, 50)), false},
		"nothing":                       {nil, false},
		"no start of a picture":         {file(canvas(70, 50), chunk("VP8 ", make([]byte, 20))), false},
		"the beginning of an animation": {file(canvas(70, 50), frameOf(0, 0, 70, 50, plain(70, 50)), frameOf(0, 0, 70, 50, plain(70, 50)))[:120], true},
	} {
		if got := Honest(bytes.NewReader(test.data), 70, 50); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func FuzzHonest(f *testing.F) {
	f.Add(file(canvas(70, 50), chunk("ALPH", []byte("x")), lossy(70, 50)))
	f.Add(file(canvas(70, 50), frameOf(0, 0, 70, 50, plain(70, 50))))
	f.Fuzz(func(t *testing.T, data []byte) {
		if Honest(bytes.NewReader(data), 70, 50) && Honest(bytes.NewReader(data), 71, 51) && !bytes.Contains(data, []byte("ANMF")) {
			t.Error("it holds pictures of two sizes")
		}
	})
}
