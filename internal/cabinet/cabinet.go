// Package cabinet reads single files out of cabinets, the archives in which Windows and Messenger pack things
// (MS-CAB): those that are not compressed and those of MSZIP. What it reads may be hostile.
package cabinet

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// Errors of cabinets.
var (
	// ErrFormat says that something is no cabinet, or a broken one.
	ErrFormat = errors.New("cabinet: not a cabinet that can be read")
	// ErrNotThere says that a cabinet does not hold what is looked for.
	ErrNotThere = errors.New("cabinet: there is no such file")
	// ErrTooLarge says that a file, or what is packed before it, is larger than wanted.
	ErrTooLarge = errors.New("cabinet: too large")
)

const (
	signature = "MSCF"
	// maxFiles and maxName bound what is looked at, beyond what real cabinets have.
	maxFiles = 256
	maxName  = 256
	// maxBlock is how much one block holds at most, as the format says.
	maxBlock = 32 << 10

	hasPrevious, hasNext, hasReserve = 1, 2, 4

	notCompressed, mszip = 0, 1
)

// reader reads numbers and runs out without a fault: then short is set.
type reader struct {
	data  []byte
	short bool
}

func (r *reader) take(n int) []byte {
	if n > len(r.data) {
		r.short, r.data = true, nil
		return make([]byte, min(n, 1<<10))
	}
	taken := r.data[:n]
	r.data = r.data[n:]
	return taken
}

func (r *reader) byte() int   { return int(r.take(1)[0]) }
func (r *reader) number() int { return int(binary.LittleEndian.Uint16(r.take(2))) }

// long reads a size or a place. None beyond what every int holds is one of a cabinet that is read.
func (r *reader) long() int {
	n := binary.LittleEndian.Uint32(r.take(4))
	if n > math.MaxInt32 {
		r.short = true
		return math.MaxInt32
	}
	return int(n)
}

func (r *reader) name() string {
	end := bytes.IndexByte(r.data[:min(len(r.data), maxName)], 0)
	if end < 0 {
		r.short = true
		return ""
	}
	return string(r.take(end + 1)[:end])
}

// folder is a stream of blocks in which files stand behind each other.
type folder struct{ at, blocks, compression int }

// Read returns the first file of a cabinet whose name is wanted, if what is packed up to its end has at most so
// many bytes. The error is ErrFormat, ErrNotThere or ErrTooLarge.
func Read(cabinet []byte, wanted func(name string) bool, most int) ([]byte, error) {
	head := &reader{data: cabinet}
	if string(head.take(len(signature))) != signature {
		return nil, ErrFormat
	}
	head.take(12)
	files := head.long()
	head.take(6)
	folders, count, flags := head.number(), head.number(), head.number()
	head.take(4)
	ofFolders, ofBlocks := 0, 0 // what is reserved in each
	if flags&hasReserve != 0 {
		ofHeader := head.number()
		ofFolders, ofBlocks = head.byte(), head.byte()
		head.take(ofHeader)
	}
	for _, has := range []int{hasPrevious, hasNext} {
		if flags&has != 0 {
			head.name()
			head.name()
		}
	}
	if head.short || count > maxFiles || files > len(cabinet) {
		return nil, ErrFormat
	}
	list := &reader{data: cabinet[files:]}
	for range count {
		size, at, in := list.long(), list.long(), list.number()
		list.take(6)
		name := list.name()
		switch {
		case list.short:
			return nil, ErrFormat
		case !wanted(name):
			continue
		case in >= folders:
			return nil, ErrFormat
		case size > most || at > most-size:
			return nil, ErrTooLarge
		}
		head.take(in * (8 + ofFolders))
		f := folder{head.long(), head.number(), head.number()}
		if head.short || f.at > len(cabinet) {
			return nil, ErrFormat
		}
		data, err := f.unpack(cabinet[f.at:], ofBlocks, at+size)
		if err != nil {
			return nil, err
		}
		return data[at : at+size], nil
	}
	return nil, ErrNotThere
}

// unpack returns the beginning of a folder.
func (f folder) unpack(blocks []byte, reserved, length int) ([]byte, error) {
	r := &reader{data: blocks}
	out := make([]byte, 0, min(length, maxBlock))
	inflate := flate.NewReader(nil) // one for all: each has a window of its own, and there may be thousands of blocks
	for range f.blocks {
		if len(out) >= length {
			break
		}
		r.take(4) // what it adds up to: a picture that is broken is none
		packed, size := r.number(), r.number()
		r.take(reserved)
		block := r.take(packed)
		if r.short || size > maxBlock || size == 0 { // one of 0 goes on in another cabinet
			return nil, ErrFormat
		}
		switch f.compression & 0xF {
		case notCompressed:
			out = append(out, block...)
		case mszip:
			rest, ok := bytes.CutPrefix(block, []byte("CK"))
			if !ok {
				return nil, ErrFormat
			}
			window := out[max(0, len(out)-maxBlock):]
			if err := inflate.(flate.Resetter).Reset(bytes.NewReader(rest), window); err != nil {
				return nil, fmt.Errorf("%w: %w", ErrFormat, err)
			}
			done := len(out)
			out = slices.Grow(out, size)[:done+size]
			if _, err := io.ReadFull(inflate, out[done:]); err != nil {
				return nil, fmt.Errorf("%w: %w", ErrFormat, err)
			}
		default:
			return nil, fmt.Errorf("%w: compressed in way %d", ErrFormat, f.compression&0xF)
		}
	}
	if len(out) < length {
		return nil, ErrFormat
	}
	return out, nil
}
