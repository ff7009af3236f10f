package database

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"
)

// Shown is how people see a contact: the ghost, and the room of one login with it.
type Shown struct {
	Ghost    networkid.UserID
	Name     string
	NameSet  bool
	Pictured bool   // the ghost has a picture
	Metadata []byte // of the ghost, in JSON
	Room     ShownRoom
}

// ShownRoom is a room as it was last shown. Without a RoomID there is none.
type ShownRoom struct {
	RoomID       id.RoomID
	Name         string
	NameSet      bool
	NameIsCustom bool
	Pictured     bool   // it has a picture, or may have one
	Metadata     []byte // in JSON
}

// Scan reads a row of the columns that ghostsShown names.
func (s *Shown) Scan(row dbutil.Scannable) (*Shown, error) {
	r := &s.Room
	return dbutil.ValueOrErr(s, row.Scan(&s.Ghost, &s.Name, &s.NameSet, &s.Pictured, &s.Metadata,
		&r.RoomID, &r.Name, &r.NameSet, &r.NameIsCustom, &r.Pictured, &r.Metadata))
}

// ghostsShown joins each ghost to the room of a login with it: the ID of a ghost is that of the account behind a prefix, and so is the
// ID of the room, behind another one. It ends in the middle of a list of ghosts.
const ghostsShown = `
	SELECT ghost.id, ghost.name, ghost.name_set, ghost.avatar_id<>'', ghost.metadata,
		COALESCE(portal.mxid, ''), COALESCE(portal.name, ''), COALESCE(portal.name_set, false), COALESCE(portal.name_is_custom, false),
		COALESCE(portal.mxid<>'' AND (portal.avatar_id<>'' OR NOT portal.avatar_set), false), COALESCE(portal.metadata, '{}')
	FROM ghost LEFT JOIN portal ON portal.bridge_id=ghost.bridge_id AND portal.receiver=$2 AND portal.id=$3 || substr(ghost.id, $4)
	WHERE ghost.bridge_id=$1 AND ghost.id IN (`

// maxAsked is about how many ghosts one statement asks for.
const maxAsked = 500

// Shown returns how some people are shown, of whom there are ghosts, and the rooms of a login with them. Before the account there
// stands ghosts in the ID of a ghost, and portals in that of the room.
func (q *GhostQuery) Shown(ctx context.Context, login networkid.UserLoginID, ghosts, portals string, accounts []string) ([]*Shown, error) {
	var all []*Shown
	for some := range slices.Chunk(accounts, maxAsked) {
		args := append(make([]any, 0, 4+len(some)), q.bridgeID, login, portals, len(ghosts)+1)
		var query strings.Builder
		query.Grow(len(ghostsShown) + len(some)*len("$123,"))
		query.WriteString(ghostsShown)
		for i, account := range some {
			if i > 0 {
				query.WriteByte(',')
			}
			args = append(args, ghosts+account)
			query.WriteByte('$')
			query.WriteString(strconv.Itoa(len(args)))
		}
		query.WriteByte(')')
		rows, err := q.db.Query(ctx, query.String(), args...)
		here, err := dbutil.NewRowIterWithError(rows, func(row dbutil.Scannable) (*Shown, error) { return new(Shown).Scan(row) }, err).AsList()
		if err != nil {
			return nil, err
		}
		all = append(all, here...)
	}
	return all, nil
}
