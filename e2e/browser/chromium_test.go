package browser

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image/color"
	"image/png"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// pageTime is how long anything may take to be seen in a page. It is far above what anything here takes, so that only
// what never comes runs into it, also on a loaded machine.
const pageTime = 90 * time.Second

// slowTime is from when on the log of a test says how long something took.
const slowTime = 5 * time.Second

// maxComplaints is how many lines of a page's console are kept.
const maxComplaints = 20

// browserNames are the programs that can be driven, the first that is there.
var browserNames = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

// findBrowser returns the path of the browser, "" where there is none.
func findBrowser() string {
	for _, name := range browserNames {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// chromium is the browser of all tests, which each open windows of their own in it, with a storage of their own.
type chromium struct {
	ctx   context.Context
	close func()
}

// startChromium starts the browser. It makes no connections of its own.
func startChromium(ctx context.Context, path, dir string) (*chromium, error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(dir), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
	)
	allocator, endAllocator := chromedp.NewExecAllocator(ctx, options...)
	browser, endBrowser := chromedp.NewContext(allocator, chromedp.WithErrorf(func(string, ...any) {}))
	cancel := func() {
		_ = chromedp.Cancel(browser) // asks it to end, and waits
		endBrowser()
		endAllocator()
	}
	if err := chromedp.Do(browser); err != nil {
		cancel()
		return nil, fmt.Errorf("start the browser: %w", err)
	}
	return &chromium{ctx: browser, close: cancel}, nil
}

// page is a window of the browser.
type page struct {
	t    *testing.T
	name string // of its pictures
	ctx  context.Context

	mu       sync.Mutex
	complain []string // what the page has written to its console, and what went wrong in it
}

// size is how large a window is, in pixels.
type size struct{ width, height int64 }

var (
	wide   = size{1100, 720}
	narrow = size{390, 740}
)

// open opens a window with a storage of its own at an address. When the test fails, it leaves a picture.
func (c *chromium) open(t *testing.T, name string, s size, address string) *page {
	t.Helper()
	ctx, cancel := chromedp.NewContext(c.ctx, chromedp.WithNewBrowserContext())
	p := &page{t: t, name: name, ctx: ctx}
	messages := chromedp.Console(ctx)
	var listening sync.WaitGroup
	listening.Go(func() { p.listen(messages) })
	t.Cleanup(func() {
		if t.Failed() {
			p.leavePicture()
		}
		cancel()
		listening.Wait()
	})
	p.do("open "+address, chromedp.EmulateViewport(s.width, s.height), chromedp.Navigate(address))
	return p
}

// listen notes what a page complains of, until it is closed.
func (p *page) listen(messages iter.Seq2[chromedp.ConsoleMessage, error]) {
	for m, err := range messages {
		if err != nil {
			return
		}
		if m.Type == "error" || m.IsException() {
			p.mu.Lock()
			if len(p.complain) < maxComplaints {
				p.complain = append(p.complain, m.String())
			}
			p.mu.Unlock()
		}
	}
}

func (p *page) complaints() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.complain...)
}

// do does something in the page, and fails the test when that cannot be done in time.
func (p *page) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, pageTime)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		p.t.Fatalf("%s cannot %s: %v", p.name, what, err)
	}
}

// run does something in the page that has a result, and fails the test when that cannot be done in time.
func run[T any](p *page, what string, action chromedp.Action[T]) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, pageTime)
	defer cancel()
	result, err := chromedp.Run(ctx, action)
	if err != nil {
		p.t.Fatalf("%s cannot %s: %v", p.name, what, err)
	}
	return result
}

// waits waits until a condition, an expression of JavaScript, holds in the page.
func (p *page) waits(what, condition string) {
	p.t.Helper()
	// Looked at whenever something changes, and now and then: sizes change and pictures load without that.
	script := fmt.Sprintf(`new Promise((resolve) => {
		const check = () => {
			let holds = false
			try { holds = Boolean(%s) } catch {}
			if (!holds) return false
			observer.disconnect()
			clearInterval(timer)
			resolve(true)
			return true
		}
		const observer = new MutationObserver(check)
		observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true })
		const timer = setInterval(check, 100)
		check()
	})`, condition)
	ctx, cancel := context.WithTimeoutCause(p.ctx, pageTime, errors.New("it has not come in "+pageTime.String()))
	defer cancel()
	begun := time.Now()
	for {
		_, err := chromedp.Run(ctx, chromedp.Evaluate[bool](script, chromedp.EvalAwaitPromise))
		switch {
		case err == nil:
			if took := time.Since(begun); took > slowTime {
				p.t.Logf("%s has shown %s after %s", p.name, what, took.Round(time.Millisecond))
			}
			return
		case ctx.Err() != nil:
			p.t.Fatalf("%s does not show %s: %v", p.name, what, context.Cause(ctx))
		case strings.Contains(err.Error(), "navigated"), strings.Contains(err.Error(), "context was destroyed"), strings.Contains(err.Error(), "Promise was collected"):
			// The page that was asked is gone; the next one is.
		default:
			p.t.Fatalf("%s does not show %s: %v", p.name, what, err)
		}
	}
}

