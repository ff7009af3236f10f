package isf

import (
	"encoding/binary"
	"errors"
	"image/color"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

// What writes ink for the tests, from the specification.

type writer struct {
	data []byte
	bits int // of the last byte that are taken
}

func number(values ...uint64) (data []byte) {
	for _, n := range values {
		data = binary.AppendUvarint(data, n)
	}
	return data
}

func signed(values ...int64) (data []byte) {
	for _, n := range values {
		if n < 0 {
			data = append(data, number(uint64(-n)<<1|1)...)
		} else {
			data = append(data, number(uint64(n)<<1)...)
		}
	}
	return data
}

func float(values ...float32) (data []byte) {
	for _, f := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(f))
	}
	return data
}

func join(parts ...[]byte) (data []byte) {
	for _, p := range parts {
		data = append(data, p...)
	}
	return data
}

// sized is a block that says its size.
func sized(tag uint64, parts ...[]byte) []byte {
	in := join(parts...)
	return join(number(tag, uint64(len(in))), in)
}

// entry is one of a table.
func entry(parts ...[]byte) []byte { return sized(0, parts...)[1:] }

func stream(blocks ...[]byte) []byte { return sized(0, blocks...) }

func (w *writer) write(v uint64, bits int) {
	for i := bits - 1; i >= 0; i-- {
		if w.bits%8 == 0 {
			w.data = append(w.data, 0)
		}
		w.data[len(w.data)-1] |= byte(v>>i&1) << (7 - w.bits%8)
		w.bits++
	}
}

// differences are the second ones.
func differences(values []int64) []int64 {
	out := make([]int64, len(values))
	var last, before int64
	for i, v := range values {
		out[i] = v - 2*last + before
		before, last = last, v
	}
	return out
}

// encoded is an array by a table.
func encoded(table int, values ...int64) []byte {
	var w writer
	for _, v := range differences(values) {
		size, place, least := uint64(max(v, -v)), 0, uint64(0)
		for next := uint64(1); size >= next; next += 1 << (tables[table][place] - 1) {
			place, least = place+1, next
		}
		w.write(1<<(place+1)-2, place+1)
		if place > 0 {
			sign := uint64(0)
			if v < 0 {
				sign = 1
			}
			w.write((size-least)<<1|sign, tables[table][place])
		}
	}
	return append([]byte{byte(coded | table)}, w.data...)
}

// bitPacked is an array of values with the same number of bits each.
func bitPacked(bits int, values ...int64) []byte {
	var w writer
	for _, v := range values {
		w.write(uint64(v)&(1<<bits-1), bits)
	}
	return append([]byte{byte(bits & packedBits)}, w.data...)
}

// deltaPacked is one of second differences, the first two of which stand before the others.
func deltaPacked(bits int, values ...int64) []byte {
	d := differences(values)
	first := min(2, len(d))
	rest := bitPacked(bits, d[first:]...)
	return join([]byte{rest[0] | packedDeltas}, signed(d[:first]...), rest[1:])
}

func stroke(points int, arrays ...[]byte) []byte {
	return sized(tagStroke, append([][]byte{number(uint64(points))}, arrays...)...)
}

// line is a stroke from 0, 0 to 300, 100.
var line = stroke(3, encoded(0, 0, 100, 300), encoded(0, 0, 50, 100))

func TestBytesOfTheFormat(t *testing.T) {
	// Worked out by hand from the specification.
	for _, test := range []struct {
		values []int64
		bytes  []byte
	}{
		// 0: "0".
		{[]int64{0, 0, 0}, []byte{0x80, 0b000_00000}},
		// 1: place 1, "10", the bit of the sign "0"; then -1 (1 - 2*1): "10" "1"; then 0 (1 - 2*1 + 1).
		{[]int64{1, 1, 1}, []byte{0x80, 0b100_101_0_0}},
		// 2: place 2, "110", 2 bits: (2-2)<<1 = "00"; then -4 (0 - 2*2): place 3 begins at 4, "1110",
		// 4 bits: (4-4)<<1|1 = "0001".
		{[]int64{2, 0}, []byte{0x80, 0b110_00_111, 0b0_0001_000}},
	} {
		if got := encoded(0, test.values...); !reflect.DeepEqual(got, test.bytes) {
			t.Errorf("%v is written as %b", test.values, got)
		}
		r := &reader{data: test.bytes}
		if got, err := r.values(len(test.values)); err != nil || !reflect.DeepEqual(got, test.values) {
			t.Errorf("%b is read as %v, %v", test.bytes, got, err)
		}
	}
}

