package wire

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
)

// readerSize is the buffer of a connection while something is read from it: lines that are longer are gathered beside
// it, and payloads are read in pieces. A line that is too long and has no end is noticed by so much too late at most.
const readerSize = 512

// buffers are those that nobody reads with. Idle connections are many, and have none.
var buffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, readerSize) }}

// firstGrow bounds the memory that is taken on the word of a length alone; what
// goes beyond it is taken as it arrives.
const firstGrow = 16 << 10

// ErrProtocol is wrapped by every error of a Reader that says the other side
// broke the framing. The stream cannot be read any further: close it.
var ErrProtocol = errors.New("msn: protocol broken")

// Reader reads commands from one connection. It is not safe for concurrent use.
type Reader struct {
	source  source
	buf     *bufio.Reader // of source; nil between commands
	from    Direction
	dialect atomic.Uint32
	lost    bool // an unknown command was read: what follows may be its payload
	skipped int
}

// source is what a Reader reads from, of which the first byte may have been read already.
type source struct {
	io.Reader
	first [1]byte
	begun bool // first is to be read
}

// Read implements io.Reader.
func (s *source) Read(p []byte) (int, error) {
	if !s.begun || len(p) == 0 {
		return s.Reader.Read(p)
	}
	s.begun = false
	return copy(p, s.first[:]), nil
}

// NewReader returns a Reader of what one side of a connection sends.
func NewReader(r io.Reader, from Direction) *Reader {
	return &Reader{source: source{Reader: r}, from: from}
}

// Wait returns when something is there to be read, or the other side has ended. Who waits
// here and not in Read waits on a small stack and without a buffer.
func (r *Reader) Wait() error {
	if r.Buffered() {
		return nil
	}
	_, err := io.ReadFull(r.source.Reader, r.source.first[:])
	r.source.begun = err == nil
	return err
}

// Buffered reports whether something was received that Read has not returned yet.
func (r *Reader) Buffered() bool { return r.source.begun || r.buf != nil && r.buf.Buffered() > 0 }

// open takes a buffer to read with.
func (r *Reader) open() {
	if r.buf == nil {
		r.buf = buffers.Get().(*bufio.Reader)
		r.buf.Reset(&r.source)
	}
}

// release gives the buffer back when nothing is in it.
func (r *Reader) release() {
	if r.buf.Buffered() == 0 {
		r.buf.Reset(nil)
		buffers.Put(r.buf)
		r.buf = nil
	}
}

// SetDialect tells the reader which dialect was negotiated. Only one thing
// depends on it: from MSNP13 on, error lines can have a payload. It may be called
// while another goroutine reads.
func (r *Reader) SetDialect(d Dialect) { r.dialect.Store(uint32(d)) }

// Skipped returns how many bytes were passed over because they belonged to no
// command, since the reader was made.
func (r *Reader) Skipped() int { return r.skipped }

// Read returns the next command. Lines that are no commands (the payload of an
// unknown command, an empty line) are passed over, up to MaxSkip bytes in a row.
// After a command that this package does not know, only known verbs are taken
// for commands again, so that its payload is not read as one.
//
// The error is io.EOF at a clean end, io.ErrUnexpectedEOF inside a command,
// wraps ErrProtocol when the framing is broken or a limit exceeded, and is the
// error of the underlying reader otherwise.
func (r *Reader) Read() (Command, error) {
	r.open()
	defer r.release()
	for skipped := 0; ; {
		line, ending, err := r.readLine()
		if err != nil {
			return Command{}, err
		}
		if !r.isCommand(line) {
			skipped += len(line) + ending
			r.skipped += len(line) + ending
			if skipped > MaxSkip {
				return Command{}, fmt.Errorf("%w: %d bytes without a command", ErrProtocol, skipped)
			}
			continue
		}
		r.lost = !isDigit(line[0]) && !knownVerb(string(line[:3]))
		return r.readCommand(line, ending == 1)
	}
}

// isCommand tells a command from a line that is to be passed over.
func (r *Reader) isCommand(line []byte) bool {
	if len(line) < 3 || len(line) > 3 && line[3] != ' ' || !isVerb(string(line[:3])) {
		return false
	}
	return !r.lost || knownVerb(string(line[:3])) || plainError(line)
}

// plainError reports whether a line is an error number with nothing but numbers
// behind it, as against a text that begins with a number.
func plainError(line []byte) bool {
	for _, b := range line {
		if b != ' ' && !isDigit(b) {
			return false
		}
	}
	return true
}

