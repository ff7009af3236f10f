package config

import (
	"fmt"

	"github.com/rs/zerolog"
	"gopkg.in/yaml.v3"
)

// checkLogging checks the levels of the log. The framework says of one that it does not know neither the setting nor what
// there is.
func checkLogging(root *yaml.Node) (errs []error) {
	logging := valueOf(root, "logging")
	if logging == nil {
		return nil
	}
	check := func(section *yaml.Node, under string) {
		for _, name := range []string{"min_level", "max_level"} {
			level := valueOf(section, name)
			if level == nil || level.Tag == "!!null" {
				continue
			}
			if _, err := zerolog.ParseLevel(level.Value); err != nil || level.Kind != yaml.ScalarNode {
				errs = append(errs, fmt.Errorf("%s%s (line %d) is no level: write trace, debug, info, warn, error or disabled", under, name, level.Line))
			}
		}
	}
	check(logging, "logging.")
	if writers := valueOf(logging, "writers"); writers != nil {
		for i, writer := range writers.Content {
			check(resolve(writer), fmt.Sprintf("logging.writers, number %d, ", i+1))
		}
	}
	return errs
}

// valueOf returns the value of a key, nil if there is none.
func valueOf(mapping *yaml.Node, key string) *yaml.Node {
	if mapping.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return resolve(mapping.Content[i+1])
		}
	}
	return nil
}
