package emoticon

import (
	"slices"
	"strings"
)

// pair is one emoticon in both worlds.
type pair struct {
	emoji string
	// codes are what MSN shows as it, the one that is written first.
	codes []string
	// alike are other emoji that the first code stands for.
	alike []string
}

// pairs are all emoticons of Messenger (protocol/11-rich-content.md, section 1). Of letters that
// MSN reads in either case, both are here. What has no emoji that people would take for it is
// left out: the logo of MSN, handcuffs, "A/S/L" and the ribbons of the charities.
var pairs = []pair{
	{"🙂", []string{":)", ":-)"}, []string{"😊", "☺"}},
	{"😀", []string{":D", ":-D", ":d", ":-d", ":>", ":->"}, []string{"😃", "😄", "😁", "😆"}},
	{"😉", []string{";)", ";-)"}, nil},
	{"😮", []string{":-O", ":O", ":o", ":-o"}, []string{"😲", "😯"}},
	{"😛", []string{":P", ":p", ":-P", ":-p"}, []string{"😜", "😝", "😋"}},
	{"😎", []string{"(H)", "(h)"}, nil},
	{"😡", []string{":@", ":-@"}, []string{"😠"}},
	{"😳", []string{":$", ":-$"}, nil},
	{"😕", []string{":S", ":s", ":-S", ":-s"}, []string{"😖"}},
	{"🙁", []string{":(", ":-(", ":<", ":-<"}, []string{"☹", "😞"}},
	{"😢", []string{":'("}, []string{"😭"}},
	{"😐", []string{":|", ":-|"}, nil},
	{"😈", []string{"(6)"}, nil},
	{"😇", []string{"(A)", "(a)"}, nil},
	{"🤐", []string{":-#"}, nil},
	{"😬", []string{"8o|"}, nil},
	{"🤓", []string{"8-|", "8|"}, nil},
	{"🤨", []string{"^o)"}, nil},
	{"🤫", []string{":-*"}, nil},
	{"🤢", []string{"+o("}, []string{"🤮"}},
	{"🤷", []string{":^)"}, nil},
	{"🤔", []string{"*-)"}, nil},
	{"🥳", []string{"<:o)"}, nil},
	{"🙄", []string{"8-)"}, nil},
	{"😴", []string{"|-)", "|)"}, []string{"😪", "💤"}},
	{"❤", []string{"(L)", "(l)"}, []string{"♥", "🧡", "💛", "💚", "💙", "💜", "💖", "💗", "💕"}},
	{"💔", []string{"(U)", "(u)"}, nil},
	{"💋", []string{"(K)", "(k)"}, []string{"😘"}},
	{"👍", []string{"(Y)", "(y)"}, nil},
	{"👎", []string{"(N)", "(n)"}, nil},
	{"🤗", []string{"({)", "(})"}, nil},
	{"🌹", []string{"(F)", "(f)"}, nil},
	{"🥀", []string{"(W)", "(w)"}, nil},
	{"🎁", []string{"(G)", "(g)"}, nil},
	{"🎂", []string{"(^)"}, nil},
	{"🐱", []string{"(@)"}, []string{"🐈"}},
	{"🐶", []string{"(&)"}, []string{"🐕"}},
	{"🐌", []string{"(sn)"}, nil},
	{"🐑", []string{"(bah)"}, nil},
	{"🐢", []string{"(tu)"}, nil},
	{"🐐", []string{"(nah)"}, nil},
	{"🦇", []string{":[", ":-["}, nil},
	{"🐰", []string{"('.')"}, []string{"🐇"}},
	{"🌜", []string{"(S)"}, []string{"🌙", "🌛"}},
	{"⭐", []string{"(*)"}, []string{"🌟"}},
	{"☀", []string{"(#)"}, []string{"🌞"}},
	{"🌈", []string{"(R)", "(r)"}, nil},
	{"🌧", []string{"(st)"}, nil},
	{"🌩", []string{"(li)"}, nil},
	{"☂", []string{"(um)"}, []string{"☔"}},
	{"🏝", []string{"(ip)"}, nil},
	{"🎵", []string{"(8)"}, []string{"🎶"}},
	{"🎞", []string{"(~)"}, nil},
	{"📷", []string{"(P)", "(p)"}, []string{"📸"}},
	{"💡", []string{"(I)", "(i)"}, nil},
	{"✉", []string{"(E)", "(e)"}, []string{"📧"}},
	{"📞", []string{"(T)", "(t)"}, []string{"☎"}},
	{"📱", []string{"(mp)"}, nil},
	{"💻", []string{"(co)"}, nil},
	{"🕒", []string{"(O)", "(o)"}, nil},
	{"☕", []string{"(C)", "(c)"}, nil},
	{"🍺", []string{"(B)", "(b)"}, []string{"🍻"}},
	{"🍸", []string{"(D)", "(d)"}, nil},
	{"🍕", []string{"(pi)"}, nil},
	{"🍽", []string{"(pl)"}, nil},
	{"🥣", []string{"(||)"}, nil},
	{"👦", []string{"(Z)", "(z)"}, nil},
	{"👧", []string{"(X)", "(x)"}, nil},
	{"⚽", []string{"(so)"}, nil},
	{"🚗", []string{"(au)"}, nil},
	{"✈", []string{"(ap)"}, nil},
	{"💰", []string{"(mo)"}, nil},
	{"🔙", []string{"(brb)"}, nil},
	{"🙌", []string{"(h5)"}, nil},
	{"🤞", []string{"(yn)"}, nil},
	{"🚬", []string{"(ci)"}, nil},
	{"🎮", []string{"(xx)"}, nil},
}

// asPicture has an emoji shown as a picture that would be shown as a letter.
const asPicture = "\ufe0f"

// letters are the emoji that are shown as letters without it.
const letters = "❤☀🌧🌩☂🏝🎞✉🍽✈"

// code is something that MSN shows as an emoticon.
type code struct{ text, emoji string }

var (
	// codes are all codes by their first two bytes, the longest first: "<:o)" holds ":o".
	codes [256]*[256][]code
	// counts are the bytes that say something about emoticons: those with which one begins, and those
	// between which there is none or a word ends.
	counts = [256]bool{'`': true, ' ': true, '\t': true, '\n': true, '\r': true}
	// written is the code for each emoji, without what only says how it is shown.
	written = make(map[string]string)
	// begins are the first characters of emoji.
	begins = make(map[rune]bool)
	// maxCode is the length of the longest code.
	maxCode = 0
)

func init() {
	for _, p := range pairs {
		shown := p.emoji
		if strings.Contains(letters, p.emoji) {
			shown += asPicture
		}
		for _, text := range p.codes {
			maxCode = max(maxCode, len(text))
			if codes[text[0]] == nil {
				codes[text[0]] = new([256][]code)
				counts[text[0]] = true
			}
			codes[text[0]][text[1]] = append(codes[text[0]][text[1]], code{text, shown})
		}
		for _, emoji := range append([]string{p.emoji}, p.alike...) {
			written[emoji] = p.codes[0]
			begins[[]rune(emoji)[0]] = true
		}
	}
	for _, first := range codes {
		if first == nil {
			continue
		}
		for _, list := range first {
			slices.SortStableFunc(list, func(a, b code) int { return len(b.text) - len(a.text) })
		}
	}
}
