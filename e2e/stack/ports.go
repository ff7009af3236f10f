package stack

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// The ports offered lie below the range from which common systems take the local ports of outgoing connections
// (32768 on Linux, 49152 elsewhere). A port from that range could be taken by any client between the moment it is
// found free and the moment the program that it was found for listens.
const (
	firstPort = 20000
	lastPort  = 31999
)

// FreePorts returns n different TCP ports that nothing listens on at 127.0.0.1. They are not held: listen on them
// soon. It fails when so few ports are free that looking on is pointless.
func FreePorts(n int) ([]int, error) {
	ports := make([]int, 0, n)
	// Held until all are found, so that no port is offered twice.
	held := make([]net.Listener, 0, n)
	defer func() {
		for _, listener := range held {
			_ = listener.Close()
		}
	}()
	for range 100 + 10*n {
		if len(ports) == n {
			return ports, nil
		}
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		listener, err := net.Listen("tcp", loopback(port))
		if err != nil {
			continue
		}
		held = append(held, listener)
		ports = append(ports, port)
	}
	if len(ports) == n {
		return ports, nil
	}
	return nil, fmt.Errorf("found only %d of %d free ports between %d and %d on 127.0.0.1: end some of the programs that listen there",
		len(ports), n, firstPort, lastPort)
}

// orFreePort returns port, or a free one if that is 0.
func orFreePort(port int) (int, error) {
	if port != 0 {
		return port, nil
	}
	ports, err := FreePorts(1)
	if err != nil {
		return 0, err
	}
	return ports[0], nil
}

// loopback returns the address of a port on this machine, as in "127.0.0.1:20000".
func loopback(port int) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}
