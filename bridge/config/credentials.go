package config

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"

	"maunium.net/go/mautrix/bridgev2/networkid"
)

// ErrCredentials says that a stored password cannot be read with the configured
// key: the key was changed, or the row was moved.
var ErrCredentials = errors.New("the stored password cannot be read with network.credential_key")

// sealing keeps the cipher of a key: thousands of passwords are opened with it one after the other.
type sealing struct {
	mu   sync.Mutex
	key  string
	aead cipher.AEAD
}

func (s *sealing) cipher(key string) (cipher.AEAD, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.aead != nil && s.key == key {
		return s.aead, nil
	}
	aead, err := newCipher(key)
	if err == nil {
		s.key, s.aead = key, aead
	}
	return aead, err
}

func (c *Config) credentialCipher() (cipher.AEAD, error) {
	if c.sealing == nil {
		return newCipher(c.CredentialKey)
	}
	return c.sealing.cipher(c.CredentialKey)
}

func newCipher(of string) (cipher.AEAD, error) {
	key := sha256.Sum256([]byte(of))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// SealPassword encrypts a password for storage. What it returns can only be
// opened for the same login.
func (c *Config) SealPassword(login networkid.UserLoginID, password string) (string, error) {
	aead, err := c.credentialCipher()
	if err != nil {
		return "", fmt.Errorf("cannot encrypt the password: %w", err)
	}
	return base64.StdEncoding.EncodeToString(aead.Seal(nil, nil, []byte(password), []byte(login))), nil
}

// OpenPassword undoes SealPassword. The error is ErrCredentials.
func (c *Config) OpenPassword(login networkid.UserLoginID, sealed string) (string, error) {
	data, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		return "", ErrCredentials
	}
	aead, err := c.credentialCipher()
	if err != nil {
		return "", ErrCredentials
	}
	password, err := aead.Open(nil, nil, data, []byte(login))
	if err != nil {
		return "", ErrCredentials
	}
	return string(password), nil
}

// newKey returns a random key in the form in which the config has it.
func newKey() string { return rand.Text() + rand.Text() }
