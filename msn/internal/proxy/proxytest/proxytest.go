// Package proxytest is proxies for tests: small, on loopback, and every name leads to it.
package proxytest

import (
	"bufio"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
)

// The credentials that proxies want which want some.
const (
	User     = "the user"
	Password = "pass:word@/#%"
)

// Proxy is a proxy that runs until the test ends.
type Proxy struct {
	URL *url.URL // with the credentials, if it wants some

	t        testing.TB
	listener net.Listener
	serving  sync.WaitGroup

	mu     sync.Mutex
	asked  []string
	open   map[net.Conn]bool
	closed bool
}

// Start starts a proxy of a scheme, "socks5" or "http", that wants credentials or none.
func Start(t testing.TB, scheme string, credentials bool) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{t: t, listener: listener, URL: &url.URL{Scheme: scheme, Host: listener.Addr().String()}, open: make(map[net.Conn]bool)}
	serve := p.http
	if scheme == "socks5" {
		serve = p.socks
	}
	if credentials {
		p.URL.User = url.UserPassword(User, Password)
	}
	p.serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if p.keep(conn) {
				p.serving.Go(func() {
					defer conn.Close()
					_ = serve(conn, credentials) // it is the client that complains
				})
			}
		}
	})
	t.Cleanup(p.Close)
	return p
}

// Close ends the proxy and all connections.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.closed = true
	for conn := range p.open {
		_ = conn.Close()
	}
	p.mu.Unlock()
	_ = p.listener.Close()
	p.serving.Wait()
}

func (p *Proxy) keep(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		_ = conn.Close()
		return false
	}
	p.open[conn] = true
	return true
}

// Asked returns the addresses that it was asked for, sorted, each once.
func (p *Proxy) Asked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := slices.Sorted(slices.Values(p.asked))
	return slices.Compact(all)
}

// reach connects to the port of an address on loopback, whatever its name is.
func (p *Proxy) reach(address string) (net.Conn, error) {
	p.mu.Lock()
	p.asked = append(p.asked, address)
	p.mu.Unlock()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", port))
	if err == nil && !p.keep(conn) {
		return nil, net.ErrClosed
	}
	return conn, err
}

// relay carries bytes until either side ends.
func (p *Proxy) relay(client net.Conn, from io.Reader, server net.Conn) {
	p.serving.Go(func() {
		_, _ = io.Copy(server, from)
		_ = server.Close()
	})
	_, _ = io.Copy(client, server)
	_ = client.Close()
}

// socks speaks SOCKS5 (RFC 1928 and 1929).
func (p *Proxy) socks(conn net.Conn, credentials bool) error {
	reader := bufio.NewReader(conn)
	read := func(n int) []byte {
		b := make([]byte, n)
		_, _ = io.ReadFull(reader, b)
		return b
	}
	methods := read(int(read(2)[1]))
	method := byte(0)
	if credentials {
		method = 2
	}
	if !slices.Contains(methods, method) {
		_, err := conn.Write([]byte{5, 0xFF})
		return err
	}
	if _, err := conn.Write([]byte{5, method}); err != nil {
		return err
	}
	if credentials {
		user := read(int(read(2)[1]))
		password := read(int(read(1)[0]))
		verdict := byte(0)
		if string(user) != User || string(password) != Password {
			verdict = 1
		}
		if _, err := conn.Write([]byte{1, verdict}); err != nil || verdict != 0 {
			return err
		}
	}
	host := ""
	switch read(4)[3] {
	case 1:
		host = net.IP(read(4)).String()
	case 3:
		host = string(read(int(read(1)[0])))
	case 4:
		host = net.IP(read(16)).String()
	}
	port := binary.BigEndian.Uint16(read(2))
	server, err := p.reach(net.JoinHostPort(host, fmt.Sprint(port)))
	answer := []byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0}
	if err != nil {
		answer[1] = 5 // refused
		_, err = conn.Write(answer)
		return err
	}
	if _, err := conn.Write(answer); err != nil {
		return err
	}
	p.relay(conn, reader, server)
	return nil
}

// http speaks HTTP: CONNECT, and requests with a whole address.
func (p *Proxy) http(conn net.Conn, credentials bool) error {
	reader := bufio.NewReader(conn)
	for {
		request, err := http.ReadRequest(reader)
		if err != nil {
			return err
		}
		want := "Basic " + base64.StdEncoding.EncodeToString([]byte(User+":"+Password))
		if credentials && request.Header.Get("Proxy-Authorization") != want {
			_, err := io.WriteString(conn, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
			return err
		}
		if request.Method == http.MethodConnect {
			server, err := p.reach(request.Host)
			if err != nil {
				_, err = io.WriteString(conn, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
				return err
			}
			if _, err := io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
				return err
			}
			p.relay(conn, reader, server)
			return nil
		}
		server, err := p.reach(request.URL.Host)
		if err != nil {
			_, err = io.WriteString(conn, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
			return err
		}
		request.Header.Del("Proxy-Authorization")
		if err := request.Write(server); err != nil {
			return err
		}
		answer, err := http.ReadResponse(bufio.NewReader(server), request)
		if err != nil {
			return err
		}
		err = answer.Write(conn)
		_ = server.Close()
		if err != nil {
			return err
		}
	}
}
