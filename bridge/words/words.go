// Package words holds what the bridge says to people: whole texts by keys, one file for each language, which tools
// for translators read (TOML of go-i18n). Parts of a text that change are arguments, in the notation of package
// fmt with their numbers, %[1]s, so that other languages can have them in another order.
package words

import (
	"embed"
	"fmt"
	"path"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

//go:embed *.toml
var files embed.FS

// spoken is the language in which the bridge speaks. There is no other yet.
var spoken = i18n.NewLocalizer(load(), language.English.String())

// load reads the files of all languages, each of which is named after its language.
func load() *i18n.Bundle {
	bundle := i18n.NewBundle(language.English)
	bundle.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	names, err := files.ReadDir(".")
	if err != nil {
		panic(err) // a fault of the program's that no test lets pass, as is the next
	}
	for _, name := range names {
		if _, err := bundle.LoadMessageFileFS(files, path.Base(name.Name())); err != nil {
			panic(err)
		}
	}
	return bundle
}

// Text returns the text of a key, with its arguments. Without arguments a percent sign is one. A key that there is
// not, which no test lets pass, is its own text.
func Text(key string, args ...any) string {
	return fill(find(&i18n.LocalizeConfig{MessageID: key}), args)
}

// Count returns the form of the text of a key that goes with a number, which is its first argument.
func Count(key string, n int, args ...any) string {
	return fill(find(&i18n.LocalizeConfig{MessageID: key, PluralCount: n}), append([]any{n}, args...))
}

func find(c *i18n.LocalizeConfig) string {
	text, err := spoken.Localize(c)
	if err != nil {
		return c.MessageID
	}
	return text
}

// fill puts arguments into a text. A form of a text for one need not name the number.
func fill(text string, args []any) string {
	if len(args) == 0 || !strings.Contains(text, "%") {
		return text
	}
	return fmt.Sprintf(text, args...)
}
