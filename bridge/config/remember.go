package config

import (
	"fmt"
	"time"
)

// Remembers says how long what is dealt with is remembered. 0 is for ever.
type Remembers struct {
	Alerts   time.Duration
	Pages    time.Duration // and invitations
	Pictures time.Duration
	Messages time.Duration
}

const (
	// defaultRemember is how long most is remembered.
	defaultRemember = 90 * 24 * time.Hour
	// leastRemember is longer than anything comes again that is known by what is remembered: offline messages that the service
	// did not forget, alerts that it repeats, what is told once a day.
	leastRemember = 8 * 24 * time.Hour
	// longestRemember is a hundred years: more does not fit into times everywhere.
	longestRemember = 100 * 365 * 24 * time.Hour
)

// Remembers says how long what is dealt with is remembered.
func (c *Config) Remembers() Remembers { return c.remembers }

// checkRemembers reads the settings for Remembers.
func (c *Config) checkRemembers() error {
	for _, setting := range []struct {
		name, text string
		otherwise  time.Duration
		to         *time.Duration
	}{
		{"keep_alerts", c.KeepAlerts, defaultRemember, &c.remembers.Alerts},
		{"keep_pages", c.KeepPages, defaultRemember, &c.remembers.Pages},
		{"keep_pictures", c.KeepPictures, defaultRemember, &c.remembers.Pictures},
		{"keep_messages", c.KeepMessages, 0, &c.remembers.Messages},
	} {
		*setting.to = setting.otherwise
		if setting.text == "" {
			continue
		}
		keep, err := time.ParseDuration(setting.text)
		if err != nil || keep != 0 && (keep < leastRemember || keep > longestRemember) {
			return fmt.Errorf("network.%s: %q is no time from %dh to %dh; write it like 2160h, for ninety days, or 0s for ever",
				setting.name, setting.text, leastRemember/time.Hour, longestRemember/time.Hour)
		}
		*setting.to = keep
	}
	return nil
}
