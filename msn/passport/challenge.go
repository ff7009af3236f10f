package passport

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"

	"matrix-msn/msn/wire"
)

// Product is a client product that servers know: the ID is sent with the answer
// to a challenge, the key never (protocol/01-login.md, section 9.3).
type Product struct{ ID, Key string }

// Products are those whose keys are known, by the first dialect that their
// clients spoke. Servers commonly take the ID of an older client too.
var Products = []Product{
	{"msmsgs@msnmsgr.com", "Q1P7W2E4J9R8U3S5"}, // MSNP6 to MSNP10
	{"PROD0038W!61ZTF9", "VT6PX?UQTM4WM%YR"},
	{"PROD0058#7IL2{QD", "QHDCY@7R1TB6W?5B"},
	{"PROD0061VRRZH@4F", "JXQ6J@TUOGYV@N0M"},
	{"PROD00504RLUG%WL", "I2EBK%PYNLZL5_J4"},
	{"PROD0076ENE8*@AW", "CEQJ8}OE0!WTSWII"},
	{"PROD0090YUAUV{2B", "YMM8C_H7KCQ2S_KL"}, // MSNP11 and MSNP12
	{"PROD0101{0RM?UBW", "CFHUR$52U_{VIX5T"},
	{"PROD01065C%ZFN6F", "O4BG@C7BWLYQX?5G"}, // MSNP13 and MSNP14
	{"PROD0112J1LW7%NB", "RH96F{PHI8PPX_TJ"},
	{"PROD0113H11T8$X_", "RG@XY*28Q5QHS%Q5"}, // MSNP15 and later
	{"PROD0114ES4Z%Q5W", "PK}_A_0N_K%O?A9S"},
	{"PROD0118R6%2WYOS", "YIXPX@5I2P0UT*LK"},
	{"PROD0119GSJUC$18", "ILTXC!4IXB5FB*PX"},
	{"PROD0120PW!CCV9@", "C1BX{V4W}Q3*10SM"},
}

// ProductByID finds a product.
func ProductByID(id string) (Product, bool) {
	for _, p := range Products {
		if p.ID == id {
			return p, true
		}
	}
	return Product{}, false
}

// ProductFor returns the product that a client of a dialect calls itself.
func ProductFor(d wire.Dialect) Product {
	switch {
	case d <= 10:
		return Products[0]
	case d <= 12:
		return Products[6]
	case d <= 14:
		return Products[8]
	}
	return Products[13]
}

// ChallengeAnswer returns the payload of QRY that answers a CHL: 32 lower-case
// hexadecimal digits (protocol/01-login.md, section 9).
func ChallengeAnswer(d wire.Dialect, p Product, challenge string) string {
	hash := md5.Sum([]byte(challenge + p.Key))
	if d >= 11 {
		mix(&hash, challenge+p.ID)
	}
	return hex.EncodeToString(hash[:])
}

// mix is what MSNP11 added to the plain MD5: text is folded into two numbers
// that depend on the hash, and these change the hash.
func mix(hash *[md5.Size]byte, text string) {
	const modulus = 0x7FFFFFFF
	var m [4]uint64
	for i := range m {
		m[i] = uint64(binary.LittleEndian.Uint32(hash[4*i:]) & modulus)
	}
	// Zeros fill up to a multiple of 8 bytes; a text that is one already gets
	// none.
	padded := []byte(text)
	for len(padded)%8 != 0 {
		padded = append(padded, '0')
	}
	var hi, lo uint64
	for ; len(padded) > 0; padded = padded[8:] {
		t := uint64(binary.LittleEndian.Uint32(padded)) * 0x0E79A9C1 % modulus
		t = (m[0]*(t+hi) + m[1]) % modulus
		hi = (uint64(binary.LittleEndian.Uint32(padded[4:])) + t) % modulus
		hi = (m[2]*hi + m[3]) % modulus
		lo += hi + t
	}
	hi = (hi + m[1]) % modulus
	lo = (lo + m[3]) % modulus
	for i, x := range [4]uint64{hi, lo, hi, lo} {
		word := binary.LittleEndian.Uint32(hash[4*i:])
		binary.LittleEndian.PutUint32(hash[4*i:], word^uint32(x))
	}
}
