package transport

import (
	"cmp"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// epollBatch is how many connections are served by one call of the system at most.
const epollBatch = 128

// epoll is one of Linux. It is a file of its own that the runtime waits for, so that no thread stands still in it.
type epoll struct {
	file *os.File
	raw  syscall.RawConn
}

func newEpoll() (epoll, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return epoll{}, fmt.Errorf("epoll: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return epoll{}, fmt.Errorf("epoll: %w", err)
	}
	file := os.NewFile(uintptr(fd), "epoll")
	raw, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		return epoll{}, err
	}
	return epoll{file, raw}, nil
}

func (e epoll) valid() bool { return e.file != nil }

func (e epoll) close() { _ = e.file.Close() }

// arm has the token told of once, when something can be read from a socket or it has ended. again says that the socket had one before.
func (e epoll) arm(socket syscall.RawConn, token uint64, again bool) error {
	how := unix.EPOLL_CTL_ADD
	if again {
		how = unix.EPOLL_CTL_MOD
	}
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLONESHOT, Fd: int32(token), Pad: int32(token >> 32)}
	var inner, failed error // of a file that is closed, and of the system
	err := e.raw.Control(func(poll uintptr) {
		inner = socket.Control(func(fd uintptr) {
			failed = unix.EpollCtl(int(poll), how, int(fd), &event)
		})
	})
	return cmp.Or(err, inner, failed)
}

// due is room for what is due, for who waits.
type due struct {
	events [epollBatch]unix.EpollEvent
	tokens []uint64
}

// wait returns tokens that are due. They are valid until room is used again.
func (e epoll) wait(room *due) ([]uint64, error) {
	n := 0
	var failed error
	err := e.raw.Read(func(poll uintptr) bool {
		n, failed = unix.EpollWait(int(poll), room.events[:], 0)
		return n > 0 || failed != nil && failed != unix.EINTR
	})
	if err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, failed
	}
	room.tokens = room.tokens[:0]
	for _, event := range room.events[:n] {
		room.tokens = append(room.tokens, uint64(uint32(event.Fd))|uint64(uint32(event.Pad))<<32)
	}
	return room.tokens, nil
}
