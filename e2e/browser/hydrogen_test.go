package browser

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"maunium.net/go/mautrix/id"

	"matrix-msn/internal/childprocess"
)

// Hydrogen is fetched by npm and bundled outside of this tree, in the directory for caches, where the next run finds
// it. Nothing of it is kept here but which versions it is.

//go:embed client/package.json client/package-lock.json client/main.js client/index.html
var client embed.FS

// What is served of the packages, by the path under which the client asks for it.
var served = map[string]string{
	"/assets/": "node_modules/hydrogen-view-sdk/asset-build/assets",
	"/olm/":    "node_modules/@matrix-org/olm",
}

const (
	bundleName    = "client.js"
	serviceWorker = "node_modules/hydrogen-view-sdk/lib-build/sw.js"
)

// errNoRegistry says that npm cannot fetch anything here.
var errNoRegistry = errors.New("npm does not reach its registry, from which it fetches the web client once")

// unreachable is what npm says then.
var unreachable = regexp.MustCompile(`npm (error|ERR!) code (ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH)`)

// buildHydrogen fetches and bundles the client, unless that was done before, and returns the directory of it. It fails
// with errNoRegistry where there is no network.
func buildHydrogen(ctx context.Context, npm string) (string, error) {
	caches, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the directory for caches: %w", err)
	}
	files, err := fs.Sub(client, "client")
	if err != nil {
		return "", err
	}
	name, err := nameOf(files)
	if err != nil {
		return "", err
	}
	parent := filepath.Join(caches, "matrix-msn")
	done := filepath.Join(parent, "hydrogen-"+name)
	if _, err := os.Stat(done); err == nil {
		return done, nil
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", err
	}
	// Under another name until it is whole: a test that was interrupted leaves nothing that the next one takes for it.
	work, err := os.MkdirTemp(parent, "building-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	if err := os.CopyFS(work, files); err != nil {
		return "", err
	}
	fmt.Fprintln(os.Stderr, "Hydrogen: npm fetches it, once for this version")
	for _, command := range [][]string{
		// No program of a package is run: none here needs that.
		{npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"},
		// What is left out, only programs outside of a browser ask for.
		{filepath.Join(work, "node_modules", ".bin", "esbuild"), "main.js", "--bundle", "--format=esm", "--external:crypto", "--external:path", "--external:fs", "--log-level=warning", "--outfile=" + bundleName},
	} {
		cmd := exec.CommandContext(ctx, command[0], command[1:]...)
		cmd.Dir = work
		childprocess.Isolate(cmd)
		said, err := cmd.CombinedOutput()
		switch {
		case err != nil && unreachable.Match(said):
			return "", errNoRegistry
		case err != nil:
			return "", fmt.Errorf("build Hydrogen (needs the npm registry the first time): %s: %w\n%s", filepath.Base(command[0]), err, childprocess.LastLines(string(said)))
		}
	}
	if err := os.Rename(work, done); err != nil {
		if _, there := os.Stat(done); there == nil {
			return done, nil // of another run beside this one
		}
		return "", err
	}
	return done, nil
}

// nameOf is a name that files have together, which changes when one of them does.
func nameOf(files fs.FS) (string, error) {
	hash := sha256.New()
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, path)
		fmt.Fprintf(hash, "%s %d\n%s", path, len(content), content)
		return err
	})
	return hex.EncodeToString(hash.Sum(nil)[:8]), err
}

// serveHydrogen serves the client on loopback, and under the same address what it asks of a homeserver. stop ends it.
func serveHydrogen(dir, homeserver string) (address string, stop func() error, err error) {
	target, err := url.Parse(homeserver)
	if err != nil {
		return "", nil, err
	}
	mux := http.NewServeMux()
	// Browsers end requests in the middle, which is no news.
	mux.Handle("/_matrix/", &httputil.ReverseProxy{
		FlushInterval: -1, ErrorLog: nil,
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ErrorHandler: func(rw http.ResponseWriter, _ *http.Request, _ error) { rw.WriteHeader(http.StatusBadGateway) },
	})
	for path, part := range served {
		mux.Handle("GET "+path, http.StripPrefix(path, http.FileServer(http.Dir(filepath.Join(dir, part)))))
	}
	file := func(name string) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) { http.ServeFile(rw, r, filepath.Join(dir, name)) }
	}
	mux.HandleFunc("GET /sw.js", file(serviceWorker))
	mux.HandleFunc("GET /client.js", file(bundleName))
	index, err := client.ReadFile("client/index.html")
	if err != nil {
		return "", nil, err
	}
	// By ourselves: net/http would answer /index.html with a redirect, of which the service worker makes an error.
	mux.HandleFunc("GET /{$}", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = rw.Write(index)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	return "http://" + listener.Addr().String(), func() error {
		err := server.Close()
		if ended := <-ended; !errors.Is(ended, http.ErrServerClosed) {
			err = errors.Join(err, ended)
		}
		return err
	}, nil
}

