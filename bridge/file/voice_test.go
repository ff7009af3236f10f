package file

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.mau.fi/util/ffmpeg"
	"maunium.net/go/mautrix/event"
)

// recorded is a WAV of so many seconds, of so many bytes each.
func recorded(seconds, rate int) []byte {
	le := binary.LittleEndian
	data := make([]byte, seconds*rate)
	for i := range data {
		data[i] = byte(i)
	}
	head := append([]byte("RIFF"), le.AppendUint32(nil, uint32(36+len(data)))...)
	head = append(head, "WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00"...)
	head = le.AppendUint32(le.AppendUint32(head, uint32(rate)), uint32(rate))
	head = append(head, 1, 0, 8, 0)
	return append(le.AppendUint32(append(head, "data"...), uint32(len(data))), data...)
}

// written puts data into a file of a directory.
func written(t *testing.T, dir, name string, data []byte) *os.File {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return file
}

// A voice message goes out as a recording; what only names other files, or is too long to be sent whole, as it is.
// Nothing is left beside it.
func TestVoiceOfOneFileOnly(t *testing.T) {
	t.Parallel()
	if !ffmpeg.Supported() {
		t.Skip("needs ffmpeg, as bridges do that convert voice messages: install it (Debian: apt install ffmpeg)")
	}
	dir := t.TempDir()
	secret, err := ffmpeg.ConvertPath(t.Context(), written(t, dir, "secret.wav", recorded(2, 8000)).Name(), ".aac", nil, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		data []byte
		want bool
	}{
		"a recording":      {recorded(2, 8000), true},
		"a long recording": {recorded(601, 4000), false},
		"a playlist":       {fmt.Appendf(nil, "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:2.0,\n%s\n#EXT-X-ENDLIST\n", secret), false},
		"a list of files":  {[]byte("ffconcat version 1.0\nfile secret.wav\n"), false},
		"no recording":     {[]byte("hello"), false},
	} {
		t.Run(name, func(t *testing.T) {
			wav, size := voiceOf(t.Context(), written(t, dir, "message", test.data))
			if got := wav != nil; got != test.want {
				t.Errorf("made another one: %v, of %d bytes", got, size)
			}
			if wav != nil {
				_ = wav.Close()
				_ = os.Remove(wav.Name())
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "voice-*")); len(left) > 0 {
				t.Errorf("left are %v", left)
			}
		})
	}
}

// Of a recording from MSN that is longer than a voice message may be nothing is cut off: it stays the file that it is.
func TestLongRecordingStaysWhole(t *testing.T) {
	t.Parallel()
	data := recorded(601, 1000)
	if length, ok := lengthOf(data, len(data)); !ok || length < 601*time.Second {
		t.Errorf("it lasts %v", length)
	}
	content := &event.MessageEventContent{MsgType: event.MsgAudio, Info: &event.FileInfo{Size: len(data)}}
	file := written(t, t.TempDir(), "clip", data)
	if got := asVoice(t.Context(), file, bytes.Clone(data[:maxHead]), content); got != "" || content.MSC3245Voice != nil {
		t.Errorf("made %q of it", got)
	}
}

// What ffmpeg is told keeps it to one file of a kind that names no others, to one track of sound without what else stands
// in the file, and to the time that shows that a recording is too long.
func TestWhatFFmpegIsTold(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		of      conversion
		in, out string
	}{
		"to Matrix": {toMatrix,
			"-y -nostdin -loglevel fatal -threads 1 -protocol_whitelist file -format_whitelist wav",
			"-map 0:a:0 -map_metadata -1 -t 601 -ac 1 -c:a libopus -b:a 24k"},
		"to MSN": {toMSN,
			"-y -nostdin -loglevel fatal -threads 1 -protocol_whitelist file -format_whitelist ogg,matroska,webm,mov,mp4,m4a,mp3,aac,flac,amr,wav",
			"-map 0:a:0 -map_metadata -1 -t 601 -ac 1 -ar 16000 -c:a pcm_s16le"},
	} {
		if in, out := test.of.arguments(); strings.Join(in, " ") != test.in || strings.Join(out, " ") != test.out {
			t.Errorf("%s: %q, %q", name, in, out)
		}
	}
}
