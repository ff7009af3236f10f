// Package picture shows display pictures: those of contacts as the avatars of their ghosts, and the
// user's own on MSN.
package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/gif"  // what pictures come as
	_ "image/jpeg" // and are made of
	"image/png"
	"net/http"
	"strings"

	_ "golang.org/x/image/bmp"
	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp"

	"matrix-msn/internal/webp"
)

const (
	// MaxContact is the largest picture of a contact that is fetched, in bytes. Official clients make
	// them of some thousand.
	MaxContact = 512 << 10
	// MaxOwn is the largest picture that the user's own is made of, in bytes.
	MaxOwn = 16 << 20
	// maxSide is the longest side of a picture that is shown or made use of, in pixels.
	maxSide = 4096
	// side is that of the user's own picture: official clients show no larger one.
	side = 96
)

// Errors of pictures.
var (
	// ErrNoPicture says that something is no picture of a kind that is known.
	ErrNoPicture = errors.New("picture: not a picture that can be read")
	// ErrTooLarge says that a picture has too many bytes or pixels.
	ErrTooLarge = errors.New("picture: too large")
)

// inspect returns the type and sides of a picture, of which only the beginning is read.
func inspect(data []byte) (mime string, width, height int, err error) {
	mime = http.DetectContentType(data)
	config, _, err := image.DecodeConfig(bytes.NewReader(data))
	switch {
	case err != nil, !strings.HasPrefix(mime, "image/"), config.Width < 1, config.Height < 1:
		return "", 0, 0, ErrNoPicture
	case mime == "image/webp" && !webp.Honest(bytes.NewReader(data), config.Width, config.Height):
		return "", 0, 0, ErrNoPicture // image.Decode takes memory for what it holds before it compares that
	case config.Width > maxSide, config.Height > maxSide:
		return "", 0, 0, fmt.Errorf("%w: %d by %d pixels", ErrTooLarge, config.Width, config.Height)
	}
	return mime, config.Width, config.Height, nil
}

// Make makes a display picture of a picture: a PNG of 96 by 96, of its middle where it is no square.
func Make(data []byte) ([]byte, error) {
	if len(data) > MaxOwn {
		return nil, ErrTooLarge
	}
	if _, _, _, err := inspect(data); err != nil {
		return nil, err
	}
	from, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoPicture, err)
	}
	to := image.NewRGBA(image.Rect(0, 0, side, side))
	draw.Draw(to, to.Bounds(), image.White, image.Point{}, draw.Src) // official clients know no transparency
	draw.CatmullRom.Scale(to, to.Bounds(), from, middle(from.Bounds()), draw.Over, nil)
	var b bytes.Buffer
	if err := png.Encode(&b, to); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// middle is the largest square in the middle of a picture.
func middle(r image.Rectangle) image.Rectangle {
	if more := r.Dx() - r.Dy(); more > 0 {
		r.Min.X += more / 2
		r.Max.X = r.Min.X + r.Dy()
	} else {
		r.Min.Y -= more / 2
		r.Max.Y = r.Min.Y + r.Dx()
	}
	return r
}
