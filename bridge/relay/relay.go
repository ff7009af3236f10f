// Package relay is how people without an account of their own speak on MSN through somebody's
// login: under their names, in plain text, so that nobody is taken for somebody else.
package relay

import (
	"context"
	"html"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/bridgeconfig"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/emoticon"
	"matrix-msn/bridge/msgconv"
	"matrix-msn/bridge/names"
)

const (
	// maxName is how much is shown of a name, in characters: it stands before each text.
	maxName = 40
	// maxAddress is how much is shown of a Matrix ID, and maxFile of the name of a file.
	maxAddress = 80
	maxFile    = 60
	// further stands before each line of a text but the first, so that none looks like the
	// beginning of what somebody else says.
	further = "  "
	// mark is where a format has the text. Names hold none: it is of a private use.
	mark = "\uE000"
)

// Speaker is somebody who speaks through a login. For nil, the user of the login, texts stay as
// they are.
type Speaker struct {
	formats *bridgeconfig.RelayConfig
	name    string              // as it stands before texts, on one line
	sender  bridgev2.OrigSender // as formats see them: fit to be put into HTML
}

// Of returns a user of a room as a Speaker. taken reports whether a name could be taken for that
// of somebody whom people on MSN know.
func Of(ctx context.Context, br *bridgev2.Bridge, room id.RoomID, user id.UserID, taken func(name string) bool) *Speaker {
	var told string
	member, err := br.Matrix.GetMemberInfo(ctx, room, user)
	if err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Stringer("user_id", user).Msg("Failed to get the name of somebody who is relayed: they are named by their Matrix ID")
	} else if member != nil {
		told = member.Displayname
	}
	return Named(ctx, br, room, user, told, taken)
}

// Named is Of for a user of whom is known what they call themselves.
func Named(ctx context.Context, br *bridgev2.Bridge, room id.RoomID, user id.UserID, told string, taken func(name string) bool) *Speaker {
	name, whole := Name(told)
	address := names.Cut(names.OneLine(user.String()), maxAddress)
	formats := &br.Config.Relay
	sender := bridgev2.OrigSender{UserID: id.UserID(html.EscapeString(address)), Distinguisher: formats.GetUserDistinguisher(user)}
	shown := name
	switch {
	case name == "":
		shown = address
	case !whole || strings.Contains(name, "@") || names.HoldsAddress(name) || taken(name) || confusable(ctx, br, room, user, name):
		shown = name + " (" + address + ")"
		sender.RequiresDisambiguation = true
	}
	sender.Displayname = html.EscapeString(name)
	sender.DisambiguatedName = html.EscapeString(shown)
	sender.FormattedName = sender.DisambiguatedName
	if formats.DisplaynameFormat != "" {
		if formatted := names.OneLine(html.UnescapeString(formats.FormatName(&sender))); formatted != "" {
			shown, sender.FormattedName = formatted, html.EscapeString(formatted)
		}
	}
	return &Speaker{formats: formats, name: shown, sender: sender}
}

// confusable reports whether somebody else in a room could be taken to bear a name. Where that
// cannot be seen, they may.
func confusable(ctx context.Context, br *bridgev2.Bridge, room id.RoomID, user id.UserID, name string) bool {
	matrix, ok := br.Matrix.(bridgev2.MatrixConnectorWithNameDisambiguation)
	if !ok {
		return false
	}
	others, err := matrix.IsConfusableName(ctx, room, user, name)
	if err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("Failed to see whether two people in a room have the same name")
	}
	return err != nil || len(others) > 0
}

// Name makes the name that somebody has chosen fit to stand before what they say, and reports
// whether it is all of it. Nothing in it looks like the end of a name, or like the signs that an
// emote or a quote begin with.
func Name(told string) (name string, whole bool) {
	// Names have no limit: what is far behind the part that is shown is not looked at.
	const enough = 16 * maxName
	if whole = len(told) <= enough; !whole {
		told = strings.ToValidUTF8(told[:enough], "")
	}
	plain := names.OneLine(names.Clean(told))
	name = strings.TrimSpace(strings.TrimLeft(names.OneLine(colons.Replace(plain)), "*>•∗＊﹡⁎➤» "))
	// Who is called by signs alone, or by an emoticon, which Messenger draws, has no name.
	if !strings.ContainsFunc(name, isLetter) || emoticon.ToEmoji(name) != name {
		return "", false
	}
	whole = whole && name == plain && !strings.ContainsFunc(name, isSign) && utf8.RuneCountInString(name) <= maxName && utf8.RuneCountInString(told) <= names.Max
	return names.Cut(name, maxName), whole
}

