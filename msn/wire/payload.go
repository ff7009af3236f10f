package wire

// payloadRule says how the last parameter of a verb is to be read.
type payloadRule uint8

const (
	noPayload      payloadRule = iota // a number at the end is only a number
	alwaysPayload                     // the last parameter is a length, or the line is broken
	numericPayload                    // a length, or a word such as "OK"; at least two parameters
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

// announces reports whether c, which has no payload, would nevertheless be read
// as a command with one, and so take the next command for it: because every such
// command has one, or because its last parameter is a number where servers expect
// a length. (A single number is the TrID of a reply such as "QRY 9".)
func announces(c Command) bool {
	client, server := ruleFor(c.Verb, FromClient), ruleFor(c.Verb, FromServer)
	if client == alwaysPayload && server == alwaysPayload {
		return true
	}
	return (client != noPayload || isDigit(c.Verb[0])) && len(c.Args) >= 2 && allDigits(c.Args[len(c.Args)-1])
}

// takesPayload reports whether any side reads a payload of c. An error has one
// only as "number trid length".
func takesPayload(c Command) bool {
	if isDigit(c.Verb[0]) {
		return len(c.Args) == 1
	}
	client, server := ruleFor(c.Verb, FromClient), ruleFor(c.Verb, FromServer)
	if client == alwaysPayload || server == alwaysPayload {
		return true
	}
	return (client != noPayload || server != noPayload) && len(c.Args) >= 1
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