// readLine returns the next line without its ending, valid until the next read,
// and the length of the ending: 2 for CR LF, 1 for LF alone.
func (r *Reader) readLine() ([]byte, int, error) {
	line, err := r.buf.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		line, err = r.readLongLine(line)
	}
	if err != nil {
		if errors.Is(err, io.EOF) && len(line) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return nil, 0, err
	}
	ending := 1
	if n := len(line); n >= 2 && line[n-2] == '\r' {
		ending = 2
	}
	line = line[:len(line)-ending]
	if len(line) > MaxLine {
		return nil, 0, errLongLine()
	}
	return line, ending, nil
}

func (r *Reader) readLongLine(start []byte) ([]byte, error) {
	long := bytes.Clone(start)
	for {
		more, err := r.buf.ReadSlice('\n')
		long = append(long, more...)
		if len(long) > MaxLine+2 {
			return nil, errLongLine()
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return long, err
		}
	}
}

func errLongLine() error {
	return fmt.Errorf("%w: line longer than %d bytes", ErrProtocol, MaxLine)
}

// readCommand builds the command of a line, reading its payload. Line and
// payload are copied once, into one string that all fields share.
func (r *Reader) readCommand(line []byte, bareLF bool) (Command, error) {
	params := bytes.Count(line, []byte{' '})
	if params > MaxParams {
		return Command{}, fmt.Errorf("%w: %d parameters, more than %d", ErrProtocol, params, MaxParams)
	}
	length, hasPayload, err := r.payloadLength(line, params)
	if err != nil {
		return Command{}, err
	}
	lineLen := len(line)
	var unit strings.Builder
	unit.Grow(min(lineLen+length, max(lineLen, firstGrow)))
	unit.Write(line)
	if err := r.copyPayload(&unit, length); err != nil {
		return Command{}, err
	}
	text := unit.String()
	c := Command{Verb: text[:3], Payload: text[lineLen:], HasPayload: hasPayload, bareLF: bareLF}
	c.Args = splitParams(text[3:lineLen], params)
	if hasPayload {
		c.Args = c.Args[:params-1]
	}
	return c, nil
}

// payloadLength decides by verb, direction and last parameter whether a payload
// follows, and how long it is.
func (r *Reader) payloadLength(line []byte, params int) (int, bool, error) {
	rule := ruleFor(string(line[:3]), r.from)
	if Dialect(r.dialect.Load()) >= FirstSOAP && params == 2 && r.from == FromServer && isDigit(line[0]) {
		rule = numericPayload
	}
	if rule == noPayload || rule == numericPayload && params < 2 {
		return 0, false, nil
	}
	var last []byte
	if params > 0 {
		last = line[bytes.LastIndexByte(line, ' ')+1:]
	}
	if rule == numericPayload && len(last) > 0 && isLetter(last[0]) {
		return 0, false, nil // "OK", or the name of a file
	}
	n, ok := parseLength(last)
	if !ok {
		return 0, false, errLength(line)
	}
	return n, true, nil
}

// parseLength reads the length of a payload: decimal digits, at most MaxPayload.
func parseLength(s []byte) (int, bool) {
	n := 0
	for _, b := range s {
		if !isDigit(b) {
			return 0, false
		}
		if n = 10*n + int(b-'0'); n > MaxPayload {
			return 0, false
		}
	}
	return n, len(s) > 0
}

func errLength(line []byte) error {
	return fmt.Errorf("%w: %s without a length of its payload between 0 and %d bytes", ErrProtocol, line[:3], MaxPayload)
}

func (r *Reader) copyPayload(unit *strings.Builder, n int) error {
	for n > 0 {
		chunk, err := r.buf.Peek(max(1, min(n, r.buf.Buffered())))
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		unit.Write(chunk)
		if _, err := r.buf.Discard(len(chunk)); err != nil {
			return err
		}
		n -= len(chunk)
	}
	return nil
}

// splitParams cuts " a b  c" into its n parameters at every single space, so
// that empty ones are kept.
func splitParams(s string, n int) []string {
	if n == 0 {
		return nil
	}
	args := make([]string, 0, n)
	start := 1
	for i := 1; i < len(s); i++ {
		if s[i] == ' ' {
			args = append(args, s[start:i])
			start = i + 1
		}
	}
	args = append(args, s[start:])
	return args
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

func isLetter(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }
