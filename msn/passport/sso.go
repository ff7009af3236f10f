package passport

import (
	"bytes"
	"crypto/cipher"
	"crypto/des"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
)

// PolicyKeyOld is the policy of "USR trid SSO S policy nonce" whose proof this
// package makes; no server asks for another one.
const PolicyKeyOld = "MBI_KEY_OLD"

// Lengths of the parts of a proof in bytes.
const (
	secretLength = 24 // of the BinarySecret, as of each derived key
	proofHeader  = 28
	proofIV      = des.BlockSize
	proofHash    = sha1.Size
	// maxNonce is the longest nonce; servers send 64 characters.
	maxNonce = 512
)

// Constants of the header: how hash and cipher were made.
const (
	modeCBC   = 1
	algorithm = 0x6603 // 3DES
	hashKind  = 0x8004 // SHA-1
)

// ErrSecret says that the secret of a token is no key.
var ErrSecret = errors.New("msn: the login server gave no usable secret")

// Proof returns the fourth parameter of "USR trid SSO S ticket proof": the proof,
// by the policy MBI_KEY_OLD, that who holds the ticket holds its secret as well
// (protocol/01-login.md, section 4.4). secret is the BinarySecret of the ticket,
// nonce what the server sent, both as they came. The error wraps ErrSecret.
func Proof(secret, nonce string) (string, error) {
	iv := make([]byte, proofIV)
	_, _ = rand.Read(iv) // never fails
	return proofWith(secret, nonce, iv)
}

func proofWith(secret, nonce string, iv []byte) (string, error) {
	key, err := base64.StdEncoding.DecodeString(secret)
	if err != nil || len(key) != secretLength {
		return "", ErrSecret
	}
	if nonce == "" || len(nonce) > maxNonce {
		return "", fmt.Errorf("msn: a nonce of %d bytes", len(nonce))
	}
	hash := keyed(derive(key, "WS-SecureConversationSESSION KEY HASH"), []byte(nonce))
	block, err := des.NewTripleDESCipher(derive(key, "WS-SecureConversationSESSION KEY ENCRYPTION"))
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrSecret, err)
	}
	padding := des.BlockSize - len(nonce)%des.BlockSize
	text := append([]byte(nonce), bytes.Repeat([]byte{byte(padding)}, padding)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(text, text)

	blob := make([]byte, 0, proofHeader+proofIV+proofHash+len(text))
	for _, field := range []int{proofHeader, modeCBC, algorithm, hashKind, proofIV, proofHash, len(text)} {
		blob = binary.LittleEndian.AppendUint32(blob, uint32(field))
	}
	blob = append(append(append(blob, iv...), hash...), text...)
	return base64.StdEncoding.EncodeToString(blob), nil
}

// VerifyProof reports whether a proof was made of this secret and nonce; it is what
// a server does.
func VerifyProof(proof, secret, nonce string) bool {
	blob, err := base64.StdEncoding.DecodeString(proof)
	if err != nil || len(blob) < proofHeader+proofIV {
		return false
	}
	want, err := proofWith(secret, nonce, blob[proofHeader:proofHeader+proofIV])
	return err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(proof)) == 1
}

// derive makes a key of another one for the purpose that label names.
func derive(key []byte, label string) []byte {
	h1 := keyed(key, []byte(label))
	h2 := keyed(key, append(h1, label...))
	h3 := keyed(key, h1)
	h4 := keyed(key, append(h3, label...))
	return append(h2, h4...)[:secretLength]
}

func keyed(key, message []byte) []byte {
	mac := hmac.New(sha1.New, key)
	mac.Write(message)
	return mac.Sum(nil)
}
