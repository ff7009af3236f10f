package passport

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

// The vector of protocol/01-login.md, section 4.4.
const (
	vectorSecret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
	vectorNonce  = "8CLhG/xfgYZ7TyRQ/jIAWyDmd/w4R4GF2yKLS6tYrnjzi4cFag/Nr+hxsfg5zlCf"
	vectorProof  = "HAAAAAEAAAADZgAABIAAAAgAAAAUAAAASAAAAAABAgMEBQYHD1yG3ouDEzCxJn07RBHEbAUjU3XooIx8bjOQ5WRoouorDJsS3MqIJSJV2B/Dpr0w70e7tNpij9u/beikqu3oX1OlwEQS+vwjnOd1pTCEv0TwR3/xUyzzmp6z/Hg="
)

func TestProofEqualsTheVector(t *testing.T) {
	t.Parallel()
	iv, err := hex.DecodeString("0001020304050607")
	if err != nil {
		t.Fatal(err)
	}
	got, err := proofWith(vectorSecret, vectorNonce, iv)
	if err != nil || got != vectorProof {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestProofIsAcceptedForItsNonceAndSecretOnly(t *testing.T) {
	t.Parallel()
	proof, err := Proof(vectorSecret, vectorNonce)
	if err != nil {
		t.Fatal(err)
	}
	if !VerifyProof(proof, vectorSecret, vectorNonce) {
		t.Error("a right proof is refused")
	}
	other, err := Proof(vectorSecret, vectorNonce)
	if err != nil || other == proof {
		t.Errorf("two proofs are alike, %v", err)
	}
	for name, forged := range map[string]string{
		"other nonce":  strings.Replace(proof, "HAAAAAEA", "HAAAAAIA", 1),
		"cut":          proof[:40],
		"no base64":    "!" + proof[1:],
		"empty":        "",
		"last changed": proof[:len(proof)-2] + "A=",
	} {
		if forged != proof && VerifyProof(forged, vectorSecret, vectorNonce) {
			t.Errorf("%s: accepted", name)
		}
	}
	if VerifyProof(proof, vectorSecret, vectorNonce+"x") {
		t.Error("accepted for another nonce")
	}
	if VerifyProof(proof, strings.ToLower(vectorSecret), vectorNonce) {
		t.Error("accepted with another secret")
	}
}

func TestSecretThatIsNoKeyIsAnError(t *testing.T) {
	t.Parallel()
	for name, secret := range map[string]string{"empty": "", "no base64": "***", "short": "AAEC", "long": vectorSecret + vectorSecret} {
		if _, err := Proof(secret, vectorNonce); !errors.Is(err, ErrSecret) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, nonce := range []string{"", strings.Repeat("n", maxNonce+1)} {
		if _, err := Proof(vectorSecret, nonce); err == nil {
			t.Errorf("a nonce of %d bytes is taken", len(nonce))
		}
	}
}
