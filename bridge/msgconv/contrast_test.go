package msgconv

import (
	"fmt"
	"math"
	"testing"
)

// Backgrounds of clients: white, and what Element, Cinny and Hydrogen call dark.
var backgrounds = []uint64{0xFFFFFF, 0x15191E, 0x1A1A1A, 0x2D3239}

// wcag returns the contrast of two colours by the definition of WCAG 2.1.
func wcag(a, b uint64) float64 {
	light := func(rgb uint64) (sum float64) {
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			c := float64(rgb>>(16-8*i)&0xFF) / 255
			if c <= 0.03928 {
				c /= 12.92
			} else {
				c = math.Pow((c+0.055)/1.055, 2.4)
			}
			sum += weight * c
		}
		return sum
	}
	x, y := light(a)+0.05, light(b)+0.05
	return max(x, y) / min(x, y)
}

// The colours that Messenger offers: those are shown that can be read on white and on dark, and no others.
func TestColoursThatAreShown(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		bgr, want string
	}{
		"black": {"0", ""}, "maroon": {"80", ""}, "green": {"8000", "#008000"}, "olive": {"8080", "#808000"},
		"navy": {"800000", ""}, "purple": {"800080", ""}, "teal": {"808000", "#008080"}, "gray": {"808080", "#808080"},
		"silver": {"c0c0c0", ""}, "red": {"ff", "#ff0000"}, "lime": {"ff00", ""}, "yellow": {"ffff", ""},
		"blue": {"ff0000", ""}, "fuchsia": {"ff00ff", "#ff00ff"}, "aqua": {"ffff00", ""}, "white": {"ffffff", ""},
		"no colour": {"red", ""}, "too much": {"1000000", ""},
	} {
		if got := fromBGR(test.bgr); got != test.want {
			t.Errorf("%s is shown as %q, want %q", name, got, test.want)
		}
	}
}

// Whatever is shown has enough contrast with the backgrounds of clients, by a computation of its own.
func TestColoursThatAreShownHaveContrast(t *testing.T) {
	t.Parallel()
	shown := 0
	for bgr := uint64(0); bgr <= 0xFFFFFF; bgr += 0x0B0B {
		colour := fromBGR(fmt.Sprintf("%x", bgr))
		if colour == "" {
			continue
		}
		shown++
		var rgb uint64
		if _, err := fmt.Sscanf(colour, "#%x", &rgb); err != nil {
			t.Fatal(err)
		}
		for i, background := range backgrounds {
			least := 2.95 // what is dark for us is a little darker than the darkest of them
			if i == len(backgrounds)-1 {
				least = 2 // the lightest that is called dark
			}
			if got := wcag(rgb, background); got < least {
				t.Errorf("%s has the contrast %.2f with #%06x", colour, got, background)
			}
		}
	}
	if shown < 100 {
		t.Errorf("only %d colours are shown", shown)
	}
}
