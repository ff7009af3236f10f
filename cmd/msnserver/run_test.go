package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"matrix-msn/msn/msntest"
	"matrix-msn/msn/passport"
	"matrix-msn/msn/slp"
	"matrix-msn/msn/wire"
)

const accounts = `
accounts:
  - email: alice@example.com
    password: secret
    name: Alice
    phones: {home: 555 0100}
    pager: true
    unread: {inbox: 3, folders: 1}
    groups: [Friends]
    contacts:
      - {email: bob@example.com, groups: [Friends]}
    blocked: [eve@example.com]
  - email: bob@example.com
    echo: true
`

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "accounts.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// started is a program that runs until its context is cancelled.
type started struct {
	lines *bufio.Scanner
	stop  func() error
}

func start(t *testing.T, args ...string) started {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, args, w, io.Discard)
		_ = w.CloseWithError(io.EOF)
		ended <- err
	}()
	stop := func() error {
		cancel()
		_, _ = io.Copy(io.Discard, r)
		return <-ended
	}
	t.Cleanup(cancel)
	return started{lines: bufio.NewScanner(r), stop: stop}
}

// until reads lines up to one that contains text.
func (s started) until(t *testing.T, text string) string {
	t.Helper()
	for s.lines.Scan() {
		if strings.Contains(s.lines.Text(), text) {
			return s.lines.Text()
		}
	}
	t.Fatalf("never printed %q", text)
	return ""
}

