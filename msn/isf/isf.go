// Package isf reads the Ink Serialized Format, in which Messengers send what was written by hand.
//
// Source: Microsoft, Ink Serialized Format specification, and protocol/11-rich-content.md, section 4.
// What the picture does not need is passed over: pressure, angles, times, and properties of programs.
package isf

import (
	"errors"
	"fmt"
	"image/color"
	"math"
)

// The limits of an Ink. Parse refuses what goes beyond them before it takes memory for it.
const (
	// MaxStrokes is the number of strokes.
	MaxStrokes = 5000
	// MaxPoints is the number of points of all strokes.
	MaxPoints = 100_000
	// maxEntries is the number of entries of a table, and of properties of a point.
	maxEntries = 1000
	// maxSpan is how far a coordinate may be from 0, in units of 0.01 mm: 10 km are no handwriting.
	maxSpan = 1e9
)

// Errors of Parse.
var (
	// ErrBroken says that data are no ink, or end too early.
	ErrBroken = errors.New("isf: broken ink")
	// ErrUnknown says that data may be ink, but of a kind that Parse cannot read.
	ErrUnknown = errors.New("isf: unknown kind of ink")
	// ErrTooLarge says that a limit is exceeded.
	ErrTooLarge = errors.New("isf: too much ink")
)

// Ink is a drawing.
type Ink struct {
	// Strokes are in the order in which they were drawn. None is without points.
	Strokes []Stroke
}

// Stroke is what a pen draws without being lifted.
type Stroke struct {
	Pen Pen
	// Points are where the pen went: 1 or more, in a straight line from each to the next.
	Points []Point
}

// Point is a place, in units of 0.01 mm (HIMETRIC). Y grows downwards.
type Point struct{ X, Y float64 }

// Pen is what a stroke is drawn with.
type Pen struct {
	Color color.NRGBA
	// Width and Height are those of the tip in units of 0.01 mm, more than 0.
	Width, Height float64
	// Square is set when the tip is a rectangle. Others are round.
	Square bool
}

// defaultPen is that of strokes that name none: black, 0.53 mm wide.
var defaultPen = Pen{Color: color.NRGBA{A: 255}, Width: 53, Height: 53}

// The tags. The first are those of the structure. From tagProperty on follow those of known
// properties, from tagCustom on those of properties that programs have defined.
const (
	tagRectangle      = 0
	tagGUIDs          = 1
	tagPens           = 2
	tagPen            = 3
	tagLayouts        = 4
	tagLayout         = 5
	tagButtons        = 6
	tagNoX            = 7
	tagNoY            = 8
	tagPenIndex       = 9
	tagStroke         = 10
	tagStrokeProps    = 11
	tagLayoutIndex    = 13
	tagCodecs         = 14
	tagTransforms     = 15
	tagTransform      = 16
	tagScale          = 17
	tagScales         = 18
	tagRotate         = 19
	tagTranslate      = 20
	tagScaleTranslate = 21
	tagTransformIndex = 23
	tagMetrics        = 24
	tagMetric         = 25
	tagMetricIndex    = 26
	tagMantissa       = 27
	tagFormat         = 28
	tagSize           = 29
	tagStrokeIDs      = 30

	tagProperty     = 50
	tagPenStyle     = tagProperty + 17
	tagColor        = tagProperty + 18
	tagWidth        = tagProperty + 19
	tagHeight       = tagProperty + 20
	tagTip          = tagProperty + 21
	tagFlags        = tagProperty + 22
	tagTransparency = tagProperty + 30
	tagCurveError   = tagProperty + 31
	tagRasterOp     = tagProperty + 37
	tagCustom       = 100
)

// propertySizes are the bytes of known properties. Those of 0 say themselves how long they are.
var propertySizes = [...]int{4, 4, 4, 4, 8, 4, 2, 2, 2, 4, 4, 4, 4, 4, 2, 2, 2, 2, 4, 4, 4, 1, 4, 4, 0, 0, 20, 12, 16, 2, 1, 4, 0, 4, 4, 4, 4, 4}

const (
	// squareTip is the value of tagTip for a rectangle.
	squareTip = 1
	// highlighter is the value of tagRasterOp for a pen through which one sees what is below.
	highlighter = 9
	// highlighterAlpha is how opaque such a pen is drawn.
	highlighterAlpha = 128
)

// Parse reads a drawing. An error is ErrBroken, ErrUnknown or ErrTooLarge.
func Parse(data []byte) (Ink, error) {
	r := &reader{data: data}
	version, size := r.number(), r.number()
	if r.failed {
		return Ink{}, ErrBroken
	}
	if version != 0 {
		return Ink{}, fmt.Errorf("%w: version %d", ErrUnknown, version)
	}
	if size > uint64(len(r.data)) {
		return Ink{}, fmt.Errorf("%w: %d of %d bytes are there", ErrBroken, len(r.data), size)
	}
	r.data = r.data[:size]
	p := parser{transform: identity, pen: defaultPen}
	for len(r.data) > 0 {
		if err := p.block(r); err != nil {
			return Ink{}, err
		}
	}
	return p.ink, nil
}