// hydrogen is the web client in a page, with somebody logged in.
type hydrogen struct {
	*page
	// encrypted is set when all rooms are.
	encrypted bool
}

// logIn opens the client and logs somebody in, as a person does, who enters encrypted rooms or others.
func logIn(t *testing.T, name, user, password string, encrypted bool) hydrogen {
	t.Helper()
	h := hydrogen{chrome.open(t, name, wide, webClient), encrypted}
	h.click("the field for the user", one("#username"))
	h.types(user)
	h.click("the field for the password", one("#password"))
	h.types(password)
	h.click("the button to log in", with("button", "Log In"))
	h.waits("the rooms", one(".RoomList"))
	return h
}

// enter opens a room of the list.
func (h hydrogen) enter(room string) {
	h.t.Helper()
	h.click("the room "+room+" in the list", with(".RoomList li a", room))
	h.waits("the room "+room, with(".RoomHeader h2", room))
	// While a room is being made, the client can know of it and not yet that it is encrypted.
	field := one(".MessageComposer_input textarea")
	h.waits("the field for messages", fmt.Sprintf("%s?.placeholder.includes('encrypted') === %t", field, h.encrypted))
}

// writes sends what is written into the open room.
func (h hydrogen) writes(text string) {
	h.t.Helper()
	h.click("the field for messages", one(".MessageComposer_input textarea"))
	h.types(text)
	h.click("the button to send", one(".MessageComposer button.send:not(:disabled)"))
	h.waits("that "+text+" is sent", one(".MessageComposer_input textarea")+`.value === ""`)
}

// says writes a message into the open room, and sees it there.
func (h hydrogen) says(text string) {
	h.t.Helper()
	h.writes(text)
	h.sees(text)
	h.waits("that the homeserver has it", `!document.querySelector('.Timeline_message.unsent')`)
}

// logsInToMSN makes a chat with a bridge's bot, and logs her in there.
func (h hydrogen) logsInToMSN(p *people, bot id.UserID) {
	h.t.Helper()
	h.makeRoom("MSN")
	h.invites(bot)
	h.sees("Hello, I'm a")
	h.says("login home")
	h.sees("enter your e-mail")
	h.says(p.aliceAccount)
	h.sees("enter your password")
	h.writes(msnPassword)
	h.sees("Three things to try")
}

// invites invites somebody into the open room, in the panel for that, which is opened by its address. The client's command
// /invite would do the same and then send itself as a message, encrypted for those of whom the client knows by then:
// perhaps not for who was invited.
func (h hydrogen) invites(user id.UserID) {
	h.t.Helper()
	h.waits("the address of the room", `decodeURIComponent(location.hash).includes('/room/!')`)
	h.do("open the panel for invitations", chromedp.Evaluate[chromedp.Void](`void (location.hash += '/invite')`))
	h.click("the field for who is invited", one(".InvitePanelView__input"))
	h.types(user.String())
	h.click("the button to invite them", one(".InvitePanelView__btn"))
	h.waits("that they are invited", `!document.querySelector('.InvitePanelView')`)
}

// sees waits for a message in the open room.
func (h hydrogen) sees(text string) {
	h.t.Helper()
	h.waits("the message "+text, with(".Timeline_messageBody", text))
}

// makeRoom makes a room by the client's form, and enters it.
func (h hydrogen) makeRoom(name string) {
	h.t.Helper()
	h.click("the button for new rooms", one(".button-utility.create"))
	h.click("the choice to make a room", with(".menu button, .popupContainer button", "Create Room"))
	h.click("the field for the name", one("#name"))
	h.types(name)
	if h.encrypted != (h.reads(`document.getElementById('isEncrypted').checked`) == "true") {
		h.click("the choice of encryption", one("label[for=isEncrypted]"))
	}
	h.click("the button to make it", with(".CreateRoomView button[type=submit]", "Create"))
	// The client shows the room twice while it is being made, and may leave the one that it has entered.
	h.waits("the room "+name+" in the list", fmt.Sprintf(`[...document.querySelectorAll('.RoomList li a')].some((e) => e.textContent.includes(%s) && decodeURIComponent(e.href).includes('room/!'))`, quote(name)))
	h.enter(name)
}

// seesPicture waits for a picture of msntest in the open room, with all of its points.
func (h hydrogen) seesPicture() {
	h.t.Helper()
	h.waits("the picture", `[...document.querySelectorAll('.Timeline_messageBody img')].some((e) => e.naturalWidth === 320)`)
}