// quote writes a text for JavaScript.
func quote(text string) string {
	quoted, _ := json.Marshal(text) // a text has JSON
	return string(quoted)
}

// one is the element that a selector names, the first that can be seen, as an expression.
func one(selector string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(%s)].find((e) => e.getClientRects().length > 0)`, quote(selector))
}

// with is the element that a selector names and that holds a text, the first that can be seen, as an expression.
func with(selector, text string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(%s)].find((e) => e.getClientRects().length > 0 && e.textContent.includes(%s))`, quote(selector), quote(text))
}

// click waits for an element, given as an expression, and clicks it, where nothing lies over it. That is done at once: a
// list that moves in between would have another one clicked.
func (p *page) click(what, element string) {
	p.t.Helper()
	p.waits(what+" to click", fmt.Sprintf(`(() => {
		const e = %s
		e.scrollIntoView({ block: 'nearest' })
		const r = e.getBoundingClientRect()
		if (e.disabled || !e.contains(document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2))) return false
		e.focus()
		e.click()
		return true
	})()`, element))
}

// types writes into the element that has the focus.
func (p *page) types(text string) {
	p.t.Helper()
	p.do("write", chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, input.InsertText, input.InsertTextParams{Text: text})
		return err
	}))
}

// press presses a key, as a keyboard does: what it writes comes of its going down, unless the page prevents that.
func (p *page) press(key string) {
	p.t.Helper()
	p.do("press a key", chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		for _, event := range kb.Encode([]rune(key)[0]) {
			if event.Type == input.DispatchKeyEventTypeChar {
				continue
			}
			if event.Key == "Enter" && event.Type != input.DispatchKeyEventTypeKeyUp {
				event.Type, event.Text = input.DispatchKeyEventTypeKeyDown, "\r"
			}
			if _, err := cdp.Call(ctx, target, input.DispatchKeyEvent, *event); err != nil {
				return err
			}
		}
		return nil
	}))
}

// spoken returns what a screen reader is told of the page: the names of elements by their roles.
func (p *page) spoken() map[string][]string {
	p.t.Helper()
	roles := make(map[string][]string)
	p.do("read as a screen reader does", chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		tree, err := cdp.Call(ctx, target, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
		if err != nil {
			return err
		}
		for _, node := range tree.Nodes {
			if node.Ignored || node.Role == nil || node.Name == nil {
				continue
			}
			var role, name string
			if err := errors.Join(json.Unmarshal(node.Role.Value, &role), json.Unmarshal(node.Name.Value, &name)); err != nil {
				return err
			}
			roles[role] = append(roles[role], name)
		}
		return nil
	}))
	return roles
}

// reads returns the value of an expression.
func (p *page) reads(expression string) string {
	p.t.Helper()
	return run(p, "read "+expression, chromedp.Evaluate[string](fmt.Sprintf("String(%s)", expression)))
}

// shot takes a picture of the page, which is kept where -screenshots names a directory. It has to show something.
func (p *page) shot(name string) {
	p.t.Helper()
	// What moves has come to its end, and no cursor blinks.
	p.do("leave the field", chromedp.Evaluate[chromedp.Void]("document.activeElement?.blur()"))
	p.waits("that nothing moves", `document.getAnimations().every((a) => a.playState !== 'running' || a.effect?.getTiming().iterations === Infinity)`)
	picture := p.picture()
	if colors := colorsOf(p.t, picture); colors < 8 {
		p.t.Errorf("the picture %s has %d colours: it shows nothing", name, colors)
	}
	if *screenshots == "" {
		return
	}
	if err := keepPicture(filepath.Join(*screenshots, name+".png"), picture); err != nil {
		p.t.Fatal(err)
	}
}

func (p *page) picture() []byte {
	p.t.Helper()
	return run(p, "take a picture", chromedp.CaptureScreenshot())
}

// leavePicture keeps a picture of a test that has failed.
func (p *page) leavePicture() {
	dir := *screenshots
	if dir == "" {
		dir = os.TempDir()
	}
	path := filepath.Join(dir, "failed-"+strings.ReplaceAll(p.t.Name(), "/", "-")+"-"+p.name+".png")
	ctx, cancel := context.WithTimeout(p.ctx, pageTime)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Logf("there is no picture of %s: %v", p.name, err)
		return
	}
	if err := keepPicture(path, picture); err != nil {
		p.t.Log(err)
		return
	}
	p.t.Logf("%s looks as in %s; it complains: %q", p.name, path, p.complaints())
}

// keepPicture writes a picture, as small as PNG makes it: the browser hurries.
func keepPicture(path string, picture []byte) error {
	decoded, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return err
	}
	var small bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, decoded); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, small.Bytes(), 0o644)
}

// colorsOf counts the colours of a picture.
func colorsOf(t *testing.T, picture []byte) int {
	t.Helper()
	decoded, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	colors := make(map[color.Color]bool)
	for y := range decoded.Bounds().Dy() {
		for x := range decoded.Bounds().Dx() {
			colors[decoded.At(x, y)] = true
		}
	}
	return len(colors)
}