func TestArraysOfEveryKind(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, most := range []int64{1, 10, 1000, 100_000, 100_000_000} {
		values := make([]int64, 50)
		for i := range values {
			values[i] = random.Int64N(2*most) - most
		}
		kinds := map[string][]byte{"packed": bitPacked(32, values...), "packed differences": deltaPacked(32, values...)}
		for table := range tables {
			kinds[string(rune('0'+table))] = encoded(table, values...)
		}
		for kind, data := range kinds {
			r := &reader{data: append(data, "behind"...)}
			got, err := r.values(len(values))
			if err != nil || !reflect.DeepEqual(got, values) {
				t.Errorf("%s, to %d: %v, %v", kind, most, got, err)
			}
			if string(r.data) != "behind" {
				t.Errorf("%s, to %d: %q is left", kind, most, r.data)
			}
		}
	}
	for _, few := range [][]int64{{}, {5}, {5, -7}} {
		r := &reader{data: deltaPacked(4, few...)}
		if got, err := r.values(len(few)); err != nil || len(got) != len(few) || len(few) > 0 && !reflect.DeepEqual(got, few) {
			t.Errorf("%v is %v, %v", few, got, err)
		}
	}
}

func TestInkIsRead(t *testing.T) {
	black := defaultPen
	blue := Pen{Color: color.NRGBA{B: 255, A: 155}, Width: 200, Height: 100, Square: true}
	marker := Pen{Color: color.NRGBA{R: 255, G: 255, A: 128}, Width: 600, Height: 600}
	bluePen := join(number(tagWidth, 200, tagMantissa, 1), []byte{0, 9}, number(tagHeight, 100, tagColor, 0xFF0000, tagTransparency, 100, tagTip, squareTip))
	markerPen := join(number(tagHeight, 600, tagColor, 0x00FFFF, tagRasterOp), []byte{9, 0, 0, 0})
	pressed := stroke(3, encoded(0, 0, 100, 300), encoded(0, 0, 50, 100), encoded(2, 7, 7, 7), []byte("buttons and more"))
	at := func(values ...float64) (points []Point) {
		for i := 0; i < len(values); i += 2 {
			points = append(points, Point{values[i], values[i+1]})
		}
		return points
	}
	plain := at(0, 0, 100, 50, 300, 100)
	for name, test := range map[string]struct {
		data []byte
		want []Stroke
	}{
		"nothing":  {stream(), nil},
		"a stroke": {stream(line), []Stroke{{black, plain}}},
		"what is behind the stream is passed over": {append(stream(line), "GIF"...), []Stroke{{black, plain}}},
		"as Messenger writes it": {stream(sized(tagFormat, []byte{0, 1, 2}), sized(tagSize, number(500, 600)), sized(tagPen, bluePen), line),
			[]Stroke{{blue, plain}}},
		"pens": {stream(sized(tagPens, entry(bluePen), entry(markerPen)), line, number(tagPenIndex, 1), line, number(tagPenIndex, 0), line),
			[]Stroke{{blue, plain}, {marker, plain}, {blue, plain}}},
		"a pen of no width":  {stream(sized(tagPen, number(tagWidth, 0)), line), []Stroke{{black, plain}}},
		"pressure":           {stream(sized(tagLayout, number(tagProperty+6)), pressed), []Stroke{{black, plain}}},
		"buttons":            {stream(sized(tagLayout, number(tagProperty+6, tagButtons, 1, tagCustom)), pressed), []Stroke{{black, plain}}},
		"layouts":            {stream(sized(tagLayouts, entry(), entry(number(tagNoX, tagNoY))), line, number(tagLayoutIndex, 1), stroke(3), number(tagLayoutIndex, 0), line), []Stroke{{black, plain}, {black, plain}}},
		"no points":          {stream(stroke(0), line), []Stroke{{black, plain}}},
		"a rectangle":        {stream(number(tagRectangle), signed(-5, 0, 9000, 7000), line), []Stroke{{black, plain}}},
		"metrics":            {stream(sized(tagMetric, []byte("whatever")), number(tagMetricIndex, 3), line), []Stroke{{black, plain}}},
		"own properties":     {stream(sized(tagGUIDs, make([]byte, 16)), number(tagCustom, 3), []byte("\x00abc"), line), []Stroke{{black, plain}}},
		"a time":             {stream(number(tagProperty+28), make([]byte, 16), line), []Stroke{{black, plain}}},
		"twice as large":     {stream(number(tagScale), float(2), line), []Stroke{{black, at(0, 0, 200, 100, 600, 200)}}},
		"wider":              {stream(number(tagScales), float(2, 1), line), []Stroke{{black, at(0, 0, 200, 50, 600, 100)}}},
		"moved":              {stream(number(tagTranslate), float(10, 20), line), []Stroke{{black, at(10, 20, 110, 70, 310, 120)}}},
		"scaled and moved":   {stream(number(tagScaleTranslate), float(1, 2, 10, 20), line), []Stroke{{black, at(10, 20, 110, 120, 310, 220)}}},
		"any transform":      {stream(number(tagTransform), float(0, 1, 1, 0, 5, 6), line), []Stroke{{black, at(5, 6, 55, 106, 105, 306)}}},
		"several transforms": {stream(sized(tagTransforms, number(tagScale), float(1), number(tagScale), float(2)), line, number(tagTransformIndex, 1), line), []Stroke{{black, plain}, {black, at(0, 0, 200, 100, 600, 200)}}},
		"a whole turn":       {stream(number(tagRotate, 36000), line), []Stroke{{black, plain}}},
	} {
		ink, err := Parse(test.data)
		if err != nil || !reflect.DeepEqual(ink.Strokes, test.want) {
			t.Errorf("%s: %+v, %v", name, ink, err)
		}
	}
	turned, err := Parse(stream(number(tagRotate, 9000), line))
	if err != nil || math.Abs(turned.Strokes[0].Points[2].X+100) > 1e-6 || math.Abs(turned.Strokes[0].Points[2].Y-300) > 1e-6 {
		t.Errorf("a quarter turn: %+v, %v", turned, err)
	}
}

