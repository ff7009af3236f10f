package database

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
)

// Emoticon is a picture that stands for a few characters of a text.
type Emoticon struct {
	Shortcut string `json:"shortcut"`
	// Picture says which it is: of a text from MSN its SHA-1 in hexadecimal, of one from Matrix where it
	// is there.
	Picture string `json:"picture"`
}

// Emoticons are those of one text. They are stored as JSON, none as "".
type Emoticons []Emoticon

// Value implements driver.Valuer.
func (e Emoticons) Value() (driver.Value, error) {
	if len(e) == 0 {
		return "", nil
	}
	data, err := json.Marshal(e)
	return string(data), err
}

// Scan implements sql.Scanner.
func (e *Emoticons) Scan(value any) error {
	var text string
	switch v := value.(type) {
	case string:
		text = v
	case []byte:
		text = string(v)
	default:
		return fmt.Errorf("emoticons are stored as text, not as %T", value)
	}
	*e = nil
	if text == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), e)
}
