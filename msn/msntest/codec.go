package msntest

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"

	"matrix-msn/msn/wire"
)

// md5Response is the answer to the salt of the MD5 log-in
// (protocol/01-login.md, section 2).
func md5Response(salt, password string) string {
	h := md5.Sum([]byte(salt + password))
	return hex.EncodeToString(h[:])
}

// productKeys are the clients that may answer challenges
// (protocol/01-login.md, section 9.3).
var productKeys = map[string]string{
	"msmsgs@msnmsgr.com": "Q1P7W2E4J9R8U3S5",
	"PROD0038W!61ZTF9":   "VT6PX?UQTM4WM%YR",
	"PROD0058#7IL2{QD":   "QHDCY@7R1TB6W?5B",
	"PROD0061VRRZH@4F":   "JXQ6J@TUOGYV@N0M",
	"PROD00504RLUG%WL":   "I2EBK%PYNLZL5_J4",
	"PROD0076ENE8*@AW":   "CEQJ8}OE0!WTSWII",
	"PROD0090YUAUV{2B":   "YMM8C_H7KCQ2S_KL",
	"PROD0101{0RM?UBW":   "CFHUR$52U_{VIX5T",
}

// challengeResponse is the answer to CHL by the client called product; it
// reports false for an unknown product.
func challengeResponse(d wire.Dialect, product, challenge string) (string, bool) {
	key, ok := productKeys[product]
	if !ok {
		return "", false
	}
	h := md5.Sum([]byte(challenge + key))
	if d < 11 {
		return hex.EncodeToString(h[:]), true
	}
	const mask = 0x7FFFFFFF
	var raw [4]uint32
	var m [4]uint64
	for i := range raw {
		raw[i] = binary.LittleEndian.Uint32(h[4*i:])
		m[i] = uint64(raw[i] & mask)
	}
	text := []byte(challenge + product)
	for len(text)%8 != 0 {
		text = append(text, '0')
	}
	var hi, lo uint64
	for ; len(text) > 0; text = text[8:] {
		t := uint64(binary.LittleEndian.Uint32(text)) * 0x0E79A9C1 % mask
		t = (m[0]*(t+hi) + m[1]) % mask
		hi = (uint64(binary.LittleEndian.Uint32(text[4:])) + t) % mask
		hi = (m[2]*hi + m[3]) % mask
		lo += hi + t
	}
	hi, lo = (hi+m[1])%mask, (lo+m[3])%mask
	out := make([]byte, 16)
	for i, x := range []uint64{hi, lo, hi, lo} {
		binary.LittleEndian.PutUint32(out[4*i:], raw[i]^uint32(x))
	}
	return hex.EncodeToString(out), true
}
