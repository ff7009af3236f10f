package bridge

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	"maunium.net/go/mautrix/bridgev2/networkid"
)

// errCredentials says that a stored password cannot be read with the configured
// key: the key was changed, or the row was moved.
var errCredentials = errors.New("the stored password cannot be read with network.credential_key")

func (c *Connector) credentialCipher() (cipher.AEAD, error) {
	key := sha256.Sum256([]byte(c.Config.CredentialKey))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// sealPassword encrypts a password for storage. What it returns can only be
// opened for the same login.
func (c *Connector) sealPassword(login networkid.UserLoginID, password string) (string, error) {
	aead, err := c.credentialCipher()
	if err != nil {
		return "", fmt.Errorf("cannot encrypt the password: %w", err)
	}
	return base64.StdEncoding.EncodeToString(aead.Seal(nil, nil, []byte(password), []byte(login))), nil
}

// openPassword undoes sealPassword. The error is errCredentials.
func (c *Connector) openPassword(login networkid.UserLoginID, sealed string) (string, error) {
	data, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		return "", errCredentials
	}
	aead, err := c.credentialCipher()
	if err != nil {
		return "", errCredentials
	}
	password, err := aead.Open(nil, nil, data, []byte(login))
	if err != nil {
		return "", errCredentials
	}
	return string(password), nil
}

// newCredentialKey returns a random key in the form in which the config has it.
func newCredentialKey() string { return rand.Text() + rand.Text() }
