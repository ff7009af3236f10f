package file

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/rs/zerolog"
	"go.mau.fi/util/ffmpeg"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/reason"
	"matrix-msn/database"
	"matrix-msn/msn"
)

const (
	// maxClip is the largest recording that is fetched, in bytes: Messenger makes them of 15 seconds, which are
	// 30 KiB, and other programs write them without compressing them.
	maxClip = 1 << 20
	// maxVoice is how long a recording of a voice is at most that is made another one: a longer one stays as it is,
	// whole.
	maxVoice = 10 * time.Minute
	// convertTimeout bounds that, and waiting for it.
	convertTimeout = time.Minute
	// maxConverting is how many are made at once for all logins: each takes a processor for itself.
	maxConverting = 2
	// wavRate is how many samples a second has of what is sent to MSN, of 2 bytes each, and wavHead the most that
	// stands before them.
	wavRate = 16000
	wavHead = 1 << 10

	// formats are those in which clients of Matrix record voices, as ffmpeg calls them. None of them names other
	// files: playlists do, and would bring those of the bridge's machine to contacts.
	formats = "ogg,matroska,webm,mov,mp4,m4a,mp3,aac,flac,amr,wav"

	clipName  = "voice clip.wav"
	voiceName = "voice clip.ogg"
)

// converting holds a token for each recording that is made another one.
var converting = make(chan struct{}, maxConverting)

// clip is a recording that a contact has announced, as an offer.
type clip struct {
	fetch func(ctx context.Context, w io.Writer) error
	never chan struct{} // an announcement does not end
}

// Accept implements fileOffer.
func (c *clip) Accept(ctx context.Context, w io.Writer, _ func(uint64)) error { return c.fetch(ctx, w) }

// Decline implements fileOffer: nobody waits for an answer.
func (c *clip) Decline() {}

// Ended implements fileOffer.
func (c *clip) Ended() <-chan struct{} { return c.never }

// Why implements fileOffer.
func (c *clip) Why() error { return nil }

// Spoken takes the recording of a voice that somebody has sent, or has the user asked whether they want it.
// refused says why it was not taken, "" when it was.
func (c *Coming) Spoken(ctx context.Context, evt msn.VoiceClipReceived, from string, portal networkid.PortalID) (refused string) {
	o := &offer{
		ComingFile: database.ComingFile{
			LoginID: c.cfg.Account.Login.ID, FileID: msnid.MakeChatMessageID(evt.Session, from, evt.Seq, 0, evt.At),
			PortalID: portal, Sender: from, Name: clipName, At: evt.At,
		},
		size: evt.Object.Size, voice: true, answer: make(chan bool, 1),
		file: &clip{fetch: func(ctx context.Context, w io.Writer) error { return c.cfg.Fetch(ctx, from, evt.Object, w) }},
	}
	if o.size > maxClip {
		return c.sentence(ctx, &o.ComingFile, reason.LargeFile{Most: maxClip})
	}
	return c.offered(ctx, o)
}

// asVoice makes a voice message of Matrix of a recording that was written to a file: Ogg Opus. It returns the file
// that takes its place, or "" where it stays as it is: ffmpeg is not installed, or does not read it.
func asVoice(ctx context.Context, written io.Writer, head []byte, content *event.MessageEventContent) (replacement string) {
	file, ok := written.(*os.File)
	length, isWAV := lengthOf(head, content.Info.Size)
	if !ok || !isWAV || length > maxVoice || !ffmpeg.Supported() {
		return ""
	}
	converted, err := convert(ctx, file.Name(), toMatrix)
	if err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("A voice clip is shown as the file that it is")
		return ""
	}
	info, err := os.Stat(converted)
	if err != nil || info.Size() == 0 {
		_ = os.Remove(converted)
		return ""
	}
	content.MsgType, content.Body, content.FileName = event.MsgAudio, voiceName, voiceName
	content.Info = &event.FileInfo{MimeType: "audio/ogg", Size: int(info.Size()), Duration: int(length.Milliseconds())}
	content.MSC1767Audio = &event.MSC1767Audio{Duration: int(length.Milliseconds())}
	content.MSC3245Voice = &event.MSC3245Voice{}
	return converted
}

// lengthOf returns how long a recording is, by the beginning of a WAV of so many bytes. It reports false for
// what is none.
func lengthOf(head []byte, size int) (time.Duration, bool) {
	const bytesPerSecond = 28 // where it stands, when the format comes first, as it does
	if len(head) < bytesPerSecond+4 || !bytes.HasPrefix(head, []byte("RIFF")) || string(head[8:16]) != "WAVEfmt " {
		return 0, false
	}
	rate := binary.LittleEndian.Uint32(head[bytesPerSecond:])
	if rate == 0 {
		return 0, false
	}
	return time.Duration(float64(size) / float64(rate) * float64(time.Second)), true
}

// voiceOf returns a voice message of Matrix as a recording that every Windows plays, and its size, or nil where it
// stays as it is. The caller closes and removes it.
func voiceOf(ctx context.Context, file *os.File) (wav *os.File, size uint64) {
	if !ffmpeg.Supported() {
		return nil, 0
	}
	name, err := convert(ctx, file.Name(), toMSN)
	if err == nil {
		wav, err = os.Open(name)
	}
	if err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("A voice message goes out as the file that it is")
		return nil, 0
	}
	info, err := wav.Stat()
	if err != nil || info.Size() == 0 || info.Size() > wavHead+2*wavRate*int64(maxVoice.Seconds()) {
		_ = wav.Close()
		_ = os.Remove(name)
		return nil, 0
	}
	return wav, uint64(info.Size())
}

// conversion is what is made of a recording, in words of ffmpeg: what it may be, the ending of the new file, and how that
// is written.
type conversion struct {
	formats, ending string
	how             []string
}

var (
	toMatrix = conversion{"wav", ".ogg", []string{"-ac", "1", "-c:a", "libopus", "-b:a", "24k"}}
	toMSN    = conversion{formats, ".wav", []string{"-ac", "1", "-ar", strconv.Itoa(wavRate), "-c:a", "pcm_s16le"}}
)

// arguments are what ffmpeg is told before the name of the file that it reads, and behind it. It reads no other files,
// whatever the first says, and opens no connections.
func (c conversion) arguments() (in, out []string) {
	// What is wrong with a recording is not logged line by line: there may be one for each of its packets.
	in = []string{"-y", "-nostdin", "-loglevel", "fatal", "-threads", "1", "-protocol_whitelist", "file", "-format_whitelist", c.formats}
	out = append([]string{"-map", "0:a:0", "-map_metadata", "-1", "-t", strconv.Itoa(int(maxVoice.Seconds()) + 1)}, c.how...)
	return in, out
}

// convert has ffmpeg make a new file of one, of as much as shows that it is too long.
func convert(ctx context.Context, from string, c conversion) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, convertTimeout)
	defer cancel()
	select {
	case converting <- struct{}{}:
		defer func() { <-converting }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	to, err := os.CreateTemp(filepath.Dir(from), "voice-*"+c.ending)
	if err != nil {
		return "", err
	}
	_ = to.Close()
	in, out := c.arguments()
	if err := ffmpeg.ConvertPathWithDestination(ctx, from, to.Name(), in, out, false); err != nil {
		_ = os.Remove(to.Name())
		return "", err
	}
	return to.Name(), nil
}
