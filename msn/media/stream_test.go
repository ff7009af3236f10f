package media

import (
	"bytes"
	"io"
	"testing"
)

// What is read of a file goes through one buffer: a file of any length takes no more memory than a short one.
func TestOutgoingDataTakesOneBuffer(t *testing.T) {
	s := newOutgoing()
	part, packet := bytes.Repeat([]byte("0123456789abcdef"), maxStream/4/16), make([]byte, 1202)
	var put, read int
	fill := func() {
		for len(s.data)-s.at < maxStream/2 {
			s.put(part, nil)
			put += len(part)
		}
		for len(s.data)-s.at > 2*len(packet) { // a rest stays
			n, err := s.Read(packet)
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range packet[:n] {
				if b != part[read%len(part)] {
					t.Fatalf("byte %d is %q", read, b)
				}
				read++
			}
		}
	}
	fill()
	if n := testing.AllocsPerRun(100, fill); n > 0 {
		t.Errorf("%.0f allocations", n)
	}
	s.put(nil, io.EOF)
	for err := error(nil); err == nil; {
		var n int
		n, err = s.Read(packet)
		read += n
	}
	if read != put {
		t.Errorf("%d bytes of %d", read, put)
	}
}