func TestClientSignsInAndTheProgramSaysSo(t *testing.T) {
	t.Parallel()
	p := start(t, "-file", writeFile(t, accounts), "-account", "carol@example.com:pw",
		"-ns-port", "0", "-sb-port", "0", "-https-port", "0", "-cert-out", t.TempDir())
	fields := strings.Fields(p.until(t, "notification"))
	p.until(t, "Ctrl-C ends.")

	nc, err := net.Dial("tcp", fields[1])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = nc.Close() }()
	if err := nc.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	r := wire.NewReader(nc, wire.FromServer)
	ask := func(line string) wire.Command {
		t.Helper()
		if _, err := io.WriteString(nc, line+"\r\n"); err != nil {
			t.Fatal(err)
		}
		cmd, err := r.Read()
		if err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	ask("VER 1 MSNP7 CVR0")
	ask("INF 2")
	salt := ask("USR 3 MD5 I alice@example.com").Arg(3)
	if ok := ask("USR 4 MD5 S " + passport.MD5Response(salt, "secret")); ok.Arg(3) != "Alice" {
		t.Fatalf("got %v", ok)
	}
	if got := p.until(t, "alice@example.com"); !strings.HasSuffix(got, "alice@example.com signed in with MSNP7") {
		t.Errorf("printed %q", got)
	}
	if profile, err := r.Read(); err != nil || profile.Verb != "MSG" {
		t.Fatalf("got %v, %v", profile, err)
	}
	ask("SYN 5 0")
	var lists []string
	for range 16 {
		cmd := ask("PNG")
		for cmd.Verb != "QNG" {
			lists = append(lists, strings.Join(append([]string{cmd.Verb}, cmd.Args...), " "))
			if cmd, err = r.Read(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, want := range []string{"LST 5 FL 4 1 1 bob@example.com bob@example.com 1", "LST 5 BL 4 1 1 eve@example.com eve@example.com",
		"PRP 5 4 PHH 555%200100", "PRP 5 4 MOB Y", "LSG 5 4 2 2 1 Friends 0"} {
		found := false
		for _, line := range lists {
			found = found || line == want
		}
		if !found {
			t.Errorf("no %q in\n%s", want, strings.Join(lists, "\n"))
		}
	}
	mail := ask("CHG 6 NLN")
	for mail.Verb != "MSG" {
		if mail, err = r.Read(); err != nil {
			t.Fatal(err)
		}
	}
	if body := wire.Header(wire.ParseMessage(mail.Payload).Body); body.Get("Inbox-Unread") != "3" || body.Get("Folders-Unread") != "1" {
		t.Errorf("mail notice %q", mail.Payload)
	}
	_ = nc.Close()
	p.until(t, "alice@example.com signed out")
	if err := p.stop(); err != nil {
		t.Errorf("ended with %v", err)
	}
}

func TestBadFilesAndFlagsAreExplained(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		file string
		args []string
		want string
	}{
		"no accounts":         {"", nil, "no accounts"},
		"no such file":        {"", []string{"-file", "/does/not/exist"}, "no such file"},
		"not YAML":            {"accounts: [", nil, "yaml"},
		"unknown field":       {"acounts: []", nil, "field acounts not found"},
		"no address":          {"accounts: [{email: alice, password: x}]", nil, `account 1: "alice" is no e-mail address`},
		"no password":         {"accounts: [{email: a@b}]", nil, "a@b has no password"},
		"later without echo":  {"accounts: [{email: a@b, password: x, later: true}]", nil, "a@b is later"},
		"twice":               {"accounts: [{email: a@b, password: x}, {email: A@b, password: x}]", nil, "account 2: A@b is there twice"},
		"unknown contact":     {"accounts: [{email: a@b, password: x, contacts: [{email: c@d}]}]", nil, `contact "c@d" is not among the accounts`},
		"unknown group":       {"accounts: [{email: a@b, password: x, contacts: [{email: a@b, groups: [G]}]}]", nil, `group "G"`},
		"unknown friend":      {"accounts: [{email: a@b, password: x}]\nbefriend: [[a@b, c@d]]", nil, `befriend: "c@d"`},
		"plain log-in abroad": {"", []string{"-account", "a@b:x", "-listen", "0.0.0.0", "-login-http", "0"}, "loopback"},
		"half a certificate":  {"", []string{"-account", "a@b:x", "-cert", "x"}, "belong together"},
		"unknown dialect":     {"", []string{"-account", "a@b:x", "-dialects", "MSNP19"}, "MSNP19"},
		"argument":            {"", []string{"alice"}, `unexpected argument "alice"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := test.args
			if test.file != "" {
				args = append(args, "-file", writeFile(t, test.file))
			}
			err := run(t.Context(), args, io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q in it", err, test.want)
			}
		})
	}
}

func TestHelpShowsTheFile(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-h"}, io.Discard, &out); !errors.Is(err, flag.ErrHelp) {
		t.Fatalf("got %v", err)
	}
	start := strings.Index(out.String(), "  accounts:\n")
	end := strings.Index(out.String(), "Clients of MSNP2")
	if start < 0 || end < start {
		t.Fatalf("no file in\n%s", out.String())
	}
	var text strings.Builder
	for line := range strings.Lines(out.String()[start:end]) {
		text.WriteString(strings.TrimPrefix(line, "  "))
	}
	if config, err := readConfig(writeFile(t, text.String())); err != nil || len(config.Accounts) != 2 {
		t.Errorf("the file of the help text is read as %v, %v", config, err)
	}
}

// An account with echo has a picture, and sends a picture, a file and an emoticon when it is told the word.
func TestEchoHasAPictureAndSendsFiles(t *testing.T) {
	t.Parallel()
	srv := msntest.NewServer(t)
	config := fileConfig{Accounts: []accountConfig{{Email: "alice@example.com", Password: "secret"}, {Email: "bob@example.com", Echo: true}},
		Befriend: [][]string{{"alice@example.com", "bob@example.com"}}}
	config.apply(t.Context(), srv)
	files, texts := make(chan *msntest.OfferedFile, 2), make(chan string, 4)
	alice := srv.Play("alice@example.com", msntest.Script{
		Text:      func(_ *msntest.Chat, _, text string) { texts <- text },
		Messenger: &msntest.Messenger{Offered: func(o *msntest.OfferedFile) { o.Accept(); files <- o }},
	})
	chat, err := alice.Call(t.Context(), "bob@example.com")
	if err != nil {
		t.Fatal(err)
	}
	portrait := msntest.Portrait("bob@example.com")
	if got, err := chat.Fetch(t.Context(), "bob@example.com", slp.NewObject("bob@example.com", slp.ObjectPicture, portrait)); err != nil || !bytes.Equal(got, portrait) {
		t.Errorf("the picture has %d bytes, %v", len(got), err)
	}
	for word, name := range map[string]string{"picture": "landscape.png", " File ": "readme.txt"} {
		if err := chat.Say(word); err != nil {
			t.Fatal(err)
		}
		o := <-files
		if data, err := o.Wait(t.Context()); err != nil || o.Name != name || uint64(len(data)) != o.Size || len(data) == 0 {
			t.Errorf("%q: %s with %d bytes, %v", word, o.Name, len(data), err)
		}
	}
	for word, answer := range map[string]string{"emoticon": "This is me: :me:", "hello": "hello"} {
		if err := chat.Say(word); err != nil {
			t.Fatal(err)
		}
		if text := <-texts; text != answer {
			t.Errorf("%q is answered by %q", word, text)
		}
	}
}
