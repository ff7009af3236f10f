package passport

// Creds returns the field "creds" of a web login by form
// (protocol/07-misc-founding-spec.md, section 2.3): the lower-case hexadecimal MD5
// of mspAuth, the seconds since the login in decimal, and the password, one behind
// the other. The password can be guessed from it: treat it as a secret.
func Creds(mspAuth, seconds, password string) string {
	return md5Hex(mspAuth + seconds + password)
}
