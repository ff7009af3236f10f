package wire

// payloadRule says how the last parameter of a verb is to be read.
type payloadRule uint8

const (
	noPayload      payloadRule = iota // a number at the end is only a number
	alwaysPayload                     // the last parameter is a length, or the line is broken
	numericPayload                    // a length when it is a number, else a reply such as "OK"
)

// ruleFor is the payload table of protocol/00-overview.md, section 3. It does
// not ask for the dialect: within one direction no verb ever changed between
// carrying a payload and carrying none, and clients and servers of other ages
// do send verbs that their dialect does not have.
func ruleFor(verb string, from Direction) payloadRule {
	if from == FromClient {
		switch verb {
		case "MSG", "SDC", "PAG", "QRY", "PGD", "UUX", "UUN", "FQY", "UUM", "VAS", "PUT", "DEL", "SDG":
			return alwaysPayload
		case "ADL", "RML", "NOT":
			return numericPayload
		}
		return noPayload
	}
	switch verb {
	case "MSG", "NOT", "IPG", "UBX", "UBN", "UBM", "NFY", "SDG":
		return alwaysPayload
	case "GCF", "UUX", "ADL", "RML", "FQY", "UUN", "PUT", "DEL":
		return numericPayload
	}
	return noPayload
}

// knownVerb reports whether verb is in the index of protocol/00-overview.md,
// section 11. After an unknown command the reader trusts only these again.
func knownVerb(verb string) bool {
	switch verb {
	case "ACK", "ADC", "ADD", "ADG", "ADL", "ANS", "BLP", "BPR", "BYE", "CAL", "CHG", "CHL",
		"CVQ", "CVR", "DEL", "FLN", "FND", "FQY", "GCF", "GTC", "ILN", "IMS", "INF", "IPG",
		"IRO", "JOI", "LSG", "LST", "MSG", "NAK", "NFY", "NLN", "NOT", "OUT", "PAG", "PGD",
		"PNG", "PRP", "PUT", "QNG", "QRY", "REA", "REG", "REM", "RMG", "RML", "RNG", "SBP",
		"SBS", "SDC", "SDG", "SND", "SYN", "UBM", "UBN", "UBX", "URL", "USR", "UUM", "UUN",
		"UUX", "VAS", "VER", "XFR":
		return true
	}
	return false
}
