package alert

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
