package doctor

import "syscall"

// freeRoom is what a user may still write in a directory, in bytes.
func freeRoom(dir string) (uint64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return s.Bavail * uint64(s.Bsize), nil
}
