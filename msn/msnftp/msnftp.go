// Package msnftp is the protocol in which Messengers of MSNP8 and older give each other files, by a
// connection of their own (MSNFTP, protocol/05-p2p.md, section 8): the side that receives one.
package msnftp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// Limits of what a sender can make the receiver wait and keep.
const (
	// idleTime is until the next bytes come, or go.
	idleTime = 30 * time.Second
	// maxTime is how long a file may take.
	maxTime = 2 * time.Hour
	// lastTime is how long the last line may take, and then the sender to close the connection.
	lastTime = time.Second
	// maxLine is the longest line that is read, in bytes.
	maxLine = 512
	// MaxFile is the largest file that can be sent, in bytes: the size has 32 bits.
	MaxFile = 1<<32 - 1
)

// Why a file does not arrive.
var (
	// ErrProtocol says that the other side does not speak MSNFTP, or sends what it has not announced.
	ErrProtocol = errors.New("msnftp: the other side does not keep to the protocol")
	// ErrCancelled says that the other side has ended the transfer, or the connection.
	ErrCancelled = errors.New("msnftp: ended by the other side")
	// ErrSilent says that nothing came for half a minute, or that it took hours.
	ErrSilent = errors.New("msnftp: no answer")
)

// What the receiver says at the end.
const (
	byeReceived  = 16777989
	byeFailed    = 2164261694
	byeCancelled = 2164261682
)

// The beginning of blocks.
const (
	blockData = 0
	blockEnd  = 1
	blockHead = 3
)

// File is what a file is received with.
type File struct {
	Account string // of the user
	Cookie  string // AuthCookie of the sender
	Size    uint64 // in bytes, as it was offered
}

// Receive takes a file over a connection to its sender, which it closes, and writes it to w as it comes: what was
// written counts only when there is no error. told is called with how much has come; may be nil. The error
// is one of those above, that of w or of ctx.
func Receive(ctx context.Context, conn net.Conn, f File, w io.Writer, told func(done uint64)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, maxTime, ErrSilent)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	defer func() { _ = conn.Close() }()
	r := &receiver{ctx: ctx, conn: conn, file: f}
	r.reader = bufio.NewReaderSize(r, maxLine)
	err := r.receive(w, told)
	last := "BYE " + strconv.Itoa(byeFailed)
	switch {
	case err == nil:
		last = "BYE " + strconv.Itoa(byeReceived)
	case ctx.Err() != nil:
		last, err = "CCL\r\nBYE "+strconv.Itoa(byeCancelled), context.Cause(ctx)
	}
	if err == nil {
		r.part(last)
	} else {
		r.say(last, lastTime)
	}
	return err
}

type receiver struct {
	ctx    context.Context // of the call
	conn   net.Conn
	reader *bufio.Reader
	file   File
}

// Read reads from the connection, within the time that the next bytes may take.
func (r *receiver) Read(b []byte) (int, error) {
	_ = r.conn.SetReadDeadline(time.Now().Add(idleTime))
	if r.ctx.Err() != nil { // its end may have set a deadline before
		return 0, r.ctx.Err()
	}
	n, err := r.conn.Read(b)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = ErrSilent
	case err != nil:
		err = ErrCancelled
	}
	return n, err
}

// say sends a line. Who does not take it hears nothing more.
func (r *receiver) say(line string, within time.Duration) {
	_ = r.conn.SetWriteDeadline(time.Now().Add(within))
	_, _ = io.WriteString(r.conn, line+"\r\n")
}

// part says the last line, waits for the sender to close the connection, and reads what they say until then: with bytes in
// it that nobody has read TCP resets it, and the sender need not hear that line.
func (r *receiver) part(last string) {
	closed := make(chan struct{})
	_ = r.conn.SetReadDeadline(time.Now().Add(lastTime))
	go func() {
		defer close(closed)
		_, _ = io.Copy(io.Discard, r.conn)
	}()
	r.say(last, lastTime)
	<-closed
}

// hear reads a line and returns what stands behind its verb.
func (r *receiver) hear(verb string) (string, error) {
	line, err := r.reader.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return "", fmt.Errorf("%w: an endless line", ErrProtocol)
	case err != nil:
		return "", err
	}
	heard, rest, _ := strings.Cut(strings.TrimRight(string(line), "\r\n"), " ")
	switch strings.ToUpper(heard) {
	case verb:
		return strings.TrimSpace(rest), nil
	case "CCL", "BYE":
		return "", ErrCancelled
	}
	return "", fmt.Errorf("%w: not %s", ErrProtocol, verb)
}

func (r *receiver) receive(w io.Writer, told func(done uint64)) error {
	r.say("VER MSNFTP", idleTime)
	if _, err := r.hear("VER"); err != nil {
		return err
	}
	r.say("USR "+r.file.Account+" "+r.file.Cookie, idleTime)
	text, err := r.hear("FIL")
	if err != nil {
		return err
	}
	if size, err := strconv.ParseUint(text, 10, 32); err != nil || size != r.file.Size {
		return fmt.Errorf("%w: another size than was offered", ErrProtocol)
	}
	r.say("TFR", idleTime)
	have := uint64(0)
	head, block := make([]byte, blockHead), make([]byte, 1<<16)
	for have < r.file.Size {
		if _, err := io.ReadFull(r.reader, head); err != nil {
			return whole(err)
		}
		switch {
		case head[0] == blockEnd: // before all has come
			return ErrCancelled
		case head[0] != blockData:
			return fmt.Errorf("%w: a block of no kind", ErrProtocol)
		}
		data := block[:int(head[1])|int(head[2])<<8]
		if len(data) == 0 || uint64(len(data)) > r.file.Size-have {
			return fmt.Errorf("%w: more than was announced", ErrProtocol)
		}
		if _, err := io.ReadFull(r.reader, data); err != nil {
			return whole(err)
		}
		if _, err := w.Write(data); err != nil {
			return err
		}
		have += uint64(len(data))
		if told != nil {
			told(have)
		}
	}
	return nil
}

// whole is the error of a block of which a part has come.
func whole(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrCancelled
	}
	return err
}
