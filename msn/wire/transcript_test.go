package wire_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"matrix-msn/msn/internal/transcript"
	"matrix-msn/msn/wire"
)

// Every unit of every recording is read and encoded again, byte for byte, in
// both directions. Units of NS and SB connections are MSNP; those of HTTP are the
// gateway, which carries MSNP in its bodies. HTTPS carries none and is left out.
func TestRecordingsReadAndEncodeTheSame(t *testing.T) {
	t.Parallel()
	transcript.Run(t, func(t *testing.T, recording transcript.Recording) {
		s := streams{dialects: make(map[string]wire.Dialect), pending: make(map[string]string)}
		for _, rec := range recording.Records {
			if err := s.check(rec); err != nil {
				t.Errorf("%v: %v", rec, err)
			}
		}
		if s.commands == 0 {
			t.Skip("this recording holds HTTPS only, which carries no MSNP")
		}
		t.Logf("%d commands", s.commands)
	}, filepath.Join("..", "testdata", "transcripts"))
}

// streams follows the connections of a recording.
type streams struct {
	dialects map[string]wire.Dialect // of each user, from the answer to VER
	pending  map[string]string       // the beginning of a command whose end is in the next unit
	commands int
}

func (s *streams) check(rec transcript.Record) error {
	var dir wire.Direction
	switch rec.Kind {
	case transcript.Connection:
		delete(s.pending, rec.Who+"/"+rec.Conn+"/client")
		delete(s.pending, rec.Who+"/"+rec.Conn+"/server")
		return nil
	case transcript.FromClient:
		dir = wire.FromClient
	case transcript.FromServer:
		dir = wire.FromServer
	default:
		return nil
	}
	text := rec.Text
	if !rec.MSN() {
		if strings.HasPrefix(rec.Conn, "HTTPS") {
			return nil
		}
		var err error
		if text, err = gatewayBody(text, dir); err != nil {
			return err
		}
	}
	key := rec.Who + "/" + rec.Conn + "/" + dir.String()
	rest, err := s.unit(rec.Who, s.pending[key]+text, dir)
	s.pending[key] = rest
	return err
}

// unit reads the commands of a unit and compares them with their encoding. It
// returns the beginning of a command that the unit cuts off, which only happens
// in recordings of segments.
func (s *streams) unit(who, text string, dir wire.Direction) (rest string, err error) {
	r := wire.NewReader(strings.NewReader(text), dir)
	r.SetDialect(s.dialects[who])
	at, gaps := 0, 0
	for {
		cmd, err := r.Read()
		switch {
		case errors.Is(err, io.ErrUnexpectedEOF) && !strings.HasSuffix(text, "\n"):
			return text[at:], nil
		case errors.Is(err, io.EOF):
			if gaps += len(text) - at; gaps != r.Skipped() {
				return "", fmt.Errorf("%d bytes are in no command, %d were passed over", gaps, r.Skipped())
			}
			return "", nil
		case err != nil:
			return "", err
		}
		s.commands++
		if d, ok := wire.ParseDialect(cmd.Arg(1)); ok && cmd.Verb == "VER" && dir == wire.FromServer {
			s.dialects[who] = d
			r.SetDialect(d)
		}
		encoded, err := wire.Append(nil, cmd)
		if err != nil {
			return "", err
		}
		// Lines that are no commands may stand before it.
		gap := strings.Index(text[at:], string(encoded))
		if gap < 0 {
			return "", fmt.Errorf("encoded again it is %q", encoded)
		}
		gaps += gap
		at += gap + len(encoded)
	}
}

// gatewayBody returns the MSNP in a request to the HTTP gateway, or in its
// answer.
func gatewayBody(text string, dir wire.Direction) (string, error) {
	r := bufio.NewReader(strings.NewReader(text))
	if dir == wire.FromClient {
		req, err := http.ReadRequest(r)
		if err != nil {
			return "", err
		}
		body, err := io.ReadAll(req.Body)
		if !strings.Contains(req.URL.Path, "gateway.dll") {
			return "", err
		}
		return string(body), err
	}
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if res.Header.Get("X-MSN-Messenger") == "" {
		return "", err
	}
	return string(body), err
}
