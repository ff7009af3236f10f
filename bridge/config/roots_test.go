package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// certificate returns a certificate of its own making, and the same in PEM form.
func certificate(t *testing.T, host string) (*x509.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{host}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return parsed, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// A file of certificates that changes is read again, soon and not at each request. While it
// is away, or half written, what it held before counts.
func TestCertificateFileThatChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "ca.pem")
		write := func(content []byte) {
			if err := os.WriteFile(file, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		first, firstPEM := certificate(t, "msn.example.com")
		second, secondPEM := certificate(t, "msn.example.com")
		write(firstPEM)
		s, err := newService("a", ServiceConfig{Server: "x:1863", Dialects: []string{"MSNP7"}, CAFile: file})
		if err != nil {
			t.Fatal(err)
		}
		trusts := func(c *x509.Certificate) bool {
			_, err := c.Verify(x509.VerifyOptions{DNSName: "msn.example.com", Roots: s.Template.Roots()})
			return err == nil
		}
		expect := func(when string, one, other bool) {
			t.Helper()
			if trusts(first) != one || trusts(second) != other {
				t.Errorf("%s: the first is trusted: %v, the second: %v", when, trusts(first), trusts(second))
			}
		}
		expect("at first", true, false)
		write(secondPEM)
		expect("at once", true, false)
		time.Sleep(lookEvery)
		expect("after a while", false, true)
		for name, content := range map[string][]byte{"empty": nil, "half": secondPEM[:len(secondPEM)/2]} {
			write(content)
			time.Sleep(lookEvery)
			expect(name, false, true)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		time.Sleep(lookEvery)
		expect("away", false, true)
		write(append(firstPEM, secondPEM...))
		time.Sleep(lookEvery)
		expect("both", true, true)
		before := s.Template.Roots()
		time.Sleep(lookEvery)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if s.Template.Roots() != before {
					t.Error("a file that has not changed is read anew")
				}
			})
		}
		all.Wait()
	})
}

func TestServiceWithoutCertificatesOfItsOwn(t *testing.T) {
	t.Parallel()
	s, err := newService("a", ServiceConfig{Server: "x:1863", Dialects: []string{"MSNP7"}})
	if err != nil || s.Template.Roots != nil || s.Template.Proxy != nil {
		t.Errorf("got %+v, %v", s, err)
	}
}

func TestProxyOfAService(t *testing.T) {
	t.Parallel()
	for address, host := range map[string]string{
		"socks5://proxy.example.com:1080": "proxy.example.com:1080", "socks5h://127.0.0.1": "127.0.0.1",
		"http://user:p%40ss@proxy.example.com:3128/": "proxy.example.com:3128",
	} {
		s, err := newService("a", ServiceConfig{Server: "x:1863", Dialects: []string{"MSNP7"}, Proxy: address})
		if err != nil || s.Template.Proxy == nil || s.Template.Proxy.Host != host {
			t.Errorf("%s: got %+v, %v", address, s, err)
		}
	}
	// What is wrong is told without the password.
	for _, address := range []string{"socks5://user:hunter2@proxy:99999", "http://user:hunter2@", "://user:hunter2@proxy", "socks5://user:hunter2@proxy/x", "http://user:hunter2%zz@proxy"} {
		if _, err := newService("a", ServiceConfig{Server: "x:1863", Dialects: []string{"MSNP7"}, Proxy: address}); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", address, err)
		}
	}
}
