package bridge

import (
	"bytes"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"matrix-msn/bridge/config"
)

func pngOf(t *testing.T, side int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, side, side))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestIconIsFetchedWhenTheAdminAllowsIt(t *testing.T) {
	t.Parallel()
	for _, allowed := range []bool{true, false} {
		t.Run(map[bool]string{true: "allowed", false: "not"}[allowed], func(t *testing.T) {
			t.Parallel()
			var fetched atomic.Int32
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				fetched.Add(1)
				_, _ = w.Write(pngOf(t, 32))
			}))
			defer web.Close()
			b := newTestBridge(t, newTestServer(t), func(b *testBridge) {
				b.config = func(c *config.Config) { c.AlertIcons = allowed }
			})
			b.login()
			for _, text := range []string{"first", "second"} {
				n := calendar(text)
				n.Messages[0].IconURL = web.URL + "/En/img/calendar.png"
				b.alert(n)
				got, _ := b.waitAlert(0, text)
				if strings.Contains(got.html, `<img src="mxc://example.test/upload1" alt="" height="32">`) != allowed {
					t.Errorf("the HTML is %q", got.html)
				}
			}
			if n := fetched.Load(); n != map[bool]int32{true: 1, false: 0}[allowed] {
				t.Errorf("the icon was fetched %d times", n)
			}
		})
	}
}

func TestAlertWithoutUsableIconIsShownWithoutIt(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(http.NotFoundHandler())
	web.Close() // nothing listens there
	b := newTestBridge(t, newTestServer(t), func(b *testBridge) {
		b.config = func(c *config.Config) { c.AlertIcons = true }
	})
	b.login()
	n := calendar("no icon")
	n.Messages[0].IconURL = web.URL + "/x.png"
	b.alert(n)
	if got, _ := b.waitAlert(0, "no icon"); strings.Contains(got.html, "<img") {
		t.Errorf("the HTML is %q", got.html)
	}
}

func TestDeadWebServerIsNotAskedForEveryIconOfItsOwn(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	web := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked.Add(1)
		panic(http.ErrAbortHandler) // hangs up
	}))
	defer web.Close()
	b := newTestBridge(t, newTestServer(t), func(b *testBridge) {
		b.config = func(c *config.Config) { c.AlertIcons = true }
	})
	b.login()
	for _, text := range []string{"first", "second", "third"} {
		n := calendar(text)
		n.Messages[0].IconURL = web.URL + "/x.png?" + text
		b.alert(n)
		b.waitAlert(0, text)
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}
