package msntest

import (
	"bytes"
	"hash/fnv"
	"image"
	"image/color"
	"image/png"
	"math"
)

// Portrait draws a display picture for somebody, as PNG of 96 by 96: the same for the same name.
func Portrait(name string) []byte {
	const side = 96
	back, face := colours(name)
	return draw(side, side, func(x, y float64) color.RGBA {
		head := math.Hypot(x-0.5, y-0.38) < 0.2
		shoulders := math.Hypot((x-0.5)/1.3, y-1.02) < 0.32
		if head || shoulders {
			return face
		}
		return back
	})
}

// Landscape draws a picture that somebody could send, as PNG of 320 by 200: the same for the same name.
func Landscape(name string) []byte {
	sky, hill := colours(name)
	return draw(320, 200, func(x, y float64) color.RGBA {
		switch {
		case y > 0.72+0.1*math.Sin(7*x)+0.04*math.Sin(19*x):
			return hill
		case math.Hypot((x-0.7)*1.6, y-0.35) < 0.13:
			return color.RGBA{R: 255, G: 220, B: 120, A: 255}
		}
		return color.RGBA{R: sky.R, G: sky.G, B: uint8(min(255, float64(sky.B)+90*y)), A: 255}
	})
}

// colours are a light and a dark one by a name.
func colours(name string) (light, dark color.RGBA) {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // never fails
	n := h.Sum32()
	part := func(shift int) uint8 { return uint8(n >> shift & 0x3f) }
	return color.RGBA{R: 170 + part(0), G: 170 + part(6), B: 170 + part(12), A: 255}, color.RGBA{R: 20 + part(18), G: 40 + part(24), B: 30 + part(3), A: 255}
}

// draw makes a picture of what is at each place, from 0 to 1 both ways.
func draw(width, height int, at func(x, y float64) color.RGBA) []byte {
	picture := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			picture.SetRGBA(x, y, at(float64(x)/float64(width), float64(y)/float64(height)))
		}
	}
	var b bytes.Buffer
	_ = png.Encode(&b, picture) // a Buffer takes all
	return b.Bytes()
}
