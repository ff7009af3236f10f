package msnftp

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// sender plays the other side: it hears lines and says bytes.
type sender struct {
	net.Conn
	lines *bufio.Reader
	heard []string
}

func (s *sender) hear() string {
	line, err := s.lines.ReadString('\n')
	if err != nil {
		return ""
	}
	line = strings.TrimRight(line, "\r\n")
	s.heard = append(s.heard, line)
	return line
}

func (s *sender) say(text string) { _, _ = io.WriteString(s.Conn, text) }

// greet is all before the first block.
func (s *sender) greet(size string) {
	s.hear()
	s.say("VER MSNFTP\r\n")
	s.hear()
	s.say("FIL " + size + "\r\n")
	s.hear()
}

func block(data string) string {
	return string([]byte{0, byte(len(data)), byte(len(data) >> 8)}) + data
}

const endBlock = "\x01\x00\x00"

func TestReceive(t *testing.T) {
	t.Parallel()
	failed := errors.New("it fails")
	for name, test := range map[string]struct {
		play   func(s *sender)
		want   error
		within time.Duration
		said   string // the last line
	}{
		"a file":                 {func(s *sender) { s.greet("11"); s.say(block("hello ") + block("world") + endBlock) }, nil, time.Second, "BYE 16777989"},
		"without its last block": {func(s *sender) { s.greet("11"); s.say(block("hello world")) }, nil, time.Second, "BYE 16777989"},
		"in small letters": {func(s *sender) {
			s.hear()
			s.say("ver msnftp\n")
			s.hear()
			s.say("fil 11\n")
			s.hear()
			s.say(block("hello world"))
		}, nil, time.Second, "BYE 16777989"},
		"it says less":            {func(s *sender) { s.greet("10") }, ErrProtocol, time.Second, "BYE 2164261694"},
		"it says more":            {func(s *sender) { s.greet("4294967295") }, ErrProtocol, time.Second, "BYE 2164261694"},
		"it says a negative size": {func(s *sender) { s.greet("-1") }, ErrProtocol, time.Second, "BYE 2164261694"},
		"it says no size":         {func(s *sender) { s.greet("") }, ErrProtocol, time.Second, "BYE 2164261694"},
		"it sends more":           {func(s *sender) { s.greet("11"); s.say(block("hello ") + block("world and more")) }, ErrProtocol, time.Second, "BYE 2164261694"},
		"it sends less":           {func(s *sender) { s.greet("11"); s.say(block("hello ") + endBlock) }, ErrCancelled, time.Second, "BYE 2164261694"},
		"it leaves":               {func(s *sender) { s.greet("11"); s.say(block("hello ")); _ = s.Close() }, ErrCancelled, time.Second, ""},
		"it leaves in a block":    {func(s *sender) { s.greet("11"); s.say(block("hello ")[:4]); _ = s.Close() }, ErrCancelled, time.Second, ""},
		"it goes silent":          {func(s *sender) { s.greet("11"); s.say(block("hello ")) }, ErrSilent, time.Minute, "BYE 2164261694"},
		"it never speaks":         {func(s *sender) { s.hear() }, ErrSilent, time.Minute, "BYE 2164261694"},
		"blocks of nothing":       {func(s *sender) { s.greet("11"); s.say(strings.Repeat(block(""), 50)) }, ErrProtocol, time.Second, "BYE 2164261694"},
		"blocks of no kind":       {func(s *sender) { s.greet("11"); s.say("\x05\x01\x00x") }, ErrProtocol, time.Second, "BYE 2164261694"},
		"an endless line":         {func(s *sender) { s.hear(); s.say(strings.Repeat("VER", 10_000)) }, ErrProtocol, 2 * time.Second, ""},
		"another protocol":        {func(s *sender) { s.hear(); s.say("SSH-2.0-x\r\n") }, ErrProtocol, time.Second, "BYE 2164261694"},
		"it takes it back":        {func(s *sender) { s.hear(); s.say("VER MSNFTP\r\n"); s.hear(); s.say("CCL\r\n") }, ErrCancelled, time.Second, "BYE 2164261694"},
		"a byte a time": {func(s *sender) {
			s.greet("11")
			for _, b := range []byte(block("hello world")) {
				time.Sleep(25 * time.Second)
				s.say(string(b))
			}
		}, nil, time.Hour, "BYE 16777989"},
		"a byte a time, for ever": {func(s *sender) {
			s.hear()
			for {
				time.Sleep(25 * time.Second)
				if _, err := s.Write([]byte("V")); err != nil {
					return
				}
			}
		}, ErrSilent, maxTime + time.Minute, ""},
		"what takes it fails": {func(s *sender) { s.greet("11"); s.say(block("fail")) }, failed, time.Second, "BYE 2164261694"},
		"it is stopped":       {func(s *sender) { s.greet("11"); s.say(block("stop")) }, context.Canceled, time.Second, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				s := &sender{Conn: far, lines: bufio.NewReader(far)}
				done := make(chan struct{})
				go func() {
					defer close(done)
					test.play(s)
					for s.hear() != "" {
					}
				}()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var got bytes.Buffer
				began := time.Now()
				err := Receive(ctx, near, File{Account: "alice@example.com", Cookie: "93301", Size: 11}, writer(func(b []byte) error {
					switch string(b) {
					case "fail":
						return failed
					case "stop":
						cancel()
						synctest.Wait() // it is heard before the next bytes are waited for
					}
					got.Write(b)
					return nil
				}), nil)
				took := time.Since(began)
				_ = far.Close()
				<-done
				if !errors.Is(err, test.want) || test.want == nil && (err != nil || got.String() != "hello world") || took > test.within || got.Len() > 11 {
					t.Errorf("after %v: %v, %q", took, err, &got)
				}
				if len(s.heard) == 0 || s.heard[0] != "VER MSNFTP" || len(s.heard) > 1 && !strings.HasPrefix(s.heard[1], "USR alice@example.com 93301") && !strings.HasPrefix(s.heard[1], "BYE ") {
					t.Errorf("said %q", s.heard)
				}
				if last := s.heard[len(s.heard)-1]; test.said != "" && last != test.said {
					t.Errorf("said %q at the end", last)
				}
			})
		})
	}
}

