package msntest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// certificateLife is how long a certificate made at start is valid: long enough
// for any test and for somebody trying the program for a while.
const certificateLife = 30 * 24 * time.Hour

// discardLog takes what net/http says about handshakes that clients break off.
var discardLog = log.New(io.Discard, "", 0)

// makeCertificate makes a self-signed certificate, or takes the caller's.
func (s *Server) makeCertificate() error {
	if s.opt.certificate != nil {
		s.cert = *s.opt.certificate
	} else if err := s.selfSign(); err != nil {
		return err
	}
	leaf, err := x509.ParseCertificate(s.cert.Certificate[0])
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	s.roots = x509.NewCertPool()
	s.roots.AddCert(leaf)
	s.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw})
	return nil
}

// makeKey makes the private key of a certificate. Clients of the period know RSA
// only.
func (s *Server) makeKey() (crypto.Signer, error) {
	if s.opt.oldTLS {
		return rsa.GenerateKey(rand.Reader, 2048)
	}
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}

func (s *Server) selfSign() error {
	key, err := s.makeKey()
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "msntest"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(certificateLife),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	for _, host := range append([]string{s.opt.host}, s.opt.certificateFileHost...) {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else if host != "" {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	s.cert = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return nil
}

func (s *Server) tlsConfig() *tls.Config {
	config := &tls.Config{Certificates: []tls.Certificate{s.cert}, MinVersion: tls.VersionTLS12}
	if s.opt.oldTLS {
		config.MinVersion = tls.VersionTLS10
		for _, suites := range [][]*tls.CipherSuite{tls.CipherSuites(), tls.InsecureCipherSuites()} {
			for _, suite := range suites {
				config.CipherSuites = append(config.CipherSuites, suite.ID)
			}
		}
	}
	return config
}

// CertPEM returns the certificate of nexus and log-in, for clients to trust.
func (s *Server) CertPEM() []byte { return append([]byte(nil), s.pem...) }

// CertPool returns a pool with that certificate.
func (s *Server) CertPool() *x509.CertPool { return s.roots.Clone() }

// WriteCert writes the certificate to a new file in dir and returns its path, for
// a client in another process (on Linux, Go programs read SSL_CERT_FILE).
func (s *Server) WriteCert(dir string) (string, error) {
	path := filepath.Join(dir, "msntest-cert.pem")
	if err := os.WriteFile(path, s.pem, 0o644); err != nil {
		return "", fmt.Errorf("msntest: certificate: %w", err)
	}
	return path, nil
}

// clientTransport holds the transport of HTTPClient, so that Close can end its
// idle connections.
type clientTransport struct {
	once sync.Once
	t    *http.Transport
}

func (c *clientTransport) get(roots *x509.CertPool) *http.Transport {
	c.once.Do(func() {
		c.t = &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		}
	})
	return c.t
}

func (c *clientTransport) close() {
	c.once.Do(func() { c.t = &http.Transport{} })
	c.t.CloseIdleConnections()
}

// HTTPClient returns a client that trusts the server's certificate.
func (s *Server) HTTPClient() *http.Client {
	return &http.Client{Transport: s.clients.get(s.roots)}
}
