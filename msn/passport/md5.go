package passport

import (
	"crypto/md5"
	"encoding/hex"
)

// MD5Response returns the third parameter of "USR trid MD5 S" for the salt that
// the server sent (protocol/01-login.md, section 2): the lower-case hexadecimal
// MD5 of salt and password.
func MD5Response(salt, password string) string {
	return md5Hex(salt + password)
}

func md5Hex(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}
