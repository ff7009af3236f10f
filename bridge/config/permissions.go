package config

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// levels are what may stand behind somebody in bridge.permissions.
var levels = []string{"block", "relay", "commands", "user", "admin"}

// checkPermissions checks what users may do. The framework says of a level that it does not know neither whose it is nor where it
// stands.
func checkPermissions(root *yaml.Node) (errs []error) {
	bridge := valueOf(root, "bridge")
	if bridge == nil {
		return nil
	}
	permissions := valueOf(bridge, "permissions")
	if permissions == nil || permissions.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(permissions.Content); i += 2 {
		who, level := permissions.Content[i], resolve(permissions.Content[i+1])
		// A level can also be written as a list of what it allows.
		if level.Kind == yaml.MappingNode || level.Tag == "!!str" && slices.Contains(levels, strings.ToLower(level.Value)) {
			continue
		}
		errs = append(errs, fmt.Errorf("bridge.permissions (line %d) has no level that there is behind %q: write %s or %s",
			level.Line, who.Value, strings.Join(levels[:len(levels)-1], ", "), levels[len(levels)-1]))
	}
	return errs
}
