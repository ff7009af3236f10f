package stack

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// LimitFiles has the kernel refuse the bridge every write to a file beyond so many bytes, from now on and in the
// middle of its work, as a full disk would; less than 0 lifts that again. It needs no rights but those over one's own
// processes. The error number differs from that of a full disk: SQLite says "disk I/O error".
func (b *Bridge) LimitFiles(bytes int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.process == nil {
		return errors.New("the bridge is not running")
	}
	var limit unix.Rlimit
	if err := unix.Prlimit(b.process.cmd.Process.Pid, unix.RLIMIT_FSIZE, nil, &limit); err != nil {
		return fmt.Errorf("read the limit of the bridge's files: %w", err)
	}
	limit.Cur = limit.Max
	if bytes >= 0 {
		limit.Cur = uint64(bytes)
	}
	if err := unix.Prlimit(b.process.cmd.Process.Pid, unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		return fmt.Errorf("limit the bridge's files: %w", err)
	}
	return nil
}
