// Package event says what all events of a client have in common. Each part declares its
// own.
package event

// Event is something that happened. Events of a client come in the order in which they
// happened.
type Event interface {
	// Size is about how many bytes the event keeps in memory. Those that wait to be read
	// are bounded by it.
	Size() int
}

// Base is what an event takes besides its texts, in bytes.
const Base = 256

// Size is the size of an event that holds texts.
func Size(texts ...string) int {
	size := Base
	for _, text := range texts {
		size += len(text)
	}
	return size
}

// Each is what an entry of a list takes besides its texts, in bytes.
const Each = 64

// Strings is the size of a list of texts.
func Strings(list []string) (size int) {
	for _, text := range list {
		size += 16 + len(text)
	}
	return size
}

// Map is the size of a table of texts.
func Map(table map[string]string) (size int) {
	for key, value := range table {
		size += Each + len(key) + len(value)
	}
	return size
}
