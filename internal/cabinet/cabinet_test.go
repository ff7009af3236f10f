package cabinet

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
)

// packed is a file of a cabinet.
type packed struct {
	name string
	data []byte
}

// pack makes a cabinet with one folder.
func pack(t testing.TB, compression uint16, reserve bool, files ...packed) []byte {
	t.Helper()
	var all []byte
	var list bytes.Buffer
	put := func(b *bytes.Buffer, values ...any) {
		for _, value := range values {
			if err := binary.Write(b, binary.LittleEndian, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, f := range files {
		put(&list, uint32(len(f.data)), uint32(len(all)), uint16(0), uint16(0), uint16(0), uint16(0), []byte(f.name+"\x00"))
		all = append(all, f.data...)
	}
	var blocks bytes.Buffer
	n := 0
	for at := 0; at < len(all); at += maxBlock {
		part := all[at:min(at+maxBlock, len(all))]
		data := part
		if compression == mszip {
			var b bytes.Buffer
			b.WriteString("CK")
			w, err := flate.NewWriterDict(&b, flate.BestCompression, all[max(0, at-maxBlock):at])
			if err != nil {
				t.Fatal(err)
			}
			_, _ = w.Write(part)
			_ = w.Close()
			data = b.Bytes()
		}
		put(&blocks, uint32(0), uint16(len(data)), uint16(len(part)))
		if reserve {
			blocks.WriteString("xy")
		}
		blocks.Write(data)
		n++
	}
	var out bytes.Buffer
	headers, flags := 36+8, uint16(0)
	if reserve {
		headers, flags = headers+4+3+1, hasReserve
	}
	put(&out, []byte(signature), uint32(0), uint32(0), uint32(0), uint32(headers), uint32(0), byte(3), byte(1), uint16(1), uint16(len(files)), flags, uint16(0), uint16(0))
	if reserve {
		put(&out, uint16(3), byte(1), byte(2), []byte("abc"))
	}
	put(&out, uint32(headers+list.Len()), uint16(n), compression)
	if reserve {
		out.WriteByte('z')
	}
	out.Write(list.Bytes())
	out.Write(blocks.Bytes())
	return out.Bytes()
}

func isPicture(name string) bool { return strings.HasSuffix(name, ".png") }

func TestFileOfACabinet(t *testing.T) {
	t.Parallel()
	film := make([]byte, 100_000)
	for i := range film {
		film[i] = byte(rand.IntN(4))
	}
	picture := bytes.Repeat([]byte("picture"), 10_000)
	files := []packed{{"content.xml", []byte("<package/>")}, {"f.swf", film}, {"m.png", picture}}
	for _, compression := range []uint16{notCompressed, mszip} {
		for _, reserve := range []bool{false, true} {
			got, err := Read(pack(t, compression, reserve, files...), isPicture, 1<<20)
			if err != nil || !bytes.Equal(got, picture) {
				t.Errorf("compressed in way %d, reserve %t: %d bytes, %v", compression, reserve, len(got), err)
			}
		}
	}
	good := pack(t, mszip, false, files...)
	for name, test := range map[string]struct {
		data []byte
		most int
		want error
	}{
		"nothing":        {nil, 1 << 20, ErrFormat},
		"a picture":      {[]byte("\x89PNG\r\n\x1a\n"), 1 << 20, ErrFormat},
		"cut":            {good[:len(good)-100], 1 << 20, ErrFormat},
		"only a head":    {good[:40], 1 << 20, ErrFormat},
		"too large":      {good, 1000, ErrTooLarge},
		"no picture":     {pack(t, mszip, false, files[0]), 1 << 20, ErrNotThere},
		"LZX":            {pack(t, 3, false, files[2]), 1 << 20, ErrFormat},
		"an empty file":  {pack(t, mszip, false, packed{"m.png", nil}), 1 << 20, nil},
		"without blocks": {func() []byte { b := bytes.Clone(good); b[40], b[41] = 0, 0; return b }(), 1 << 20, ErrFormat},
	} {
		if _, err := Read(test.data, isPicture, test.most); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(pack(f, mszip, true, packed{"a", []byte("text")}, packed{"m.png", bytes.Repeat([]byte("x"), 40_000)}))
	f.Add(pack(f, notCompressed, false, packed{"m.png", []byte("x")}))
	f.Fuzz(func(t *testing.T, data []byte) {
		const most = 64 << 10
		if got, err := Read(data, isPicture, most); len(got) > most || err != nil && got != nil {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
}

// hollow is a cabinet of a file of so many bytes, which as many blocks as may be hold, each of them 1 byte at most.
func hollow(t testing.TB, length uint32, each uint16) []byte {
	t.Helper()
	data := pack(t, mszip, false, packed{"m.png", nil})
	binary.LittleEndian.PutUint16(data[40:], 1<<16-1)  // blocks
	binary.LittleEndian.PutUint32(data[36+8:], length) // of the file
	var b bytes.Buffer
	b.WriteString("CK")
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write(make([]byte, each))
	_ = w.Close()
	block := binary.LittleEndian.AppendUint16(make([]byte, 4), uint16(b.Len()))
	block = append(binary.LittleEndian.AppendUint16(block, each), b.Bytes()...)
	return append(data, bytes.Repeat(block, 1<<16-1)...)
}

// A cabinet of many blocks that hold next to nothing takes little memory.
func TestManySmallBlocks(t *testing.T) {
	for _, each := range []uint16{0, 1} {
		data := hollow(t, 1<<20, each)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Read(data, isPicture, 2<<20)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; !errors.Is(err, ErrFormat) || took > 8<<20 {
			t.Errorf("blocks of %d bytes: %d MiB, %v", each, took>>20, err)
		}
	}
}
