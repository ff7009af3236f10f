package group

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/words"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// What is shown beside the membership of somebody who leaves a conversation or comes back.
const (
	hasLeft  = "has left the conversation"
	hasCome  = "is in the conversation again"
	maxNamed = 5 // of those who are missing
)

// absence is why a member of a group chat does not hear what is said there.
type absence struct {
	left bool   // they were there
	why  string // a few words
}

// absences are those who are missing, by group chat and account. What is known ends with the
// process: the next text calls everybody in again. The zero value is empty.
type absences struct {
	mu     sync.Mutex
	groups map[string]map[string]absence
	looked map[string]bool // group chats whose rooms were held against who is there
}

// maxLooked is of how many group chats is known that they were looked at.
const maxLooked = 10_000

// firstLook reports whether a group chat was not looked at before.
func (a *absences) firstLook(group string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.looked[group] {
		return false
	}
	if a.looked == nil || len(a.looked) >= maxLooked {
		a.looked = make(map[string]bool)
	}
	a.looked[group] = true
	return true
}

// set notes why somebody is missing.
func (a *absences) set(group, account string, why absence) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.groups == nil {
		a.groups = make(map[string]map[string]absence)
	}
	if a.groups[group] == nil {
		a.groups[group] = make(map[string]absence)
	}
	if _, known := a.groups[group][account]; known || len(a.groups[group]) < msn.MaxMembers {
		why.left = why.left || a.groups[group][account].left
		a.groups[group][account] = why
	}
}

// end notes that somebody is there, and returns why they were missing.
func (a *absences) end(group, account string) (was absence, missing bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	was, missing = a.groups[group][account]
	delete(a.groups[group], account)
	if len(a.groups[group]) == 0 {
		delete(a.groups, group)
	}
	return was, missing
}

// of returns who is missing in a group chat.
func (a *absences) of(group string) map[string]absence {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.groups[group])
}

// isAbsent shows in the topic that somebody is missing.
func (g *Groups) isAbsent(conversation *msn.Conversation, member string, why absence) {
	if account, ok := msnid.FromServer(member); ok {
		g.absent.set(conversation.Group(), account, why)
		g.showNewMembers(conversation.Group())
	}
}

// isThere shows that somebody is there who was missing. look has it looked whether their ghost has left
// the room, which an earlier run of the bridge may have shown.
func (g *Groups) isThere(ctx context.Context, conversation *msn.Conversation, member string, look bool) {
	account, ok := msnid.FromServer(member)
	if !ok {
		return
	}
	group := conversation.Group()
	back := func(ctx context.Context) {
		g.put(ctx, g.account.GroupKey(group).ID, account, database.QueuedBack, hasCome, time.Now())
	}
	was, missing := g.absent.end(group, account)
	if !missing && !look {
		return
	}
	if !missing {
		// The homeserver may have to be asked, for which the session does not wait.
		g.work.Do("there "+group+" "+account, func(ctx context.Context) {
			if g.Attendance.hasLeft(ctx, group, account) {
				back(ctx)
			}
		})
		return
	}
	if was.left {
		back(ctx)
	}
	g.showNewMembers(group)
}

// topic returns who is missing in a group chat, in words.
func (g *Groups) topic(ctx context.Context, group string) string {
	absent := g.absent.of(group)
	if len(absent) == 0 {
		return ""
	}
	book := g.account.Names(ctx)
	var missing []string
	for _, account := range slices.Sorted(maps.Keys(absent)) {
		if len(missing) == maxNamed {
			missing = append(missing, words.Count("group.more", len(absent)-maxNamed))
			break
		}
		missing = append(missing, words.Text(absent[account].why, g.account.MatrixName(ctx, account, book)))
	}
	return words.Text("group.not_there", strings.Join(missing, "; "))
}

// clearTopics takes away what an earlier run has written of who is missing.
func (g *Groups) clearTopics(context.Context, *msn.Client) { g.work.Do("topics", g.clearAllTopics) }

func (g *Groups) clearAllTopics(ctx context.Context) {
	groups, err := g.account.DB.Group.First(ctx, g.account.Login.ID)
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to read group chats")
		return
	}
	for group := range groups {
		portal, err := g.account.Bridge.DB.Portal.GetByKey(ctx, g.account.GroupKey(group))
		if err == nil && portal != nil && portal.Topic != "" && len(g.absent.of(group)) == 0 {
			g.showNewMembers(group)
		}
	}
}
