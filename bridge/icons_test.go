package bridge

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

func pngOf(t *testing.T, side int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, side, side))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// bomb is a small file that says it is a very large picture.
func bomb(t *testing.T) []byte {
	data := pngOf(t, 8)
	binary.BigEndian.PutUint32(data[16:], 100_000)
	binary.BigEndian.PutUint32(data[20:], 100_000)
	return data
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
				b.config = func(c *Config) { c.AlertIcons = allowed }
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
		b.config = func(c *Config) { c.AlertIcons = true }
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
		b.config = func(c *Config) { c.AlertIcons = true }
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

func TestWhatIsNoIconIsRefused(t *testing.T) {
	t.Parallel()
	icon, large := pngOf(t, 32), pngOf(t, maxIconSide+1)
	web := http.NewServeMux()
	serve := func(path string, data []byte) {
		web.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "image/png")
			_, _ = w.Write(data)
		})
	}
	serve("/good", icon)
	serve("/bomb", bomb(t))
	serve("/large", large)
	serve("/html", []byte("<html><script>x</script>"))
	serve("/svg", []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="x"/>`))
	serve("/empty", nil)
	serve("/cut", icon[:20])
	serve("/many", append(bytes.Clone(icon), make([]byte, maxIcon)...))
	web.HandleFunc("/error", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write(icon)
	})
	for path, to := range map[string]string{"/redirect": "/good", "/loop": "/loop", "/file": "file:///etc/passwd", "/user": "http://a@127.0.0.1/"} {
		web.Handle(path, http.RedirectHandler(to, http.StatusFound))
	}
	srv := httptest.NewServer(web)
	defer srv.Close()
	for path, good := range map[string]bool{
		"/good": true, "/redirect": true, "/bomb": false, "/large": false, "/html": false, "/svg": false, "/empty": false, "/cut": false,
		"/many": false, "/error": false, "/loop": false, "/file": false, "/user": false,
	} {
		data, format, err := fetchIcon(context.WithoutCancel(t.Context()), srv.URL+path, true)
		if good && (err != nil || format != "png" || !bytes.Equal(data, icon)) || !good && err == nil {
			t.Errorf("%s: %d bytes of %s, %v", path, len(data), format, err)
		}
	}
}

func TestIconsInTheOperatorsNetworkAreNotFetched(t *testing.T) {
	t.Parallel()
	var asked atomic.Bool
	web := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Store(true) }))
	defer web.Close()
	port := web.URL[strings.LastIndex(web.URL, ":"):]
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "0.0.0.0"} {
		if _, _, err := fetchIcon(t.Context(), "http://"+host+port+"/", false); !errors.Is(err, errIcon) {
			t.Errorf("%s: %v", host, err)
		}
	}
	for _, address := range []string{"http://169.254.169.254/latest/meta-data", "http://10.0.0.1/", "http://192.168.1.1/"} {
		if _, _, err := fetchIcon(t.Context(), address, false); !errors.Is(err, errIcon) {
			t.Errorf("%s: %v", address, err)
		}
	}
	if asked.Load() {
		t.Error("a server in the own network was asked")
	}
}
