package transport

import (
	"net"
	"syscall"
)

// socket is a TCP connection that is written to without waiting, as far as it takes what there is: most commands go out at
// once, and to start a goroutine for each costs more than to write it. The zero value takes nothing.
type socket struct{ raw syscall.RawConn }

// socketOf returns the socket of a connection. Of one that does something to what is written there is none to be used.
func socketOf(conn net.Conn) socket {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return socket{}
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return socket{}
	}
	return socket{raw}
}

// writeNow writes as much as goes at once, and returns how many bytes that were. An error is left to who writes the rest.
func (s socket) writeNow(data []byte) (written int) {
	if s.raw == nil {
		return 0
	}
	_ = s.raw.Write(func(fd uintptr) bool {
		written = writeSome(fd, data)
		return true
	})
	return written
}