// parser is what was read so far. pen, layout and transform are those of the next stroke.
type parser struct {
	ink    Ink
	points int

	pens       []Pen
	layouts    []layout
	transforms []matrix

	pen       Pen
	extra     layout
	transform matrix
}

// layout is the number of arrays that follow those of x and y in a stroke.
type layout int

// without marks a layout whose strokes have no places.
const without layout = -1

// block reads one of the blocks that follow each other in the stream.
func (p *parser) block(r *reader) error {
	tag := r.number()
	switch tag {
	case tagRectangle:
		r.signed()
		r.signed()
		r.signed()
		r.signed()
	case tagPenIndex:
		return choose(r, "pen", p.pens, &p.pen)
	case tagLayoutIndex:
		return choose(r, "layout", p.layouts, &p.extra)
	case tagTransformIndex:
		return choose(r, "transform", p.transforms, &p.transform)
	case tagMetricIndex:
		r.number()
	case tagPen, tagLayout, tagStroke, tagPens, tagLayouts, tagTransforms:
		return p.sized(tag, r.part(r.number()), r)
	case tagTransform, tagScale, tagScales, tagRotate, tagTranslate, tagScaleTranslate:
		m, err := r.matrix(tag)
		if err != nil {
			return err
		}
		p.transforms, p.transform = []matrix{m}, m
	case tagCodecs:
		return fmt.Errorf("%w: it brings its own compression", ErrUnknown)
	case tagGUIDs, tagMetrics, tagMetric, tagFormat, tagSize, tagStrokeIDs:
		r.part(r.number())
	default:
		r.property(tag)
	}
	return r.err()
}

// choose reads which entry of a table holds from now on.
func choose[E any](r *reader, what string, table []E, chosen *E) error {
	i := r.number()
	switch {
	case r.failed:
		return ErrBroken
	case i >= uint64(len(table)):
		return fmt.Errorf("%w: %s %d of %d", ErrBroken, what, i, len(table))
	}
	*chosen = table[i]
	return nil
}

// sized reads a block that says its size. in is what it holds, of r.
func (p *parser) sized(tag uint64, in, r *reader) error {
	if r.failed {
		return ErrBroken
	}
	switch tag {
	case tagPen:
		pen, err := in.pen()
		if err != nil {
			return err
		}
		p.pens, p.pen = []Pen{pen}, pen
	case tagLayout:
		l, err := in.layout()
		if err != nil {
			return err
		}
		p.layouts, p.extra = []layout{l}, l
	case tagStroke:
		return p.stroke(in)
	case tagPens:
		return fill(&p.pens, &p.pen, in, func(in *reader) (Pen, error) { return in.part(in.number()).pen() })
	case tagLayouts:
		return fill(&p.layouts, &p.extra, in, func(in *reader) (layout, error) { return in.part(in.number()).layout() })
	case tagTransforms:
		return fill(&p.transforms, &p.transform, in, func(in *reader) (matrix, error) { return in.matrix(in.number()) })
	}
	return nil
}

// fill reads a table, whose first entry holds until another one is chosen.
func fill[E any](to *[]E, chosen *E, in *reader, entry func(*reader) (E, error)) error {
	all, err := table(in, entry)
	if err != nil {
		return err
	}
	if *to = all; len(all) > 0 {
		*chosen = all[0]
	}
	return nil
}

