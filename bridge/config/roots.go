package config

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// lookEvery is how often it is looked at most whether ca_file has changed.
const lookEvery = time.Second

// roots are the certificates that web services by HTTPS are trusted by: the system's and
// those of a file, which is read again when it has changed. Services make new certificates,
// some at each start.
type roots struct {
	file string

	mu     sync.Mutex
	pem    []byte // what the file held when it was read last
	pool   *x509.CertPool
	looked time.Time
}

// newRoots reads a file. The error is a sentence for the admin.
func newRoots(file string) (*roots, error) {
	r := &roots{file: file, looked: time.Now()}
	if err := r.read(); err != nil {
		return nil, err
	}
	return r, nil
}

// Pool returns what is trusted now. A file that is away, or holds no certificate, changes
// nothing: it may be in the middle of being written.
func (r *roots) Pool() *x509.CertPool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); now.Sub(r.looked) >= lookEvery {
		r.looked = now
		_ = r.read() // it is tried again
	}
	return r.pool
}

func (r *roots) read() error {
	pem, err := os.ReadFile(r.file)
	if err != nil {
		return fmt.Errorf("cannot read the certificates: %w", err)
	}
	if r.pool != nil && bytes.Equal(pem, r.pem) {
		return nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return errors.New("the file holds no certificate in PEM form")
	}
	r.pem, r.pool = pem, pool
	return nil
}
