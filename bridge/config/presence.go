package config

import (
	"fmt"
	"slices"
	"strings"

	"matrix-msn/msn"
)

// Presence says how contacts are shown as online in Matrix: one of the constants below.
type Presence string

// The choices for network.presence. A config without it means PresenceFull.
const (
	PresenceOff     Presence = "off"
	PresenceChanges Presence = "changes" // whenever it changes
	PresenceFull    Presence = "full"    // and again where the homeserver forgets it
)

// Choice is as what a user wants to be seen by their contacts: a status, or one of Follow and
// Activity. It is stored: the words stay.
type Choice string

// The choices that are no status.
const (
	Follow   Choice = "follow"   // as Matrix shows them, where the homeserver tells
	Activity Choice = "activity" // online while they write and read in Matrix
)

// choices are all that there are, in the order in which they are listed.
var choices = []Choice{Follow, Activity, "online", "busy", "away", "brb", "phone", "lunch", "idle", "hidden"}

var statuses = map[Choice]msn.Status{
	"online": msn.Online, "busy": msn.Busy, "away": msn.Away, "brb": msn.BeRightBack,
	"phone": msn.OnThePhone, "lunch": msn.OutToLunch, "idle": msn.Idle, "hidden": msn.Hidden,
}

// ParseChoice reads a choice in any letter case.
func ParseChoice(word string) (Choice, bool) {
	choice := Choice(strings.ToLower(word))
	return choice, slices.Contains(choices, choice)
}

// Status returns the status that a choice is. It reports false for those that are none.
func (c Choice) Status() (msn.Status, bool) {
	status, fixed := statuses[c]
	return status, fixed
}

// Choices returns the words of all choices.
func Choices() string {
	words := make([]string, len(choices))
	for i, choice := range choices {
		words[i] = string(choice)
	}
	return strings.Join(words, ", ")
}

// checkPresence checks the settings of this file and fills in what was left out.
func (c *Config) checkPresence() error {
	if c.Presence == "" {
		c.Presence = PresenceFull
	}
	if !slices.Contains([]Presence{PresenceOff, PresenceChanges, PresenceFull}, c.Presence) {
		return fmt.Errorf("network.presence is %q: set it to off, changes or full", c.Presence)
	}
	if c.Status == "" {
		c.Status = Follow
	}
	choice, ok := ParseChoice(string(c.Status))
	if !ok {
		return fmt.Errorf("network.status is %q: set it to one of %s", c.Status, Choices())
	}
	c.Status = choice
	return nil
}
