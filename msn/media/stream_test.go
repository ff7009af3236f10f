package media

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"matrix-msn/msn/slp"
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

// A file is sent when all of it was read: nothing waits for its reader to end.
func TestReaderNeedNotEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		alice, bob := pair(t, false)
		reader, writer := io.Pipe()
		sent := make(chan error, 1)
		go func() {
			sent <- alice.SendFile(t.Context(), bob.name, slp.FileInfo{Name: "a", Size: 4}, reader, nil)
		}()
		offer := (<-bob.conn.Events()).(FileOffered).Offer
		go func() { _, _ = io.WriteString(writer, "file") }() // and the line stays open
		var got strings.Builder
		if err := offer.Accept(t.Context(), &got, nil); err != nil || got.String() != "file" {
			t.Errorf("%q came: %v", &got, err)
		}
		synctest.Wait()
		select {
		case err := <-sent:
			if err != nil {
				t.Error(err)
			}
		default:
			t.Error("the sender waits for more")
			_ = writer.Close()
			<-sent
		}
	})
}
