package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/reason"
	"matrix-msn/msn"
)

// waiting is an offer that nobody takes.
type waiting struct {
	ended    chan struct{}
	why      error
	declined bool
}

func (w *waiting) Accept(context.Context, io.Writer, func(uint64)) error { return msn.ErrNoOffer }
func (w *waiting) Decline()                                              { w.declined = true }
func (w *waiting) Ended() <-chan struct{}                                { return w.ended }
func (w *waiting) Why() error                                            { return w.why }

// A file waits five minutes for the user's word.
func TestHowLongAFileWaitsForAnAnswer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		do       func(c *Coming, o *offer, w *waiting, stop context.CancelFunc)
		want     error
		after    time.Duration
		accepted bool
	}{
		"nobody answers": {do: func(*Coming, *offer, *waiting, context.CancelFunc) {}, want: reason.ErrFileUndecided, after: 5 * time.Minute},
		"yes":            {do: func(_ *Coming, o *offer, _ *waiting, _ context.CancelFunc) { o.answer <- true }, after: time.Minute, accepted: true},
		"no":             {do: func(_ *Coming, o *offer, _ *waiting, _ context.CancelFunc) { o.answer <- false }, want: errUnwanted, after: time.Minute},
		"taken back": {do: func(_ *Coming, _ *offer, w *waiting, _ context.CancelFunc) {
			w.why = msn.ErrCancelled
			close(w.ended)
		}, want: msn.ErrCancelled, after: time.Minute},
		"their Messenger waits no more": {do: func(_ *Coming, _ *offer, w *waiting, _ context.CancelFunc) {
			w.why = msn.ErrSilent
			close(w.ended)
		}, want: reason.ErrFileUndecided, after: time.Minute},
		"nobody says why":  {do: func(_ *Coming, _ *offer, w *waiting, _ context.CancelFunc) { close(w.ended) }, want: msn.ErrGone, after: time.Minute},
		"the bridge stops": {do: func(_ *Coming, _ *offer, _ *waiting, stop context.CancelFunc) { stop() }, want: context.Canceled, after: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				w := &waiting{ended: make(chan struct{})}
				c, o := NewComing(ComingConfig{}), &offer{asked: true, answer: make(chan bool, 1), file: w}
				began := time.Now()
				timer := time.AfterFunc(time.Minute, func() { test.do(c, o, w, stop) })
				defer timer.Stop()
				if err := c.wanted(ctx, o); !errors.Is(err, test.want) || time.Since(began) != test.after || w.declined == test.accepted || o.over == test.accepted {
					t.Errorf("after %s: %v, declined %v, over %v", time.Since(began), err, w.declined, o.over)
				}
			})
		})
	}
}

// statuses gathers what is told of a message.
type statuses struct {
	bridgev2.MatrixConnector
	told []string
}

func (s *statuses) SendMessageStatus(_ context.Context, ms *bridgev2.MessageStatus, _ *bridgev2.MessageStatusEventInfo) {
	time.Sleep(time.Second) // it takes its time
	s.told = append(s.told, fmt.Sprint(ms.Status, " ", ms.Message))
}

// Of a file that goes out quickly a few steps are told, and whoever sends it does not wait for them.
func TestProgressIsToldInSteps(t *testing.T) {
	t.Parallel()
	for name, pause := range map[string]time.Duration{"slowly": 10 * time.Second, "at once": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var s statuses
				p := &progress{ctx: t.Context(), account: &account.Account{Bridge: &bridgev2.Bridge{Matrix: &s}}, news: make(chan int, 1), last: -1}
				p.begin()
				p.size = 1000
				began := time.Now()
				for done := uint64(0); done <= 1000; done += 25 {
					p.told(done)
					time.Sleep(pause)
				}
				if took := time.Since(began); took != 41*pause {
					t.Errorf("the sender waits for %s", took)
				}
				p.end()
				p.told(500) // too late
				first := []string{"PENDING The file is offered.", "PENDING The file is accepted.", "PENDING 10 % of the file has gone out."}
				switch {
				case pause == 0 && (len(s.told) > 2 || s.told[len(s.told)-1] != "PENDING 90 % of the file has gone out."):
					t.Errorf("told %q", s.told)
				case pause > 0 && (len(s.told) != 11 || !slices.Equal(s.told[:3], first) || !slices.Contains(s.told, "PENDING 30 % of the file has gone out.")):
					t.Errorf("told %q", s.told)
				}
			})
		})
	}
}

func TestNamesOfFilesToContacts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		kind             event.MessageType
		name, mime, want string
	}{
		{event.MsgImage, "cat.png", "image/jpeg", "cat.png"},
		{event.MsgImage, "cat", "image/png", "cat.png"},
		{event.MsgImage, "", "image/jpeg", "picture.jpg"},
		{event.CapMsgSticker, "hug", "image/webp; x=y", "hug.webp"},
		{event.MsgAudio, "Voice message", "audio/ogg; codecs=opus", "Voice message.ogg"},
		{event.MsgFile, "../../etc/passwd", "", "passwd"},
		{event.MsgFile, "a\nb\u202e.txt", "", "a b.txt"},
		{event.MsgFile, "..", "", "file"},
		{event.MsgVideo, "", "", "video"},
	} {
		if got := nameOf(&event.MessageEventContent{MsgType: test.kind, Body: test.name, Info: &event.FileInfo{MimeType: test.mime}}); got != test.want {
			t.Errorf("%q is called %q, want %q", test.name, got, test.want)
		}
	}
}