func TestInkThatIsRefused(t *testing.T) {
	many := make([][]byte, 0, maxEntries+1)
	for range maxEntries + 1 {
		many = append(many, entry(number(tagWidth, 1)))
	}
	strokes := make([][]byte, 0, MaxStrokes+1)
	for range MaxStrokes + 1 {
		strokes = append(strokes, stroke(1, encoded(0, 0), encoded(0, 0)))
	}
	zeros := append([]byte{coded}, make([]byte, MaxPoints/8)...)
	for name, test := range map[string]struct {
		data []byte
		want error
	}{
		"nothing at all":           {nil, ErrBroken},
		"a number without end":     {[]byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), ErrBroken},
		"another version":          {[]byte{1, 0}, ErrUnknown},
		"larger than it is":        {[]byte{0, 200, 1, 2}, ErrBroken},
		"a stroke without end":     {stream(number(tagStroke, 100, 3)), ErrBroken},
		"points that are none":     {stream(stroke(1000, encoded(0, 1))), ErrBroken},
		"no y":                     {stream(stroke(1, encoded(0, 1))), ErrBroken},
		"another compression":      {stream(stroke(1, []byte{0xF0, 0}, []byte{0xF0, 0})), ErrUnknown},
		"own compression":          {stream(sized(tagCodecs, number(0, 0)), line), ErrUnknown},
		"another table":            {stream(stroke(1, []byte{coded | 8, 0}, encoded(0, 1))), ErrUnknown},
		"more than 32 bits":        {stream(stroke(1, []byte{coded, 0xFF, 0xFF, 0xFF}, encoded(0, 1))), ErrUnknown},
		"an unknown part":          {stream(number(40, 1), []byte("xx"), line), ErrBroken},
		"a pen that is none":       {stream(number(tagPenIndex, 0), line), ErrBroken},
		"a layout that is none":    {stream(number(tagLayoutIndex, 1), line), ErrBroken},
		"no such transform":        {stream(number(tagTransformIndex, 1<<40), line), ErrBroken},
		"a transform by four":      {stream(sized(tagTransforms, number(22)), line), ErrUnknown},
		"a transform cut off":      {stream(number(tagScale), []byte{1, 2}), ErrBroken},
		"infinitely large":         {stream(number(tagScale), float(float32(math.Inf(1))), line), ErrTooLarge},
		"no number":                {stream(number(tagScale), float(float32(math.NaN())), line), ErrTooLarge},
		"far away":                 {stream(stroke(1, bitPacked(32, 2_000_000_000), bitPacked(32, 0))), ErrTooLarge},
		"a pen as wide as the sea": {stream(sized(tagPen, number(tagWidth, 1<<50)), line), ErrTooLarge},
		"a property too long":      {stream(sized(tagPen, number(tagCustom, math.MaxUint64)), line), ErrBroken},
		"too many points":          {stream(stroke(MaxPoints+1, zeros, zeros)), ErrTooLarge},
		"and in two strokes":       {stream(stroke(MaxPoints, zeros, zeros), line), ErrTooLarge},
		"a point of the future":    {stream(stroke(math.MaxInt64, zeros, zeros)), ErrTooLarge},
		"too many strokes":         {stream(strokes...), ErrTooLarge},
		"too large a table":        {stream(sized(tagPens, many...), line), ErrTooLarge},
		"too many properties":      {stream(sized(tagLayout, make([]byte, 3), number(tagProperty), make([]byte, maxEntries)), line), ErrTooLarge},
	} {
		if ink, err := Parse(test.data); !errors.Is(err, test.want) || len(ink.Strokes) > 0 {
			t.Errorf("%s: %d strokes, %v", name, len(ink.Strokes), err)
		}
	}
	whole := stream(sized(tagPen, number(tagWidth, 70)), sized(tagLayout, number(tagProperty+6)), number(tagScale), float(2),
		stroke(3, encoded(0, 0, 100, 300), deltaPacked(8, 0, 50, 100, 120)[:4]))
	for cut := range whole {
		short := append([]byte{}, whole[:cut]...)
		if cut > 1 {
			short[1] = byte(cut - 2) // it says that it is whole
		}
		_, _ = Parse(short) // must not panic
	}
}

