package config

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// FilesConfig is network.files: how large the files are that are carried, and how.
type FilesConfig struct {
	AcceptBelow string `yaml:"accept_below"`
	SendBelow   string `yaml:"send_below"`
	Direct      bool   `yaml:"direct"`
}

// fileSettings are the names of the fields of FilesConfig; fileDirect is true or false, the others are sizes.
var fileSettings = []string{"accept_below", "send_below", fileDirect}

const fileDirect = "direct"

// What network.files.accept_below and send_below can be, in bytes.
const (
	defaultAccept = 20 * megabyte
	defaultSend   = 100 * megabyte
	largestFile   = 2000 * megabyte

	megabyte = 1_000_000
)

// AcceptBelow is how large a file may be that is taken from a contact without asking, in bytes; 0 for
// asking always.
func (c *Config) AcceptBelow() uint64 { return c.accept }

// SendBelow is how large a file may be that is sent to a contact, in bytes; 0 for none.
func (c *Config) SendBelow() uint64 { return c.send }

// checkFiles reads network.files.
func (c *Config) checkFiles() (err error) {
	if c.accept, err = parseSize("accept_below", c.Files.AcceptBelow, defaultAccept); err != nil {
		return err
	}
	c.send, err = parseSize("send_below", c.Files.SendBelow, defaultSend)
	return err
}

// parseSize reads how large files may be.
func parseSize(name, text string, otherwise uint64) (uint64, error) {
	if text == "" {
		return otherwise, nil
	}
	number, unit := strings.TrimSpace(text), uint64(1)
	for suffix, size := range map[string]uint64{"KB": 1000, "MB": megabyte, "GB": 1000 * megabyte} {
		if cut, ok := strings.CutSuffix(strings.ToUpper(number), suffix); ok {
			number, unit = strings.TrimSpace(cut), size
			break
		}
	}
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil || n > math.MaxUint64/unit || n*unit > largestFile || unit == 1 && n != 0 {
		return 0, fmt.Errorf("network.files.%s: %q is no size from 0 to 2 GB; write it like 20 MB", name, text)
	}
	return n * unit, nil
}

// checkFileSettings returns an error, a sentence for the admin, when network.files holds what is no
// setting.
func checkFileSettings(files *yaml.Node) error {
	if files.Kind != yaml.MappingNode {
		return fmt.Errorf("network.files (line %d) must hold %s", files.Line, listed(fileSettings))
	}
	for i := 0; i+1 < len(files.Content); i += 2 {
		name, value := files.Content[i].Value, resolve(files.Content[i+1])
		if !slices.Contains(fileSettings, name) {
			return fmt.Errorf("network.files.%s (line %d) is no setting; there are %s", name, value.Line, listed(fileSettings))
		}
		if name == fileDirect {
			if value.Kind != yaml.ScalarNode || value.Tag != "!!bool" && value.Tag != "!!null" {
				return fmt.Errorf("network.files.%s (line %d) must be true or false", name, value.Line)
			}
			continue
		}
		if value.Kind != yaml.ScalarNode || !slices.Contains([]string{"!!str", "!!int", "!!null"}, value.Tag) {
			return fmt.Errorf("network.files.%s (line %d) must be a size with its unit, such as 20 MB, or 0", name, value.Line)
		}
	}
	return nil
}
