// Package webp tells whether a WebP holds pictures of the sides that it says.
package webp

import (
	"bytes"
	"encoding/binary"
	"io"

	"golang.org/x/image/vp8l"
)

// The sizes in bytes of what stands at the beginning of a chunk, of a frame of an animation, of a picture of VP8 and of
// one of VP8L; and of what says that the file is a WebP.
const (
	chunkHead = 8
	frameHead = 16
	lossyHead = 10
	plainHead = 5
	fileHead  = 12
)

// Honest reports whether a WebP that says to be of such sides holds a picture of them, or an animation of pictures that
// fit in. Decoders take memory for what the pictures say themselves: some hundred MiB for a file of a few bytes. Of a
// file of which only the beginning is given, what is there is looked at: it must hold the beginning of a picture.
func Honest(r io.Reader, width, height int) bool {
	if _, err := io.CopyN(io.Discard, r, fileHead); err != nil {
		return false
	}
	return picture(r, width, height, true)
}

// picture looks for pictures among the chunks of a file, or of a frame of an animation.
func picture(r io.Reader, width, height int, frames bool) (found bool) {
	for {
		var head [chunkHead]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return found
		}
		size := int64(binary.LittleEndian.Uint32(head[4:]))
		chunk := io.LimitReader(r, size)
		switch kind := string(head[:4]); {
		case kind == "ANMF" && frames:
			if !frame(chunk, width, height) {
				return false
			}
			found = true
		case kind == "VP8 ", kind == "VP8L":
			w, h := sides(kind, chunk)
			return w == width && h == height
		}
		if _, err := io.Copy(io.Discard, chunk); err != nil {
			return found
		}
		if size%2 != 0 {
			if _, err := io.CopyN(io.Discard, r, 1); err != nil {
				return found
			}
		}
	}
}

// frame reports whether a picture of an animation is what it says, and stands where it belongs.
func frame(r io.Reader, width, height int) bool {
	var head [frameHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return false
	}
	number := func(at int) int { return int(head[at]) | int(head[at+1])<<8 | int(head[at+2])<<16 }
	left, top, w, h := 2*number(0), 2*number(3), number(6)+1, number(9)+1
	return left+w <= width && top+h <= height && picture(r, w, h, false)
}

// sides returns what a picture says of itself, 0 for what is none.
func sides(kind string, r io.Reader) (width, height int) {
	if kind == "VP8L" {
		var head [plainHead]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return 0, 0
		}
		said, err := vp8l.DecodeConfig(bytes.NewReader(head[:]))
		if err != nil {
			return 0, 0
		}
		return said.Width, said.Height
	}
	var head [lossyHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil || !bytes.Equal(head[3:6], []byte{0x9d, 0x01, 0x2a}) {
		return 0, 0
	}
	const side = 1<<14 - 1 // above it stands by how much a picture is to be shown larger
	return int(binary.LittleEndian.Uint16(head[6:]) & side), int(binary.LittleEndian.Uint16(head[8:]) & side)
}
