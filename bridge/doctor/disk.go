package doctor

import (
	"errors"
	"fmt"
	"io/fs"
)

// What is left on a disk, in bytes.
const (
	littleRoom = 500 << 20 // files of users are spooled on it, and what waits in the queues
	noRoom     = 50 << 20
)

// Place is a directory where the bridge keeps something.
type Place struct{ What, Dir string }

// Disk looks at the free room in directories. Of one that does not exist nothing is said.
func Disk(places []Place) []Finding {
	f := findings{about: "disk"}
	for _, place := range places {
		what, dir := place.What, place.Dir
		free, err := freeRoom(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			f.warn("the room for %s in %s cannot be asked for: %v", what, dir, err)
		case free < noRoom:
			f.bad("%s is left for %s in %s: make room. Without it nothing can be stored, and nothing is bridged", megabytes(free), what, dir)
		case free < littleRoom:
			f.warn("%s is left for %s in %s: make room", megabytes(free), what, dir)
		default:
			f.fine("%s is left for %s in %s", megabytes(free), what, dir)
		}
	}
	return f.list
}

func megabytes(bytes uint64) string { return fmt.Sprintf("%d MB", bytes/1_000_000) }