func FuzzParse(f *testing.F) {
	f.Add(stream(line))
	f.Add(stream(sized(tagPens, entry(number(tagColor, 255)), entry(number(tagWidth, 7))), number(tagPenIndex, 1), line))
	f.Add(stream(sized(tagLayout, number(tagProperty+6)), stroke(2, bitPacked(9, 1, 2), deltaPacked(9, 1, 2), encoded(3, 1, 2))))
	f.Add(stream(number(tagTransform), float(1, 0, 0, 1, 0, 0), line))
	f.Fuzz(func(t *testing.T, data []byte) {
		ink, err := Parse(data)
		if err != nil {
			if !errors.Is(err, ErrBroken) && !errors.Is(err, ErrUnknown) && !errors.Is(err, ErrTooLarge) {
				t.Errorf("another error: %v", err)
			}
			return
		}
		points := 0
		for _, s := range ink.Strokes {
			points += len(s.Points)
			if len(s.Points) == 0 || !(s.Pen.Width > 0 && s.Pen.Height > 0) {
				t.Errorf("a stroke of %d points with %+v", len(s.Points), s.Pen)
			}
		}
		if points > MaxPoints || len(ink.Strokes) > MaxStrokes || points > 8*len(data) {
			t.Errorf("%d points in %d strokes of %d bytes", points, len(ink.Strokes), len(data))
		}
	})
}

func BenchmarkParse(b *testing.B) {
	values := make([]int64, 2000)
	for i := range values {
		values[i] = int64(5000 + 4000*math.Sin(float64(i)/50))
	}
	data := stream(stroke(len(values), encoded(2, values...), encoded(2, values...)))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(data); err != nil {
			b.Fatal(err)
		}
	}
}
