package alert

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	_ "image/gif" // the formats of icons
	_ "image/jpeg"
	_ "image/png"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/msgconv"
	"matrix-msn/database"
	"matrix-msn/msn/trust"
)

const (
	// iconTimeout bounds fetching an icon as a whole: the alert waits for it.
	iconTimeout = 10 * time.Second
	// maxIcon is the largest icon in bytes. They have less than 48 by 48 pixels.
	maxIcon = 256 << 10
	// maxIconSide is the longest side of an icon in pixels. It is told from the
	// header: nothing is decoded.
	maxIconSide = 1024
	// maxIconHops is how often a web server may point elsewhere.
	maxIconHops = 3
	// iconLife is how long an icon that is in Matrix is used for other alerts.
	iconLife = 7 * 24 * time.Hour
)

// iconOf returns where in Matrix the icon of an alert is, or "". It is brought
// there when the admin allows it, and does not hide the bridge behind a proxy. That it fails is no reason to hold an alert back.
func (al *Alerts) iconOf(ctx context.Context, a *database.Alert) id.ContentURIString {
	address, ok := msgconv.SafeLink(a.IconURL)
	if a.IconMXC != "" || !ok || !al.account.Config.AlertIcons || al.account.Service.Template.Proxy != nil {
		return a.IconMXC
	}
	log := zerolog.Ctx(ctx).With().Str("alert_id", string(a.AlertID)).Logger()
	known, err := al.account.DB.Alert.WithIcon(ctx, al.account.Login.ID, a.IconURL, time.Now().Add(-iconLife))
	if err == nil && known != nil {
		a.IconMXC = known.IconMXC
	} else if host, _ := msgconv.LinkHost(address); al.trouble.recent(address, time.Now()) || al.trouble.recent(host, time.Now()) {
		return ""
	} else if a.IconMXC, err = al.bringIcon(ctx, address); err != nil {
		if !errors.Is(err, errIcon) {
			address = host // it is the web server, so that its other icons would take as long
		}
		al.trouble.note(address, time.Now())
		log.Info().Err(err).Msg("The alert stays without its icon")
		return ""
	}
	if err := al.account.DB.Alert.SetIcon(ctx, a); err != nil {
		log.Err(err).Msg("Failed to note where an icon is")
	}
	return a.IconMXC
}

const (
	// iconRest is how long an icon that could not be had, or a web server that does not
	// answer, is left alone: alerts would wait for it one after the other.
	iconRest = 10 * time.Minute
	// maxIconTrouble is how many of them are remembered.
	maxIconTrouble = 100
)

// iconTrouble remembers icons that could not be had. The zero value is ready.
type iconTrouble struct {
	mu    sync.Mutex
	since map[string]time.Time
}

func (t *iconTrouble) recent(address string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	at, ok := t.since[address]
	return ok && now.Sub(at) < iconRest
}

func (t *iconTrouble) note(address string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.since == nil || len(t.since) >= maxIconTrouble {
		t.since = make(map[string]time.Time)
	}
	t.since[address] = now
}

func (al *Alerts) bringIcon(ctx context.Context, address string) (id.ContentURIString, error) {
	ctx, cancel := context.WithTimeout(ctx, iconTimeout)
	defer cancel()
	data, format, err := fetchIcon(ctx, address, al.account.Service.Template.Trust.AllowPrivate)
	if err != nil {
		return "", err
	}
	// Without a room: what everybody can fetch need not be encrypted.
	uri, _, err := al.account.Bridge.Bot.UploadMedia(ctx, "", data, "icon."+format, "image/"+format)
	return uri, err
}

var errIcon = errors.New("not an icon that can be shown")

// fetchIcon gets a small picture from a web server. With private it may be in the
// operator's own network, and at any port.
func fetchIcon(ctx context.Context, address string, private bool) (data []byte, format string, err error) {
	client := iconClient(private)
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", errIcon, err)
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, "", fmt.Errorf("%w: status %d", errIcon, response.StatusCode)
	}
	data, err = io.ReadAll(io.LimitReader(response.Body, maxIcon+1))
	if err != nil {
		return nil, "", err
	}
	if len(data) > maxIcon {
		return nil, "", fmt.Errorf("%w: more than %d bytes", errIcon, maxIcon)
	}
	// What the server calls it does not count, nor does a name: only what it is.
	header, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil || http.DetectContentType(data) != "image/"+format {
		return nil, "", fmt.Errorf("%w: no PNG, GIF or JPEG", errIcon)
	}
	if header.Width < 1 || header.Height < 1 || header.Width > maxIconSide || header.Height > maxIconSide {
		return nil, "", fmt.Errorf("%w: %d by %d pixels", errIcon, header.Width, header.Height)
	}
	return data, format, nil
}

// iconClient returns a client that reaches public web servers only, whatever names
// and redirects say, unless private.
func iconClient(private bool) *http.Client {
	dialer := &net.Dialer{Timeout: iconTimeout, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: address %q", errIcon, address)
		}
		if private {
			return nil
		}
		if !trust.Public(at.Addr()) || at.Port() != 80 && at.Port() != 443 {
			return fmt.Errorf("%w: %q is no public web server", errIcon, address)
		}
		return nil
	}}
	return &http.Client{
		Transport: &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: iconTimeout, MaxResponseHeaderBytes: 16 << 10},
		CheckRedirect: func(request *http.Request, via []*http.Request) error {
			if len(via) > maxIconHops {
				return fmt.Errorf("%w: too many redirects", errIcon)
			}
			if _, ok := msgconv.SafeLink(request.URL.String()); !ok {
				return fmt.Errorf("%w: redirect to an address that is none", errIcon)
			}
			request.Header.Del("Referer")
			return nil
		},
	}
}
