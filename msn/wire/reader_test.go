package wire

import (
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// readAll reads every command of text.
func readAll(text string, from Direction, d Dialect) ([]Command, error) {
	r := NewReader(strings.NewReader(text), from)
	r.SetDialect(d)
	var cmds []Command
	for {
		cmd, err := r.Read()
		if errors.Is(err, io.EOF) {
			return cmds, nil
		}
		if err != nil {
			return cmds, err
		}
		cmd.bareLF = false
		cmds = append(cmds, cmd)
	}
}

func TestReadCommands(t *testing.T) {
	t.Parallel()
	payload := func(p string, verb string, args ...string) Command { return New(verb, args...).WithPayload(p) }
	tests := map[string]struct {
		text string
		from Direction
		d    Dialect
		want []Command
	}{
		"command without parameters": {"PNG\r\n", FromClient, 0, []Command{New("PNG")}},
		"line feed alone":            {"VER 1 MSNP8\nPNG\n", FromClient, 0, []Command{New("VER", "1", "MSNP8"), New("PNG")}},
		"empty parameters":           {"PRP 10  PHH \r\n", FromServer, 0, []Command{New("PRP", "10", "", "PHH", "")}},
		"raw UTF-8 in a name":        {"NLN NLN a@b Carol%20♥\r\n", FromServer, 8, []Command{New("NLN", "NLN", "a@b", "Carol%20♥")}},
		"payload with line ends": {"MSG a@b A 6\r\nx\r\ny\r\nPNG\r\n", FromServer, 0,
			[]Command{payload("x\r\ny\r\n", "MSG", "a@b", "A"), New("PNG")}},
		"payload of no bytes":         {"UBX a@b 0\r\nQNG\r\n", FromServer, 11, []Command{payload("", "UBX", "a@b"), New("QNG")}},
		"ADL answered OK":             {"ADL 5 OK\r\n", FromServer, 13, []Command{New("ADL", "5", "OK")}},
		"ADL with a list":             {"ADL 0 5\r\n<ml/>", FromServer, 13, []Command{payload("<ml/>", "ADL", "0")}},
		"GCF of MSNP11":               {"GCF 6 Shields.xml 2\r\nxy", FromServer, 11, []Command{payload("xy", "GCF", "6", "Shields.xml")}},
		"GCF of MSNP13":               {"GCF 0 2\r\nxy", FromServer, 13, []Command{payload("xy", "GCF", "0")}},
		"GCF asked for":               {"GCF 6 Shields.xml\r\n", FromClient, 11, []Command{New("GCF", "6", "Shields.xml")}},
		"UUX confirmed with a TrID":   {"UUX 8\r\nQNG\r\n", FromServer, 11, []Command{New("UUX", "8"), New("QNG")}},
		"QRY asks with a payload":     {"QRY 5 id 2\r\nxy", FromClient, 6, []Command{payload("xy", "QRY", "5", "id")}},
		"QRY is answered without one": {"QRY 5\r\nQNG\r\n", FromServer, 6, []Command{New("QRY", "5"), New("QNG")}},
		"SDC asks with a payload":     {"SDC 2 a b c d X X n 0\r\nPNG\r\n", FromClient, 5, []Command{payload("", "SDC", "2", "a", "b", "c", "d", "X", "X", "n"), New("PNG")}},
		"number at the end of BLP":    {"GTC 5 255\r\nQNG 60\r\n", FromServer, 7, []Command{New("GTC", "5", "255"), New("QNG", "60")}},
		"error":                       {"911 4\r\n", FromServer, 8, []Command{New("911", "4")}},
		"error with payload":          {"241 4 3\r\nxyz", FromServer, 13, []Command{payload("xyz", "241", "4")}},
		"error of old dialects":       {"241 4 3\r\nQNG\r\n", FromServer, 12, []Command{New("241", "4", "3"), New("QNG")}},
		"empty lines":                 {"\r\n\r\nPNG\r\n", FromClient, 0, []Command{New("PNG")}},
		"lines that are no commands":  {"hello\r\nPn g\r\nPNGX\r\nPNG\r\n", FromClient, 0, []Command{New("PNG")}},
		"unknown command": {"FOO 1 BAR\r\nPNG\r\n", FromClient, 0,
			[]Command{New("FOO", "1", "BAR"), New("PNG")}},
		"resynchronised after the payload of an unknown command": {
			"XYZ 1 24\r\nABC 1\r\nfoo bar\r\n911 oh\r\nNLN NLN a@b A\r\n", FromServer, 8,
			[]Command{New("XYZ", "1", "24"), New("NLN", "NLN", "a@b", "A")}},
		"error number after an unknown command": {"XYZ 1\r\n911 4\r\n", FromServer, 8,
			[]Command{New("XYZ", "1"), New("911", "4")}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := readAll(test.text, test.from, test.d)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got  %#v\nwant %#v", got, test.want)
			}
		})
	}
}

func TestReadFromSmallPieces(t *testing.T) {
	t.Parallel()
	text := "VER 1 MSNP8\r\nMSG a@b A 9\r\nx\r\n\r\ny\r\nzQNG\r\n" +
		"NLN NLN a@b " + strings.Repeat("n", 5000) + "\r\nMSG a@b A 5000\r\n" + strings.Repeat("p", 5000) + "QNG\r\n"
	for name, wrap := range map[string]func(io.Reader) io.Reader{
		"one byte at a time": iotest.OneByteReader,
		"halves":             iotest.HalfReader,
		"error with data":    iotest.DataErrReader,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := NewReader(wrap(strings.NewReader(text)), FromServer)
			var verbs []string
			for {
				cmd, err := r.Read()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				verbs = append(verbs, cmd.Verb)
			}
			if got := strings.Join(verbs, " "); got != "VER MSG QNG NLN MSG QNG" {
				t.Errorf("read %s", got)
			}
		})
	}
}

func TestReadEndsInsideACommand(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"line":           "VER 1 MSN",
		"long line":      "VER 1 " + strings.Repeat("x", 4000),
		"before payload": "MSG a@b A 5\r\n",
		"payload":        "MSG a@b A 5\r\nxyz",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := readAll(text, FromServer, 8); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestReadHandsOnTheErrorOfTheConnection(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, text := range []string{"", "VER", "MSG a@b A 5\r\nx"} {
		r := NewReader(io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)), FromServer)
		if _, err := r.Read(); !errors.Is(err, broken) {
			t.Errorf("after %q: %v", text, err)
		}
	}
}

// Who waits holds no buffer, and loses nothing by it: however the bytes come.
func TestReaderThatWaitsHoldsNoBuffer(t *testing.T) {
	t.Parallel()
	const sent = "CHG 1 NLN\r\nMSG Hotmail Hotmail 5\r\nhelloUBX a@example.com 0\r\nFLN a@example.com\r\n"
	for name, slow := range map[string]func(io.Reader) io.Reader{
		"at once": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader, "in halves": iotest.HalfReader,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := NewReader(slow(strings.NewReader(sent)), FromServer)
			var got []string
			for {
				if !r.Buffered() && r.buf != nil {
					t.Error("there is a buffer, and nothing in it")
				}
				err := r.Wait()
				if err == nil {
					err = r.Wait() // once more changes nothing
				}
				if err != nil {
					if err != io.EOF {
						t.Errorf("the end is %v", err)
					}
					break
				}
				cmd, err := r.Read()
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, cmd.Verb+cmd.Payload)
			}
			if want := []string{"CHG", "MSGhello", "UBX", "FLN"}; !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
