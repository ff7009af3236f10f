package window

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"image"
	_ "image/gif"  // registers the format
	_ "image/jpeg" // registers the format
	_ "image/png"  // registers the format
	"mime"
	"net/http"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	_ "golang.org/x/image/webp" // registers the format
)

// Limits of what is kept, in bytes.
const (
	// maxFile is the largest file that comes or goes.
	maxFile = 16 << 20
	// maxFileShelf is for all files, maxPictures for the pictures of people and emoticons.
	maxFileShelf = 64 << 20
	maxPictures  = 8 << 20
	// maxPicture is the largest one of these.
	maxPicture = 256 << 10
	// maxSide and maxPixels are how large a picture may be, in pixels, that is shown as one: browsers decode it whole.
	maxSide, maxPixels = 8192, 1 << 25
)

// The ways to show a file.
const (
	showImage = "image"
	showAudio = "audio"
	showVideo = "video"
	showFile  = "file" // not at all: it can be saved
)

// shown are the types of files that pages show, as net/http names them.
var shown = map[string]string{
	"image/png": showImage, "image/jpeg": showImage, "image/gif": showImage, "image/webp": showImage,
	"audio/wave": showAudio, "audio/mpeg": showAudio, "application/ogg": showAudio,
	"video/mp4": showVideo, "video/webm": showVideo,
}

// look says what a file is and how to show it, by its bytes: its name is its sender's choice.
func look(data []byte) (mediaType, show string) {
	mediaType, _, _ = mime.ParseMediaType(http.DetectContentType(data))
	show, ok := shown[mediaType]
	switch {
	case !ok:
		return "application/octet-stream", showFile
	case show == showImage:
		sides, _, err := image.DecodeConfig(bytes.NewReader(data))
		if err != nil || sides.Width > maxSide || sides.Height > maxSide || sides.Width*sides.Height > maxPixels {
			return "application/octet-stream", showFile
		}
	case mediaType == "application/ogg":
		mediaType = "audio/ogg"
	}
	return mediaType, show
}

// thing is something on a shelf.
type thing struct {
	id, mediaType, show, name string
	data                      []byte
}

// mediaPath is where things on shelves are.
const mediaPath = "/media/"

func (t *thing) path() string { return mediaPath + t.id }

// shelf keeps what pages show beside texts. It has a size; the oldest falls off.
type shelf struct {
	most int

	mu     sync.Mutex
	bytes  int
	things map[string]*thing
	order  []string
}

func newShelf(most int) *shelf { return &shelf{most: most, things: make(map[string]*thing)} }

// put keeps something. The same bytes under the same name are kept once.
func (s *shelf) put(name string, data []byte) *thing {
	t := &thing{name: name, data: data}
	t.mediaType, t.show = look(data)
	hash := sha256.New()
	hash.Write([]byte(name + "\x00"))
	hash.Write(data)
	t.id = hex.EncodeToString(hash.Sum(nil)[:16])
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.things[t.id]; known != nil {
		return known
	}
	s.things[t.id], s.order, s.bytes = t, append(s.order, t.id), s.bytes+len(data)
	for s.bytes > s.most && len(s.order) > 1 {
		s.bytes -= len(s.things[s.order[0]].data)
		delete(s.things, s.order[0])
		s.order = s.order[1:]
	}
	return t
}

func (s *shelf) get(id string) *thing {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.things[id]
}

// errTooLarge says that more came than was announced.
var errTooLarge = errors.New("window: more bytes than were announced")

// box takes a number of bytes at most.
type box struct {
	data []byte
	most int
}

// Write implements io.Writer.
func (b *box) Write(p []byte) (int, error) {
	if len(p) > b.most-len(b.data) {
		return 0, errTooLarge
	}
	b.data = append(b.data, p...)
	return len(p), nil
}

// maxFileName is the longest name of a file, in bytes.
const maxFileName = 120

// fileName makes a name fit to be shown and to be saved under.
func fileName(name string) string {
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) { // those that turn the direction of what follows too
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	for len(name) > maxFileName { // a longer one keeps its ending
		_, size := utf8.DecodeRuneInString(name)
		name = name[size:]
	}
	if strings.Trim(name, ". _") == "" {
		return "file"
	}
	return name
}
