package config

import (
	"errors"
	"strings"

	"matrix-msn/bridge/names"
)

// NameParams are the variables of displayname_template.
type NameParams struct{ Name, Account, Service string }

// maxGhostName is the longest name of a ghost after displayname_template, which
// may add an account and words of the admin's.
const maxGhostName = 300

// DisplayName applies displayname_template. Its result is one clean line.
func (c *Config) DisplayName(params NameParams) (string, error) {
	var b strings.Builder
	if err := c.displayname.Execute(&b, params); err != nil {
		return "", err
	}
	name := names.Cut(names.OneLine(b.String()), maxGhostName)
	if name == "" {
		return "", errors.New("the name comes out empty")
	}
	return name, nil
}
