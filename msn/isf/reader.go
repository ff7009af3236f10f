package isf

import (
	"encoding/binary"
	"fmt"
	"math"
)

// reader reads from the front of data. After the first error it is failed, and all that it returns
// is 0 or empty.
type reader struct {
	data   []byte
	failed bool
}

func (r *reader) err() error {
	if r.failed {
		return ErrBroken
	}
	return nil
}

// number reads an unsigned number: 7 bits a byte, the lowest first, the highest bit says that more
// follow.
func (r *reader) number() uint64 {
	n, size := binary.Uvarint(r.data)
	if r.failed || size <= 0 {
		r.failed, r.data = true, nil
		return 0
	}
	r.data = r.data[size:]
	return n
}

// signed reads a number whose lowest bit is its sign.
func (r *reader) signed() int64 {
	n := r.number()
	if n&1 != 0 {
		return -int64(n >> 1)
	}
	return int64(n >> 1)
}

// part cuts a number of bytes off the front, as a reader of its own.
func (r *reader) part(size uint64) *reader {
	if r.failed || size > uint64(len(r.data)) {
		r.failed, r.data = true, nil
		return &reader{failed: true}
	}
	in := &reader{data: r.data[:size]}
	r.data = r.data[size:]
	return in
}

// compressed passes over data that say how long they are, without the byte for their compression.
func (r *reader) compressed() {
	size := r.number()
	r.part(1)
	r.part(size)
}

func (r *reader) float() float64 {
	b := r.part(4).data
	if len(b) < 4 {
		return 0
	}
	return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
}

// The kinds of compression of an array, in the two highest bits of its first byte.
const (
	kindOf = 0xC0
	packed = 0x00
	coded  = 0x80

	// packedDeltas is set when the second differences are packed in the place of the values.
	packedDeltas = 0x20
	// packedBits are the bits of a value, codedTable the table of a coded array.
	packedBits = 0x1F
	codedTable = 0x1F
)

// values reads an array of one value for each point. What it takes is at most 4 bytes and 1 bit for
// each bit that is there.
func (r *reader) values(count int) ([]int64, error) {
	head := r.part(1).data
	if len(head) == 0 {
		return nil, ErrBroken
	}
	switch kind := head[0]; kind & kindOf {
	case packed:
		return r.unpack(count, kind)
	case coded:
		table := int(kind & codedTable)
		if table >= len(tables) {
			return nil, fmt.Errorf("%w: table %d of compression", ErrUnknown, table)
		}
		return r.decode(count, tables[table])
	default:
		return nil, fmt.Errorf("%w: compression %#x", ErrUnknown, kind)
	}
}

// unpack reads values, or their second differences, that take the same number of bits each.
func (r *reader) unpack(count int, kind byte) ([]int64, error) {
	bits := int(kind & packedBits)
	if bits == 0 {
		bits = 32
	}
	var d deltas
	values := make([]int64, 0, min(count, 8*len(r.data)+2))
	differ := kind&packedDeltas != 0
	for differ && len(values) < min(count, 2) { // the first two stand before the others
		values = append(values, d.next(r.signed()))
	}
	b := bitReader{data: r.data}
	for len(values) < count {
		v := int64(b.read(bits)<<(64-bits)) >> (64 - bits)
		if b.failed {
			return nil, ErrBroken
		}
		if differ {
			v = d.next(v)
		}
		values = append(values, v)
	}
	r.data = r.data[b.used():]
	return values, r.err()
}

// decode reads second differences by a table: ones, as many as the place in the table, a zero, and
// then the bits that the table has there, the last of which is the sign.
func (r *reader) decode(count int, table []int) ([]int64, error) {
	var d deltas
	values := make([]int64, 0, min(count, 8*len(r.data)))
	b := bitReader{data: r.data}
	for len(values) < count {
		v, err := b.code(table)
		if err != nil {
			return nil, err
		}
		values = append(values, d.next(v))
	}
	r.data = r.data[b.used():]
	return values, r.err()
}

// tables are those that every reader of the format has. The first entry is that of 0.
var tables = [...][]int{
	{0, 1, 2, 4, 6, 8, 12, 16, 24, 32},
	{0, 1, 1, 2, 4, 8, 12, 16, 24, 32},
	{0, 1, 1, 1, 2, 4, 8, 14, 22, 32},
	{0, 2, 2, 3, 5, 8, 12, 16, 24, 32},
	{0, 3, 4, 5, 8, 12, 16, 24, 32},
	{0, 4, 6, 8, 12, 16, 24, 32},
	{0, 6, 8, 12, 16, 24, 32},
	{0, 7, 8, 12, 16, 24, 32},
}

// deltas makes values of second differences.
type deltas struct{ last, before int64 }

func (d *deltas) next(difference int64) int64 {
	d.before, d.last = d.last, difference+2*d.last-d.before
	return d.last
}

// bitReader reads bits, the highest of a byte first.
type bitReader struct {
	data   []byte
	at     int // in bits
	failed bool
}

func (b *bitReader) read(bits int) (v uint64) {
	if bits > 8*len(b.data)-b.at {
		b.failed = true
		return 0
	}
	for ; bits > 0; bits-- {
		v = v<<1 | uint64(b.data[b.at/8]>>(7-b.at%8)&1)
		b.at++
	}
	return v
}

// used returns the bytes of which something was read.
func (b *bitReader) used() int { return (b.at + 7) / 8 }

// code reads a value by a table. Values beyond the last entry take more than 32 bits: no pen goes
// there.
func (b *bitReader) code(table []int) (int64, error) {
	place, least := 0, int64(0)
	for b.read(1) == 1 {
		if place++; place == len(table) {
			return 0, fmt.Errorf("%w: a value of more than 32 bits", ErrUnknown)
		}
		if place == 1 {
			least = 1
		} else {
			least += 1 << (table[place-1] - 1)
		}
	}
	raw := b.read(table[place])
	if b.failed {
		return 0, ErrBroken
	}
	v := int64(raw>>1) + least
	if raw&1 != 0 {
		v = -v
	}
	return v, nil
}
