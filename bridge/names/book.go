package names

import (
	"iter"
	"maps"
	"strings"

	"go.mau.fi/util/confusable"
)

// Skeleton returns what a name looks like: people can take two names with the same
// skeleton for each other.
func Skeleton(name string) string {
	return confusable.Skeleton(strings.ToLower(invisible.Replace(name)))
}

// invisible takes out what cannot be seen between letters.
var invisible = strings.NewReplacer("\u200c", "", "\u200d", "", " ", "")

// Book holds the names of a contact list, so that names can be told apart. The zero
// value holds none, and nothing can be added to it: use NewBook.
type Book struct {
	names     map[string]string // clean, by account
	skeletons map[string]int    // how often each is in names
	reserved  map[string]bool   // skeletons
}

// NewBook returns an empty book. Reserved are names that nobody may be taken to bear:
// those of the bridge and of the user.
func NewBook(reserved ...string) *Book {
	b := &Book{names: make(map[string]string), skeletons: make(map[string]int), reserved: make(map[string]bool)}
	for _, name := range reserved {
		if name != "" {
			b.reserved[Skeleton(name)] = true
		}
	}
	return b
}

// Add notes what an account is called, in any form, "" for nothing. What an account is
// called already stays.
func (b *Book) Add(account, name string) {
	if b.names[account] != "" {
		return
	}
	b.names[account] = Clean(name)
	if clean := b.names[account]; clean != "" {
		b.skeletons[Skeleton(clean)]++
	}
}

// Name returns the clean name of an account, or "".
func (b *Book) Name(account string) string { return b.names[account] }

// Accounts returns the accounts in the book, in no order.
func (b *Book) Accounts() iter.Seq[string] { return maps.Keys(b.names) }

// Reserved reports whether a name could be taken for one of those that are reserved.
func (b *Book) Reserved(name string) bool { return b.reserved[Skeleton(name)] }

// Bearers returns how many accounts have a name that looks like this one.
func (b *Book) Bearers(name string) int { return b.skeletons[Skeleton(name)] }

// Ambiguous reports whether the name of an account, be that in the book or not, is that of
// somebody else too, or looks so: one that is reserved, another contact's, or an address.
func (b *Book) Ambiguous(account, name string) bool {
	others := b.Bearers(name)
	if own := b.names[account]; own != "" && Skeleton(own) == Skeleton(name) {
		others--
	}
	return HoldsAddress(name) || b.Reserved(name) || others > 0
}

// HoldsAddress reports whether a name, or a word of it, could be taken for an e-mail
// address.
func HoldsAddress(name string) bool {
	for word := range strings.FieldsSeq(name) {
		if before, after, at := strings.Cut(word, "@"); at && before != "" && after != "" {
			return true
		}
	}
	return false
}
