package icon

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"
)

const (
	// keyPrefix begins the keys under which the framework's table of single values has the pictures.
	keyPrefix = "com.github.matrix-msn.icon."
	// shownBy is the key of the picture that the bot shows.
	shownBy database.Key = keyPrefix + "shown"
	// FilePrefix begins the names of the files.
	FilePrefix = "matrix-msn-"
	// timeout bounds bringing all pictures into Matrix, once: the start of the bridge waits for it.
	timeout = 15 * time.Second
)

// Set are the pictures in Matrix. The zero value has none, and so has nil.
type Set struct {
	mu    sync.Mutex
	known map[Kind]bridgev2.Avatar
}

// Load finds out where in Matrix the pictures are, and brings those there that are not. What fails is logged,
// and tried at the next start.
func (s *Set) Load(ctx context.Context, br *bridgev2.Bridge) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for _, kind := range Kinds {
		avatar, err := load(ctx, br, kind)
		if err != nil {
			zerolog.Ctx(ctx).Warn().Err(err).Str("icon", string(kind)).Msg("Failed to bring a picture into Matrix; trying again at the next start")
			continue
		}
		s.mu.Lock()
		if s.known == nil {
			s.known = make(map[Kind]bridgev2.Avatar)
		}
		s.known[kind] = avatar
		s.mu.Unlock()
	}
}

func load(ctx context.Context, br *bridgev2.Bridge, kind Kind) (bridgev2.Avatar, error) {
	data, err := PNG(kind)
	if err != nil {
		return bridgev2.Avatar{}, err
	}
	hash := sha256.Sum256(data)
	mark := hex.EncodeToString(hash[:8])
	avatar := bridgev2.Avatar{ID: networkid.AvatarID(fmt.Sprintf("icon:%s:%s", kind, mark)), Hash: hash}
	key := database.Key(keyPrefix + string(kind))
	if of, uri, ok := strings.Cut(br.DB.KV.Get(ctx, key), " "); ok && of == mark {
		avatar.MXC = id.ContentURIString(uri)
		return avatar, nil
	}
	// Without a room: everybody may see it.
	avatar.MXC, _, err = br.Bot.UploadMedia(ctx, "", data, FilePrefix+string(kind)+".png", "image/png")
	if err == nil {
		br.DB.KV.Set(ctx, key, mark+" "+string(avatar.MXC))
	}
	return avatar, err
}

// Avatar returns a picture for a ghost or a room, nil while there is none.
func (s *Set) Avatar(kind Kind) *bridgev2.Avatar {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	avatar, ok := s.known[kind]
	if !ok {
		return nil
	}
	return &avatar
}

// URI returns where in Matrix a picture is, "" while it is not there.
func (s *Set) URI(kind Kind) id.ContentURIString {
	if avatar := s.Avatar(kind); avatar != nil {
		return avatar.MXC
	}
	return ""
}

// ShowBot has the bot show its picture, once for each: an admin can give it another one by hand.
func (s *Set) ShowBot(ctx context.Context, br *bridgev2.Bridge) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	uri := s.URI(Bot)
	if uri == "" || br.DB.KV.Get(ctx, shownBy) == string(uri) {
		return
	}
	if err := br.Bot.SetAvatarURL(ctx, uri); err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("Failed to give the bot its picture; trying again at the next start")
		return
	}
	br.DB.KV.Set(ctx, shownBy, string(uri))
}
