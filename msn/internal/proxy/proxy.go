// Package proxy opens TCP connections by way of a SOCKS5 or HTTP proxy.
package proxy

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"golang.org/x/net/proxy"
)

// maxAnswer is the longest answer of an HTTP proxy that is read, in bytes.
const maxAnswer = 64 << 10

// Op is the operation that a *net.OpError names when a proxy did not bring about a
// connection: nothing was sent to whom it leads to.
const Op = "proxyconnect"

// Check reports what is wrong with the address of a proxy. It does not repeat it: there may be
// a password in it.
func Check(address *url.URL) error {
	switch address.Scheme {
	case "socks5", "socks5h", "http":
	default:
		return errors.New("it begins with none of socks5:// and http://")
	}
	port := address.Port()
	if n, err := strconv.ParseUint(port, 10, 16); port != "" && (err != nil || n == 0) {
		return errors.New("the port is no port number")
	}
	switch password, _ := address.User.Password(); {
	case address.Hostname() == "":
		return errors.New("it names no host")
	case address.Path != "" && address.Path != "/" || address.RawQuery != "" || address.Fragment != "":
		return errors.New("there is something behind the host")
	case len(address.User.Username()) > 255 || len(password) > 255:
		return errors.New("user name or password has more than 255 bytes")
	case address.User != nil && socks(address) && (address.User.Username() == "" || password == ""):
		return errors.New("SOCKS5 needs user name and password, or neither")
	}
	return nil
}

func socks(address *url.URL) bool { return address.Scheme != "http" }

// Dialer opens connections by way of a proxy, which resolves the names.
type Dialer struct {
	address *url.URL
	direct  dial
}

// dial opens TCP connections.
type dial func(ctx context.Context, network, address string) (net.Conn, error)

// Dial implements proxy.Dialer, which nobody calls.
func (d dial) Dial(network, address string) (net.Conn, error) {
	return d(context.Background(), network, address)
}

// DialContext implements proxy.ContextDialer.
func (d dial) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return d(ctx, network, address)
}

// New returns a Dialer for an address that Check has found right. direct opens connections to
// the proxy itself; nil means that the system does.
func New(address *url.URL, direct func(ctx context.Context, network, address string) (net.Conn, error)) *Dialer {
	if direct == nil {
		direct = new(net.Dialer).DialContext
	}
	return &Dialer{address, direct}
}

// DialContext opens a connection to the address of a host.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if !socks(d.address) {
		return d.tunnel(ctx, address)
	}
	var auth *proxy.Auth
	if user := d.address.User; user != nil {
		password, _ := user.Password()
		auth = &proxy.Auth{User: user.Username(), Password: password}
	}
	by, err := proxy.SOCKS5("tcp", d.host("1080"), auth, d.direct)
	if err != nil {
		return nil, failed(err)
	}
	conn, err := by.(proxy.ContextDialer).DialContext(ctx, network, address)
	if err != nil {
		if known, ok := errors.AsType[net.Error](err); ok && known.Timeout() && over(ctx) {
			<-ctx.Done() // whose deadline is the connection's too, and may come a moment later
		}
		return nil, failed(err)
	}
	return conn, nil
}

// over reports whether the deadline of ctx has passed.
func over(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ok && !time.Now().Before(deadline)
}

// host is where the proxy is.
func (d *Dialer) host(port string) string {
	if p := d.address.Port(); p != "" {
		port = p
	}
	return net.JoinHostPort(d.address.Hostname(), port)
}

// tunnel has an HTTP proxy open a connection (CONNECT).
func (d *Dialer) tunnel(ctx context.Context, address string) (net.Conn, error) {
	conn, err := d.direct(ctx, "tcp", d.host("80"))
	if err != nil {
		return nil, failed(err)
	}
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = conn.SetDeadline(time.Unix(1, 0))
		close(interrupted)
	})
	through, err := d.connect(conn, address)
	if !stop() {
		<-interrupted
		err = errors.Join(err, context.Cause(ctx))
	}
	if err != nil {
		_ = conn.Close()
		return nil, failed(err)
	}
	_ = conn.SetDeadline(time.Time{})
	return through, nil
}

func (d *Dialer) connect(conn net.Conn, address string) (net.Conn, error) {
	request := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: make(http.Header)}
	if user := d.address.User; user != nil {
		password, _ := user.Password()
		request.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)))
	}
	if err := request.Write(conn); err != nil {
		return nil, err
	}
	limited := &io.LimitedReader{R: conn, N: maxAnswer}
	reader := bufio.NewReader(limited)
	answer, err := http.ReadResponse(reader, request)
	if err != nil {
		return nil, fmt.Errorf("the proxy gave no usable answer: %w", err)
	}
	_ = answer.Body.Close() // CONNECT has none
	if answer.StatusCode != http.StatusOK {
		return nil, Refused(answer.StatusCode)
	}
	if reader.Buffered() == 0 {
		return conn, nil
	}
	ahead, err := reader.Peek(reader.Buffered())
	if err != nil {
		return nil, err
	}
	return &early{Conn: conn, ahead: ahead}, nil
}

// early is a connection whose other side spoke before the proxy's answer was read.
type early struct {
	net.Conn
	ahead []byte
}

// Read implements net.Conn.
func (c *early) Read(b []byte) (int, error) {
	if len(c.ahead) == 0 {
		return c.Conn.Read(b)
	}
	n := copy(b, c.ahead)
	c.ahead = c.ahead[n:]
	return n, nil
}

// Refused is the error of an HTTP proxy that answered a CONNECT with another status than 200.
func Refused(status int) error {
	return failed(fmt.Errorf("the proxy answers %d %s", status, http.StatusText(status)))
}

// failed names what did not succeed.
func failed(err error) error {
	if known, ok := errors.AsType[*net.OpError](err); ok && known.Op == Op {
		return err
	}
	return &net.OpError{Op: Op, Net: "tcp", Err: err}
}

// Transport has an http.Transport that connects directly go by way of a proxy. Addresses are
// not resolved here any more, so that nothing holds them against a policy but their names.
func Transport(t *http.Transport, address *url.URL, timeout time.Duration) {
	by := *address
	if by.Scheme == "socks5h" {
		by.Scheme = "socks5" // which is the same there
	}
	t.Proxy = http.ProxyURL(&by)
	t.DialContext = (&net.Dialer{Timeout: timeout}).DialContext
	t.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
		if answer.StatusCode != http.StatusOK {
			return Refused(answer.StatusCode)
		}
		return nil
	}
}
