package msntest

import (
	"context"
	"net"
	"strconv"
	"sync"
	"syscall"
)

// Network is a network in memory: a server that listens there, and its clients, can be in a
// bubble of testing/synctest, where nothing may wait for a socket.
type Network struct {
	mu        sync.Mutex
	listeners map[string]*memoryListener
	port      int
}

// firstPort is the first that is given to who wants any.
const firstPort = 49152

// NewNetwork returns a network in which nobody listens.
func NewNetwork() *Network {
	return &Network{listeners: make(map[string]*memoryListener), port: firstPort}
}

// WithNetwork has the server listen in a network in memory in place of the machine's. It is
// reached by its Dial alone.
func WithNetwork(n *Network) Option { return func(o *options) { o.network = n } }

// Dial connects to an address at which somebody listens.
func (n *Network) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	n.mu.Lock()
	l := n.listeners[address]
	n.mu.Unlock()
	refused := &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	if l == nil {
		return nil, refused
	}
	client, server := net.Pipe()
	select {
	case l.accepted <- server:
		return client, nil
	case <-l.closed:
		return nil, refused
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (n *Network) listen(host string, port int) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if port == 0 {
		port = n.port
		n.port++
	}
	ip := net.ParseIP(host)
	if ip == nil {
		ip = net.IPv4(127, 0, 0, 1)
	}
	l := &memoryListener{
		network: n, address: &net.TCPAddr{IP: ip, Port: port}, accepted: make(chan net.Conn), closed: make(chan struct{}),
	}
	key := net.JoinHostPort(host, strconv.Itoa(port))
	if n.listeners[key] != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Addr: l.address, Err: syscall.EADDRINUSE}
	}
	l.key = key
	n.listeners[key] = l
	return l, nil
}

type memoryListener struct {
	network  *Network
	key      string
	address  *net.TCPAddr
	accepted chan net.Conn
	once     sync.Once
	closed   chan struct{}
}

// Accept implements net.Listener.
func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.accepted:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *memoryListener) Close() error {
	l.once.Do(func() {
		close(l.closed)
		l.network.mu.Lock()
		defer l.network.mu.Unlock()
		delete(l.network.listeners, l.key)
	})
	return nil
}

// Addr implements net.Listener.
func (l *memoryListener) Addr() net.Addr { return l.address }
