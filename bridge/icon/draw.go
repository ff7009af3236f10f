// Package icon draws the pictures of what has no face on MSN: the bot, alerts and circles. They are brought into
// Matrix once.
package icon

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"sync"
)

// Kind is what a picture is of.
type Kind string

// The kinds.
const (
	Bot    Kind = "bot"
	Alerts Kind = "alerts"
	Circle Kind = "circle"
)

// Kinds are all kinds.
var Kinds = []Kind{Bot, Alerts, Circle}

const (
	// side is that of a picture in pixels.
	side = 128
	// samples is how many points of a pixel are looked at along each side, for smooth edges.
	samples = 4
)

// shape reports whether a point belongs to it. A picture reaches from 0 to 1 in both directions.
type shape func(x, y float64) bool

// layer is a shape in a colour, which lies over those before it.
type layer struct {
	shape shape
	top   color.NRGBA // the colour at the top of the picture
	foot  color.NRGBA // and at its foot
}

func disc(cx, cy, r float64) shape {
	return func(x, y float64) bool { return math.Hypot(x-cx, y-cy) <= r }
}

// bubble is a box with round corners and a tail at its lower left or lower right.
func bubble(left, top, right, bottom float64, tailRight bool) shape {
	const round, tail = 0.08, 0.13
	return func(x, y float64) bool {
		// The distance from the box without its corners.
		dx, dy := math.Max(math.Max(left+round-x, x-(right-round)), 0), math.Max(math.Max(top+round-y, y-(bottom-round)), 0)
		if math.Hypot(dx, dy) <= round {
			return true
		}
		from := left + round
		if tailRight {
			from, x = -(right - round), -x
		}
		return y >= bottom && y <= bottom+tail && x >= from && x <= from+tail-(y-bottom)
	}
}

// bell is the body of a bell with its rim.
func bell(x, y float64) bool {
	switch {
	case y >= 0.64 && y <= 0.71:
		return math.Abs(x-0.5) <= 0.27
	case y >= 0.45 && y < 0.64:
		return math.Abs(x-0.5) <= 0.17+0.08*(y-0.45)/0.19
	}
	return y < 0.45 && y >= 0.25 && math.Hypot(x-0.5, (y-0.45)*0.9) <= 0.17
}

// ring is people who sit around something.
func ring(n int, radius, size float64) shape {
	return func(x, y float64) bool {
		for i := range n {
			angle := 2*math.Pi*float64(i)/float64(n) - math.Pi/2
			if math.Hypot(x-0.5-radius*math.Cos(angle), y-0.5-radius*math.Sin(angle)) <= size {
				return true
			}
		}
		return false
	}
}

// whole fills the picture: clients cut it to a round one or leave it.
func whole(float64, float64) bool { return true }

var (
	white      = color.NRGBA{255, 255, 255, 255}
	darkGreen  = color.NRGBA{20, 120, 70, 255}
	lightGreen = color.NRGBA{110, 190, 70, 255}
	darkBlue   = color.NRGBA{25, 80, 160, 255}
	lightBlue  = color.NRGBA{90, 165, 230, 255}
	darkAmber  = color.NRGBA{200, 105, 20, 255}
	lightAmber = color.NRGBA{250, 185, 60, 255}
)

// pictures are what each kind is drawn of.
var pictures = map[Kind][]layer{
	Bot: {
		{whole, lightGreen, darkGreen},
		{bubble(0.18, 0.24, 0.62, 0.50, false), white, white},
		{bubble(0.40, 0.46, 0.84, 0.70, true), color.NRGBA{215, 240, 205, 255}, color.NRGBA{215, 240, 205, 255}},
		{disc(0.52, 0.58, 0.03), darkGreen, darkGreen}, {disc(0.62, 0.58, 0.03), darkGreen, darkGreen}, {disc(0.72, 0.58, 0.03), darkGreen, darkGreen},
	},
	Alerts: {{whole, lightAmber, darkAmber}, {bell, white, white}, {disc(0.5, 0.24, 0.04), white, white}, {disc(0.5, 0.77, 0.055), white, white}},
	Circle: {{whole, lightBlue, darkBlue}, {ring(6, 0.27, 0.085), white, white}},
}

// drawn are the pictures, each drawn once.
var drawn = func() map[Kind]func() ([]byte, error) {
	all := make(map[Kind]func() ([]byte, error))
	for kind := range pictures {
		all[kind] = sync.OnceValues(func() ([]byte, error) { return draw(kind) })
	}
	return all
}()

// PNG returns the picture of a kind, which is not to be changed.
func PNG(kind Kind) ([]byte, error) { return drawn[kind]() }

func draw(kind Kind) ([]byte, error) {
	img := image.NewNRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			img.SetNRGBA(x, y, pixel(pictures[kind], x, y))
		}
	}
	var data bytes.Buffer
	err := png.Encode(&data, img)
	return data.Bytes(), err
}

// pixel is the mean colour of a pixel.
func pixel(layers []layer, px, py int) color.NRGBA {
	var r, g, b float64
	for i := range samples * samples {
		x := (float64(px) + (float64(i%samples)+0.5)/samples) / side
		y := (float64(py) + (float64(i/samples)+0.5)/samples) / side
		var c color.NRGBA
		for _, l := range layers {
			if l.shape(x, y) {
				c = mix(l.top, l.foot, y)
			}
		}
		r, g, b = r+float64(c.R), g+float64(c.G), b+float64(c.B)
	}
	const n = samples * samples
	return color.NRGBA{uint8(r / n), uint8(g / n), uint8(b / n), 255}
}

// mix is a colour between two, nearer to the second one with a larger share.
func mix(a, b color.NRGBA, share float64) color.NRGBA {
	between := func(x, y uint8) uint8 { return uint8(float64(x) + (float64(y)-float64(x))*share) }
	return color.NRGBA{between(a.R, b.R), between(a.G, b.G), between(a.B, b.B), 255}
}
