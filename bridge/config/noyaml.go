package config

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// noYAML is why a config cannot be read.
func noYAML(config []byte, err error) error {
	lines := slices.Collect(strings.Lines(string(config)))
	for i, text := range lines {
		if indent := text[:len(text)-len(strings.TrimLeft(text, " \t"))]; strings.Contains(indent, "\t") && strings.TrimSpace(text) != "" {
			return fmt.Errorf("line %d of the config begins with a tab: write blanks in its place, which is all that YAML takes there", i+1)
		}
	}
	if line := brokenBy(lines); line > 1 {
		return fmt.Errorf("the config is no YAML any more from line %d on: look whether it begins as far to the right as those around it, and whether a quote or a bracket is closed there, or above", line)
	}
	return fmt.Errorf("the config is no YAML: %w", err)
}

// maxTried bounds how much of a config is read again and again, to find out what is wrong with it.
const maxTried = 256 << 10

// brokenBy returns the number of the line behind the last one up to which all can be read. What reads YAML names the line in which the
// section around it began.
func brokenBy(lines []string) int {
	end := 0
	for _, line := range lines {
		end += len(line)
	}
	if end > maxTried {
		return 0
	}
	whole := strings.Join(lines, "")
	for i := len(lines) - 1; i >= 0; i-- {
		end -= len(lines[i])
		var read yaml.Node
		if yaml.Unmarshal([]byte(whole[:end]), &read) == nil {
			return i + 1
		}
	}
	return 0
}
