package file

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/names"
	"matrix-msn/msn"
)

// publicMedia is a homeserver's side that can give files away to whoever has their addresses.
type publicMedia = bridgev2.MatrixConnectorWithPublicMedia

// Links reports whether files can be given away by a link: public_media is set up.
func (g *Going) Links() bool {
	public, ok := g.account.Bridge.Matrix.(publicMedia)
	return ok && public.GetPublicMediaAddress(id.ContentURIString("mxc://"+g.account.Bridge.Matrix.ServerName()+"/x")) != ""
}

// Link returns a text with the name, the size and a link to the file of a message, or "" where there
// are no links.
func (g *Going) Link(ctx context.Context, content *event.MessageEventContent) string {
	public, ok := g.account.Bridge.Matrix.(publicMedia)
	if !ok || !g.Links() {
		return ""
	}
	address, err := public.GetPublicMediaAddressForEvent(ctx, content)
	if err != nil || address == "" {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("Failed to make a link to a file")
		return ""
	}
	if content.Info == nil || content.Info.Size <= 0 {
		return fmt.Sprintf("%s: %s", nameOf(content), address)
	}
	return fmt.Sprintf("%s (%s): %s", nameOf(content), names.Bytes(uint64(content.Info.Size)), address)
}

// endings are those of the types of files that clients give no names to.
var endings = map[string]string{
	"image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp",
	"audio/ogg": ".ogg", "audio/mpeg": ".mp3", "audio/mp4": ".m4a", "video/mp4": ".mp4", "video/webm": ".webm",
}

// nameOf returns the name of the file of a message, with the ending without which Windows opens none.
func nameOf(content *event.MessageEventContent) string {
	name := msn.FileName(content.GetFileName())
	if name == "" {
		name = map[event.MessageType]string{
			event.MsgImage: "picture", event.CapMsgSticker: "sticker", event.MsgAudio: "audio", event.MsgVideo: "video",
		}[content.MsgType]
		if name == "" {
			name = "file"
		}
	}
	kind, _, _ := strings.Cut(content.GetInfo().MimeType, ";")
	if path.Ext(name) == "" {
		name += endings[strings.TrimSpace(kind)]
	}
	return name
}