func isLetter(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

// isSign reports whether a character is not one of those that people's names are made of. Many look
// like a colon in some script, letters that only mark a tone among them.
func isSign(r rune) bool {
	return !unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lt, unicode.Lo, unicode.Mn, unicode.N, unicode.So) && !strings.ContainsRune(" -'’._", r)
}

// colons takes out what looks like the colon behind a name.
var colons = strings.NewReplacer(":", " ", "：", " ", "﹕", " ", "∶", " ", "꞉", " ", "︓", " ", "ː", " ", "˸", " ", "։", " ", "׃", " ", "⁚", " ", "܃", " ", "܄", " ",
	"︰", " ", "፡", " ", "៖", " ", "᠄", " ", "⠆", " ", "ㆍ", " ")

// Name returns what a speaker is called before their texts.
func (s *Speaker) Name() string { return s.name }

// Says returns what somebody says, in a message of a kind, with their name. A text that is empty
// stays so.
func (s *Speaker) Says(kind event.MessageType, text string) string {
	if s == nil || text == "" {
		return text
	}
	usual := s.name + ": " + mark
	if kind == event.MsgEmote {
		usual = "* " + s.name + " " + mark
	} else if kind != event.MsgNotice {
		kind = event.MsgText
	}
	return fill(s.format(&event.MessageEventContent{MsgType: kind, Body: mark}), usual, text)
}

// Shows returns in words that somebody shows a file, and what they say of it.
func (s *Speaker) Shows(file *event.MessageEventContent, caption string) string {
	kind := file.MsgType
	if !kind.IsMedia() {
		kind = event.MsgFile
	}
	usual := s.name + " sent " + msgconv.Thing(file)
	name, _ := Name(file.GetFileName())
	content := &event.MessageEventContent{MsgType: kind, FileName: html.EscapeString(names.Cut(name, maxFile))}
	content.Body = content.FileName
	if caption != "" {
		usual += ": " + mark
		content.Body = mark
	}
	if content.FileName == "" { // a caption is one of a file with a name
		content.FileName = "-"
	}
	return fill(s.format(content), usual, caption)
}

// format returns what the admin's format makes of a message, in plain text; "" when there is none.
func (s *Speaker) format(content *event.MessageEventContent) string {
	formatted, err := s.formats.FormatMessage(content, &s.sender)
	if err != nil {
		return ""
	}
	plain, _ := msgconv.ToMSN(&event.MessageEventContent{
		MsgType: event.MsgText, Body: formatted.Body, Format: event.FormatHTML, FormattedBody: formatted.FormattedBody,
	}, msgconv.Options{})
	return plain
}

// fill puts a text into a format, or into the usual one if the format has not one place for it.
func fill(format, usual, text string) string {
	wanted := strings.Count(usual, mark)
	if format == "" || strings.Count(format, mark) != wanted {
		format = usual
	}
	return strings.Replace(format, mark, indented(text), 1)
}

// indented returns a text whose lines but the first stand apart from the beginnings of texts.
func indented(text string) string {
	lines := strings.Split(lineEnds.Replace(strings.TrimSpace(text)), "\n")
	return strings.Join(lines, "\n"+further)
}

// lineEnds makes LF of what breaks lines in some clients.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n", "\u0085", "\n", "\v", "\n", "\f", "\n")

// Address puts the name of who wrote a message before what the bridge says of it, and mentions
// them. It is for those in whose name others speak, too: they see whom it is for.
func Address(ctx context.Context, br *bridgev2.Bridge, room id.RoomID, user id.UserID, said *event.MessageEventContent) {
	name := ""
	if member, err := br.Matrix.GetMemberInfo(ctx, room, user); err == nil && member != nil {
		name, _ = Name(member.Displayname)
	}
	if name == "" {
		name = names.Cut(names.OneLine(user.String()), maxAddress)
	}
	said.Body = name + ": " + said.Body
	said.Mentions = &event.Mentions{UserIDs: []id.UserID{user}}
}
