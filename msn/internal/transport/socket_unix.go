//go:build unix

package transport

import "syscall"

// writeSome writes to a file descriptor that does not block, and returns how many bytes it took.
func writeSome(fd uintptr, data []byte) (written int) {
	n, err := syscall.Write(int(fd), data)
	if err != nil {
		return 0
	}
	return n
}