// table reads entries to the end.
func table[E any](in *reader, entry func(*reader) (E, error)) (all []E, err error) {
	for len(in.data) > 0 {
		if len(all) == maxEntries {
			return nil, fmt.Errorf("%w: a table of more than %d", ErrTooLarge, maxEntries)
		}
		e, err := entry(in)
		if err == nil {
			err = in.err()
		}
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

// pen reads what a pen is like.
func (r *reader) pen() (Pen, error) {
	pen := defaultPen
	var width, height uint64
	for len(r.data) > 0 && !r.failed {
		switch tag := r.number(); tag {
		case tagColor:
			c := r.number() // blue, green and red, from above
			pen.Color.R, pen.Color.G, pen.Color.B = uint8(c), uint8(c>>8), uint8(c>>16)
		case tagTransparency:
			pen.Color.A = 255 - uint8(min(r.number(), 255))
		case tagTip:
			pen.Square = r.number() == squareTip
		case tagWidth:
			width = r.measure()
		case tagHeight:
			height = r.measure()
		case tagRasterOp:
			if op := r.part(4).data; len(op) == 4 && op[0] == highlighter {
				pen.Color.A = min(pen.Color.A, highlighterAlpha)
			}
		case tagPenStyle, tagFlags, tagCurveError:
			r.number()
		default:
			r.property(tag)
		}
	}
	if max(width, height) > maxSpan {
		return Pen{}, fmt.Errorf("%w: a pen of %d", ErrTooLarge, max(width, height))
	}
	if width == 0 {
		width = height
	}
	if width > 0 {
		pen.Width, pen.Height = float64(width), float64(width)
	}
	if height > 0 {
		pen.Height = float64(height)
	}
	return pen, r.err()
}

// measure reads a length of the pen. A fraction may follow, which is less than one can see.
func (r *reader) measure() uint64 {
	n := r.number()
	rest := *r
	if rest.number() == tagMantissa && !rest.failed {
		rest.compressed()
		*r = rest
	}
	return n
}

// layout reads which arrays a stroke has.
func (r *reader) layout() (layout, error) {
	var l layout
	placed := true
	for len(r.data) > 0 && !r.failed {
		switch tag := r.number(); tag {
		case tagNoX, tagNoY:
			placed = false
		case tagButtons, tagStrokeProps:
			r.data = nil // what else is there stands behind the places in a stroke
		default:
			if l++; l > maxEntries {
				return 0, fmt.Errorf("%w: %d properties of a point", ErrTooLarge, l)
			}
		}
	}
	if !placed {
		l = without
	}
	return l, r.err()
}

// stroke reads a stroke and puts it where its transform wants it.
func (p *parser) stroke(r *reader) error {
	count := r.number()
	if r.failed {
		return ErrBroken
	}
	if count == 0 || p.extra == without {
		return nil
	}
	if count > uint64(MaxPoints-p.points) || len(p.ink.Strokes) == MaxStrokes {
		return fmt.Errorf("%w: more than %d points or %d strokes", ErrTooLarge, MaxPoints, MaxStrokes)
	}
	p.points += int(count)
	// The arrays that follow those of x and y are not wanted, and nothing of the stroke is behind them.
	xs, err := r.values(int(count))
	if err != nil {
		return err
	}
	ys, err := r.values(int(count))
	if err != nil {
		return err
	}
	points := make([]Point, count)
	for i := range points {
		points[i] = p.transform.apply(float64(xs[i]), float64(ys[i]))
		if x, y := math.Abs(points[i].X), math.Abs(points[i].Y); !(x <= maxSpan && y <= maxSpan) { // nor NaN
			return fmt.Errorf("%w: a point at %g, %g", ErrTooLarge, points[i].X, points[i].Y)
		}
	}
	p.ink.Strokes = append(p.ink.Strokes, Stroke{Pen: p.pen, Points: points})
	return nil
}

// matrix is a transform: x' = xx*x + yx*y + dx, y' = xy*x + yy*y + dy.
type matrix struct{ xx, xy, yx, yy, dx, dy float64 }

var identity = matrix{xx: 1, yy: 1}

func (m matrix) apply(x, y float64) Point {
	return Point{m.xx*x + m.yx*y + m.dx, m.xy*x + m.yy*y + m.dy}
}

// matrix reads a transform of the kind of a tag.
func (r *reader) matrix(tag uint64) (matrix, error) {
	m := identity
	switch tag {
	case tagTransform:
		m.xx, m.xy, m.yx, m.yy, m.dx, m.dy = r.float(), r.float(), r.float(), r.float(), r.float(), r.float()
	case tagScale:
		m.xx = r.float()
		m.yy = m.xx
	case tagScales:
		m.xx, m.yy = r.float(), r.float()
	case tagRotate:
		const hundredths = 36000
		sin, cos := math.Sincos(2 * math.Pi * float64(r.number()%hundredths) / hundredths)
		m.xx, m.xy, m.yx, m.yy = cos, sin, -sin, cos
	case tagTranslate:
		m.dx, m.dy = r.float(), r.float()
	case tagScaleTranslate:
		m.xx, m.yy, m.dx, m.dy = r.float(), r.float(), r.float(), r.float()
	default:
		return m, fmt.Errorf("%w: transform %d", ErrUnknown, tag)
	}
	return m, r.err()
}

// property passes over a property that is not needed.
func (r *reader) property(tag uint64) {
	if i := int64(tag) - tagProperty; i >= 0 && i < int64(len(propertySizes)) && propertySizes[i] > 0 {
		r.part(uint64(propertySizes[i]))
		return
	}
	if tag < tagProperty { // an unknown part of the structure: it cannot be passed over safely
		r.failed = true
		return
	}
	r.compressed()
}