// Senders say behind a file that it was all. TCP resets a connection that is closed with bytes in it that nobody has read, and
// then a sender need not hear that the file has come.
func TestLastBlockIsReadAndTheSenderCloses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		last   string
		closes bool
		within time.Duration
	}{
		"the last block":       {endBlock, true, 0},
		"no last block":        {"", true, 0},
		"a sender who stays":   {endBlock, false, lastTime},
		"a sender who goes on": {strings.Repeat("x", 1<<20), false, lastTime},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				s := &sender{Conn: far, lines: bufio.NewReader(far)}
				played := make(chan struct{})
				go func() {
					defer close(played)
					s.greet("5")
					s.say(block("hello"))
					sent := make(chan error, 1)
					go func() {
						_, err := io.WriteString(far, test.last)
						sent <- err
					}()
					if said := s.hear(); said != "BYE 16777989" {
						t.Errorf("said %q", said)
					}
					if err := <-sent; err != nil {
						t.Errorf("what comes behind the file is not read: %v", err)
					}
					if test.closes {
						_ = far.Close()
					}
				}()
				began := time.Now()
				if err := Receive(t.Context(), near, File{Account: "a@b", Cookie: "1", Size: 5}, io.Discard, nil); err != nil {
					t.Error(err)
				}
				if took := time.Since(began); took > test.within {
					t.Errorf("it took %v", took)
				}
				<-played
				_ = far.Close()
			})
		})
	}
}

type writer func([]byte) error

func (w writer) Write(b []byte) (int, error) {
	if err := w(b); err != nil {
		return 0, err
	}
	return len(b), nil
}

// FuzzReceive gives whatever a sender says.
func FuzzReceive(f *testing.F) {
	f.Add("VER MSNFTP\r\nFIL 11\r\n" + block("hello world") + endBlock)
	f.Add("VER MSNFTP\r\nFIL 11\r\n" + block("hello") + "\x00\xff\xff")
	f.Fuzz(func(t *testing.T, said string) {
		synctest.Test(t, func(t *testing.T) {
			near, far := net.Pipe()
			go func() { _, _ = io.Copy(io.Discard, far) }()
			go func() {
				_, _ = io.WriteString(far, said)
				_ = far.Close()
			}()
			var got bytes.Buffer
			err := Receive(t.Context(), near, File{Account: "a@b", Cookie: "1", Size: 11}, &got, nil)
			if got.Len() > 11 || err == nil && got.Len() != 11 {
				t.Errorf("%d bytes, %v", got.Len(), err)
			}
			_ = far.Close()
		})
	})
}
