package msn

import (
	"regexp"
	"strings"
	"testing"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/wire"
)

// A recording can hold lines that no server should send, on purpose or by a
// server's mistake. What a Client makes of them is its own affair as long as it
// survives: a sign-in with such a line is played, and what does not fit is
// logged, not failed. This file says which lines are as the specification has
// them.

// lenient is a testing.TB that takes notes where the test would fail.
type lenient struct{ *testing.T }

func (l lenient) Errorf(format string, args ...any) {
	l.Helper()
	l.Logf("tolerated: "+format, args...)
}
func (l lenient) Error(args ...any) { l.Helper(); l.Log(append([]any{"tolerated:"}, args...)...) }
func (l lenient) Fatalf(format string, args ...any) {
	l.Helper()
	l.Skipf("left: a line is not as the specification has it, and what follows cannot be played: "+format, args...)
}
func (l lenient) Fatal(args ...any) {
	l.Helper()
	l.Skip(append([]any{"left: a line is not as the specification has it, and what follows cannot be played:"}, args...)...)
}

// forms are the lines of a server by verb; what is not in the table has any form.
// <acct> is an account, <n> a number, <word> any word, <opt> one that can be
// empty.
var forms = compileForms(map[string]string{
	"VER": `<n> MSNP\d+( <word>)*|<n> 0`,
	"INF": `<n> MD5( CTP)?`,
	"CVR": `<n> <word> <word> <word>( <word>)?( <word>)?`,
	"USR": `<n> OK <acct>( <opt>)?( [01])?( [01])?|<n> (MD5|TWN|SSO) S <word>( <word>)?|<n> OK <acct>;<word> <opt>`,
	"XFR": `<n> SB <word>:<n> CKI <word>( U <word>( [01])?)?|<n> NS <word>(:<n>)?( 0( <word>)?)?|<n> NS <word>:<n> U <opt>`,
	"SYN": `<n> <n>( <n> <n>)?|<n> <word> <word>( <n> <n>)?`,
	"GTC": `(<n> )?(<n> )?[AN]`,
	"BLP": `(<n> )?(<n> )?(AL|BL)`,
	"LSG": `<n> <n> <n> <n> <n> <opt> 0|<n> <opt> 0|<opt> <word>`,
	"LST": `<n> (FL|AL|BL|RL) <n> <n> <n>|<n> (FL|AL|BL|RL) <n> <n> <n> <acct> <opt>( [\d,]+)?|<acct> <opt> <n>( [\d,]*)?|N=<word>( F=<opt>)?( C=<word>)? <n>( <n>)?( [^ ]*)?`,
	"CHG": `<n> (NLN|BSY|IDL|BRB|AWY|PHN|LUN|HDN|FLN)( <n>(:<n>)?( <opt>)?)?`,
	"ILN": `<n> (NLN|BSY|IDL|BRB|AWY|PHN|LUN) <acct>( <n>)? <opt>( <n>(:<n>)?( <opt>)?)?`,
	"NLN": `(NLN|BSY|IDL|BRB|AWY|PHN|LUN|HDN) (<acct>( <n>)?|<n>:<acct>(;via=<n>:<acct>)?) <opt>( <n>(:<n>)?( <opt>)?)?`,
	"FLN": `<acct>( <n>)?( <word>)?|<n>:<acct>(;via=<n>:<acct>)?( <word>)?`,
	"UBX": `<acct>( <n>)?|<n>:<acct>(;via=<n>:<acct>)?`,
	"ADD": `<n> (FL|AL|BL|RL) <n> <acct> <opt>( <n>)?`,
	"ADC": `<n> (FL|AL|BL|RL|PL)( N=<word>( F=<opt>)?( C=<word>)?| C=<word>)( <word>)?`,
	"REM": `<n> (FL|AL|BL|RL|PL)( <n>)? <word>( <word>)?`,
	"CHL": `0 <word>`,
	"QNG": `(<n>)?`,
	"RNG": `<word> <word>:<n> CKI <word> <acct> <opt>( U <word>( [01])?)?( <word>)?`,
	"MSG": `<acct> <opt>|Hotmail <opt>`,
	"IRO": `<n> <n> <n> <acct>( <opt>)?( <n>(:<n>)?)?`,
	"JOI": `<acct>( <opt>)?( <n>(:<n>)?)?`,
	"BYE": `<acct>( 1)?`,
	"ANS": `<n> OK`,
	"CAL": `<n> RINGING <word>`,
	"ACK": `<n>`,
	"NAK": `<n>`,
	"OUT": `([A-Z]{3}( <n>)?)?`,
})

func compileForms(table map[string]string) map[string]*regexp.Regexp {
	words := strings.NewReplacer("<acct>", `[^ @]{1,64}@[^ @]{1,104}`, "<n>", `\d{1,10}`, "<word>", `[^ ]+`, "<opt>", `[^ ]*`)
	compiled := make(map[string]*regexp.Regexp)
	for verb, form := range table {
		compiled[verb] = regexp.MustCompile(`^(` + words.Replace(form) + `)$`)
	}
	return compiled
}

// wellFormed reports whether a server's command is as the specification has it.
func wellFormed(cmd wire.Command) bool {
	if _, isError := cmd.ErrorNumber(); isError {
		return len(cmd.Args) == 1 && clean.IsNumber(cmd.Args[0])
	}
	form, ok := forms[cmd.Verb]
	return !ok || form.MatchString(strings.Join(cmd.Args, " "))
}
