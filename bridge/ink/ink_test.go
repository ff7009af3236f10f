package ink

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"testing"

	"matrix-msn/msn/isf"
)

// drawn is what Draw makes, decoded.
func drawn(t testing.TB, strokes ...isf.Stroke) image.Image {
	t.Helper()
	data, size, err := Draw(isf.Ink{Strokes: strokes})
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if picture.Bounds() != (image.Rectangle{Max: size}) {
		t.Errorf("it says %v and is %v", size, picture.Bounds())
	}
	return picture
}

func pen(c color.NRGBA, width float64) isf.Pen {
	return isf.Pen{Color: c, Width: width, Height: width}
}

func stroke(p isf.Pen, places ...float64) isf.Stroke {
	s := isf.Stroke{Pen: p}
	for i := 0; i < len(places); i += 2 {
		s.Points = append(s.Points, isf.Point{X: places[i], Y: places[i+1]})
	}
	return s
}

func at(picture image.Image, x, y int) color.NRGBA {
	return color.NRGBAModel.Convert(picture.At(x, y)).(color.NRGBA)
}

var (
	black = color.NRGBA{A: 255}
	white = color.NRGBA{R: 255, G: 255, B: 255, A: 255}
)

// mm is a millimetre in units of the drawing: 3.78 pixels.
const mm = 100

func TestStrokesAreDrawn(t *testing.T) {
	t.Parallel()
	// A corner: right, then down, with a pen of 2 mm.
	picture := drawn(t, stroke(pen(black, 2*mm), -50*mm, 0, 0, 0, 0, 20*mm))
	if size := picture.Bounds().Size(); size != image.Pt(205, 92) { // 52 mm by 22 mm, and the margin
		t.Errorf("it is %v", size)
	}
	for _, test := range []struct {
		x, y int
		want color.NRGBA
	}{
		{100, 8, black}, {10, 8, black}, {196, 8, black}, {196, 80, black}, // on the way
		{100, 1, white}, {100, 14, white}, {185, 50, white}, {20, 80, white}, {0, 0, white}, // beside it
	} {
		if got := at(picture, test.x, test.y); got != test.want {
			t.Errorf("at %d, %d it is %v", test.x, test.y, got)
		}
	}
}

func TestDotsAndThinPensAreSeen(t *testing.T) {
	t.Parallel()
	dot := drawn(t, stroke(pen(black, 3*mm), 5, 5))
	if got := at(dot, dot.Bounds().Dx()/2, dot.Bounds().Dy()/2); got != black {
		t.Errorf("in the middle of a dot it is %v", got)
	}
	thin := drawn(t, stroke(pen(black, 1), 0, 0, 50*mm, 0))
	darkest := uint8(255)
	for y := range thin.Bounds().Dy() {
		darkest = min(darkest, at(thin, 50, y).R)
	}
	if darkest > 128 {
		t.Errorf("of a thin line the darkest is %d", darkest)
	}
}

func TestPens(t *testing.T) {
	t.Parallel()
	// A square tip has corners, a round one has none.
	square := pen(black, 10*mm)
	square.Square = true
	if got := at(drawn(t, stroke(square, 0, 0)), 6, 6); got != black {
		t.Errorf("in the corner of a square tip it is %v", got)
	}
	if got := at(drawn(t, stroke(pen(black, 10*mm), 0, 0)), 6, 6); got != white {
		t.Errorf("in the corner of a round tip it is %v", got)
	}
	// One sees through a marker, once, wherever it crosses itself.
	marker := pen(color.NRGBA{R: 255, G: 255, A: 128}, 4*mm)
	crossing := drawn(t, stroke(marker, 0, 0, 40*mm, 40*mm), stroke(marker, 0, 40*mm, 40*mm, 0))
	middle := crossing.Bounds().Dx() / 2
	once, twice := at(crossing, 15, 15), at(crossing, middle, middle)
	if once != twice || once.B < 120 || once.B > 135 || once.R != 255 {
		t.Errorf("a marker is %v, and %v where it crosses itself", once, twice)
	}
	// The last stroke is on top.
	red := color.NRGBA{R: 255, A: 255}
	if got := at(drawn(t, stroke(pen(black, 10*mm), 0, 0), stroke(pen(red, 4*mm), 0, 0)), 22, 22); got != red {
		t.Errorf("on top it is %v", got)
	}
	// What is light can be seen.
	if got := at(drawn(t, stroke(pen(white, 2*mm), 0, 0, 10*mm, 0)), 0, 0); got != black {
		t.Errorf("beside white it is %v", got)
	}
	if got := at(drawn(t, stroke(pen(white, 2*mm), 0, 0, 10*mm, 0), stroke(pen(black, 2*mm), 0, 0)), 0, 0); got != white {
		t.Errorf("beside white and black it is %v", got)
	}
}

func TestLargeDrawingsAreMadeSmaller(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		right, down float64
		want        image.Point
	}{{1e9, 1e9, image.Pt(MaxSide, MaxSide)}, {1e9, 1, image.Pt(MaxSide, 9)}, {1, 1e6, image.Pt(9, MaxSide)}} {
		picture := drawn(t, stroke(pen(black, 1), -1e9, 0, -1e9+test.right, test.down))
		if size := picture.Bounds().Size(); size.X > test.want.X || size.Y > test.want.Y || size.X < test.want.X-1 || size.Y < test.want.Y-1 {
			t.Errorf("%g by %g is %v", test.right, test.down, size)
		}
	}
}

func TestWhatIsNotDrawn(t *testing.T) {
	t.Parallel()
	var colours, scrawl []isf.Stroke
	for i := range maxLayers + 1 {
		colours = append(colours, stroke(pen(color.NRGBA{R: uint8(i), A: 255}, mm), 0, 0))
	}
	long := stroke(pen(black, 1))
	for i := range 20_000 {
		long.Points = append(long.Points, isf.Point{X: float64(i%2) * 200 * mm, Y: float64(i)})
	}
	wide := stroke(pen(black, 200*mm))
	for i := range 20_000 {
		wide.Points = append(wide.Points, isf.Point{X: float64(i), Y: 0})
	}
	for range 2 {
		scrawl = append(scrawl, long)
	}
	for name, test := range map[string]struct {
		strokes []isf.Stroke
		want    error
	}{"nothing": {nil, ErrEmpty}, "too many colours": {colours, ErrTooMuch}, "too long": {scrawl, ErrTooMuch}, "too wide": {[]isf.Stroke{wide}, ErrTooMuch}} {
		if data, _, err := Draw(isf.Ink{Strokes: test.strokes}); !errors.Is(err, test.want) || data != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// BenchmarkDraw draws a page of handwriting.
func BenchmarkDraw(b *testing.B) {
	var strokes []isf.Stroke
	for line := range 10 {
		s := stroke(pen(black, 53))
		for i := range 500 {
			s.Points = append(s.Points, isf.Point{X: float64(i) * 40, Y: float64(line*1000) + float64(i*i%400)})
		}
		strokes = append(strokes, s)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Draw(isf.Ink{Strokes: strokes}); err != nil {
			b.Fatal(err)
		}
	}
}
