package config

import (
	"fmt"
	"net"
	"strconv"
)

// checkMetrics checks where metrics are served.
func (c *Config) checkMetrics() error {
	if c.Metrics == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(c.Metrics)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("network.metrics is %q: set it to an address and a port, such as 127.0.0.1:9464, or to nothing", c.Metrics)
	}
	return nil
}
