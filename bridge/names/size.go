package names

import (
	"fmt"

	"matrix-msn/bridge/words"
)

// Bytes says how much so many bytes are: "5 bytes", "12 KB".
func Bytes(n uint64) string {
	const step = 1000
	if n < step {
		return words.Count("names.bytes", int(n))
	}
	units := []string{"KB", "MB", "GB", "TB", "PB", "EB"}
	size, unit := float64(n)/step, 0
	for size >= step-0.5 && unit < len(units)-1 {
		size, unit = size/step, unit+1
	}
	if size < 9.95 {
		return fmt.Sprintf("%.1f %s", size, units[unit])
	}
	return fmt.Sprintf("%.0f %s", size, units[unit])
}
