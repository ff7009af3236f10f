// Package ink makes pictures of what was written by hand.
package ink

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"slices"

	"golang.org/x/image/vector"

	"matrix-msn/msn/isf"
)

const (
	// MaxSide is the longest side of a picture in pixels. Larger drawings are made smaller.
	MaxSide = 800
	// maxLayers is how often the pen may change: each time costs a pass over the picture.
	maxLayers = 100
	// maxWork is how many pixels all outlines may be long together. Handwriting of a page has some
	// hundred thousand.
	maxWork = 5_000_000

	// scale is the pixels of 0.01 mm on a screen of 96 dots per inch.
	scale = 96.0 / 2540
	// margin is the white around the drawing in pixels.
	margin = 4
	// thinnest is the least width of a line in pixels that can be seen.
	thinnest = 1.2
	// light is from where on a grey cannot be seen on white, of 255.
	light = 240
)

// Errors of Draw.
var (
	// ErrEmpty says that nothing was drawn.
	ErrEmpty = errors.New("ink: nothing is drawn")
	// ErrTooMuch says that so much is drawn that it would take too long.
	ErrTooMuch = errors.New("ink: too much is drawn")
)

// Draw makes a PNG of a drawing, on white: lines are black mostly, and rooms may be dark. What is light
// throughout is on black. It returns the sides in pixels too, MaxSide each at most. An error is ErrEmpty
// or ErrTooMuch.
func Draw(drawing isf.Ink) (picture []byte, size image.Point, err error) {
	if len(drawing.Strokes) == 0 {
		return nil, image.Point{}, ErrEmpty
	}
	layers := layersOf(drawing.Strokes)
	if len(layers) > maxLayers {
		return nil, image.Point{}, ErrTooMuch
	}
	c := canvasFor(drawing.Strokes)
	if c.work(drawing.Strokes) > maxWork {
		return nil, image.Point{}, ErrTooMuch
	}
	for _, strokes := range layers {
		c.draw(strokes)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, c.picture); err != nil {
		return nil, image.Point{}, err
	}
	return b.Bytes(), c.picture.Bounds().Size(), nil
}

// layersOf puts strokes together that follow each other and have the same pen.
func layersOf(strokes []isf.Stroke) (layers [][]isf.Stroke) {
	start := 0
	for i := range strokes {
		if i+1 == len(strokes) || strokes[i+1].Pen != strokes[i].Pen {
			layers = append(layers, strokes[start:i+1])
			start = i + 1
		}
	}
	return layers
}

// canvas is a picture, and where a drawing is in it.
type canvas struct {
	picture   *image.RGBA
	left, top float64 // in units of the drawing
	scale     float64 // pixels of a unit
}

func canvasFor(strokes []isf.Stroke) *canvas {
	left, top, right, bottom := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, s := range strokes {
		w, h := s.Pen.Width/2, s.Pen.Height/2
		for _, p := range s.Points {
			left, right = min(left, p.X-w), max(right, p.X+w)
			top, bottom = min(top, p.Y-h), max(bottom, p.Y+h)
		}
	}
	c := &canvas{left: left, top: top, scale: min(scale, (MaxSide-2*margin)/max(right-left, bottom-top))}
	side := func(length float64) int { return min(MaxSide, 2*margin+max(1, int(math.Ceil(length*c.scale)))) }
	c.picture = image.NewRGBA(image.Rect(0, 0, side(right-left), side(bottom-top)))
	paper := image.White
	if !slices.ContainsFunc(strokes, func(s isf.Stroke) bool {
		return color.GrayModel.Convert(color.RGBA{s.Pen.Color.R, s.Pen.Color.G, s.Pen.Color.B, 255}).(color.Gray).Y < light
	}) {
		paper = image.Black
	}
	draw.Draw(c.picture, c.picture.Bounds(), paper, image.Point{}, draw.Src)
	return c
}

// work returns about how long all outlines are in pixels.
func (c *canvas) work(strokes []isf.Stroke) (length float64) {
	for _, s := range strokes {
		round := 2 * c.scale * (s.Pen.Width + s.Pen.Height)
		from := s.Points[0]
		for _, to := range s.Points {
			length += round + 2*c.scale*math.Hypot(to.X-from.X, to.Y-from.Y)
			from = to
		}
	}
	return length
}

// at returns where a point is in the picture.
func (c *canvas) at(p isf.Point) isf.Point {
	return isf.Point{X: margin + (p.X-c.left)*c.scale, Y: margin + (p.Y-c.top)*c.scale}
}

// draw draws strokes of one pen. Where they cross, the pen does not count twice.
func (c *canvas) draw(strokes []isf.Stroke) {
	b := c.picture.Bounds()
	r := vector.NewRasterizer(b.Dx(), b.Dy())
	pen := strokes[0].Pen
	tip := tipOf(pen, max(pen.Width*c.scale, thinnest)/2, max(pen.Height*c.scale, thinnest)/2)
	for _, s := range strokes {
		from := c.at(s.Points[0])
		tip.line(r, from, from)
		for _, p := range s.Points[1:] {
			to := c.at(p)
			if math.Hypot(to.X-from.X, to.Y-from.Y) < 0.25 {
				continue // cannot be seen
			}
			tip.line(r, from, to)
			from = to
		}
	}
	r.Draw(c.picture, b, image.NewUniform(color.NRGBAModel.Convert(pen.Color)), image.Point{})
}

// tip is the outline of the end of a pen around 0, against the clock as seen with Y upwards.
type tip []isf.Point

// corners is how many corners a round tip has.
const corners = 12

func tipOf(pen isf.Pen, width, height float64) tip {
	if pen.Square {
		return tip{{X: -width, Y: -height}, {X: width, Y: -height}, {X: width, Y: height}, {X: -width, Y: height}}
	}
	t := make(tip, corners)
	for i := range t {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / corners)
		t[i] = isf.Point{X: width * cos, Y: height * sin}
	}
	return t
}

// line adds all that a tip covers on its way: of a convex tip, the corners that face ahead at the
// end, and those that face back at the start.
func (t tip) line(r *vector.Rasterizer, from, to isf.Point) {
	dx, dy := to.X-from.X, to.Y-from.Y
	for i, corner := range t {
		next := t[(i+1)%len(t)]
		// The side from this corner to the next one faces ahead when the way has it on its right.
		ahead := dx*(next.Y-corner.Y)-dy*(next.X-corner.X) > 0
		base := from
		if ahead {
			base = to
		}
		add(r, i == 0, corner, base)
		add(r, false, next, base)
	}
	r.ClosePath()
}

func add(r *vector.Rasterizer, first bool, corner, base isf.Point) {
	x, y := float32(base.X+corner.X), float32(base.Y+corner.Y)
	if first {
		r.MoveTo(x, y)
	} else {
		r.LineTo(x, y)
	}
}
