package schemas

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// messages say, for a keyword, its constraint and the value that violates it,
// what is wrong.
var messages = map[string]func(constraint, value any) string{
	"type":             func(c, v any) string { return fmt.Sprintf("is %s, not of type %s", describe(v), typeText(c)) },
	"enum":             func(c, v any) string { return fmt.Sprintf("is %s, not one of %s", describe(v), shorten(jsonText(c))) },
	"const":            func(c, v any) string { return fmt.Sprintf("is %s, not %s", describe(v), shorten(jsonText(c))) },
	"format":           func(c, v any) string { return fmt.Sprintf("is %s, not of the format %v", describe(v), c) },
	"pattern":          func(c, v any) string { return fmt.Sprintf("is %s, which does not match %q", describe(v), c) },
	"minLength":        func(c, v any) string { return fmt.Sprintf("is %s, shorter than %v characters", describe(v), c) },
	"maxLength":        func(c, v any) string { return fmt.Sprintf("is %s, longer than %v characters", describe(v), c) },
	"minimum":          func(c, v any) string { return fmt.Sprintf("is %s, less than %v", describe(v), c) },
	"maximum":          func(c, v any) string { return fmt.Sprintf("is %s, more than %v", describe(v), c) },
	"exclusiveMinimum": func(c, v any) string { return fmt.Sprintf("is %s, not more than %v", describe(v), c) },
	"exclusiveMaximum": func(c, v any) string { return fmt.Sprintf("is %s, not less than %v", describe(v), c) },
	"multipleOf":       func(c, v any) string { return fmt.Sprintf("is %s, not a multiple of %v", describe(v), c) },
	"minItems":         func(c, v any) string { return fmt.Sprintf("is %s, fewer than %v", describe(v), c) },
	"maxItems":         func(c, v any) string { return fmt.Sprintf("is %s, more than %v", describe(v), c) },
	"uniqueItems":      func(_, _ any) string { return "has equal items" },
	"minContains": func(c, _ any) string {
		if c == nil { // contains without minContains asks for one
			return "has no item that fits contains"
		}
		return fmt.Sprintf("has fewer than %v items that fit contains", c)
	},
	"maxContains":   func(c, _ any) string { return fmt.Sprintf("has more than %v items that fit contains", c) },
	"minProperties": func(c, v any) string { return fmt.Sprintf("is %s, fewer than %v", describe(v), c) },
	"maxProperties": func(c, v any) string { return fmt.Sprintf("is %s, more than %v", describe(v), c) },
	"not":           func(_, _ any) string { return "is what the schema excludes" },
}

// shownRunes is how much of a value a message shows.
const shownRunes = 60

func shorten(text string) string {
	runes := []rune(text)
	if len(runes) <= shownRunes {
		return text
	}
	return string(runes[:shownRunes]) + "…"
}

// describe shows a scalar, and says how large anything else is.
func describe(value any) string {
	switch value := value.(type) {
	case []any:
		return fmt.Sprintf("an array of %d", len(value))
	case map[string]any:
		return fmt.Sprintf("an object of %d", len(value))
	case string:
		return strconv.Quote(shorten(value))
	default:
		return shorten(jsonText(value))
	}
}

func jsonText(value any) string {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprintf("%T", value)
	}
	return string(data)
}

func typeText(constraint any) string {
	items, isList := constraint.([]any)
	if !isList {
		return fmt.Sprint(constraint)
	}
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = fmt.Sprint(item)
	}
	return strings.Join(texts, " or ")
}

// missingNames returns the required names that an object lacks.
func missingNames(constraint, value any) []string {
	object, _ := value.(map[string]any)
	required, _ := constraint.([]any)
	var missing []string
	for _, item := range required {
		name, _ := item.(string)
		if _, there := object[name]; !there {
			missing = append(missing, name)
		}
	}
	return missing
}

func missingDependents(constraint, value any) []string {
	object, _ := value.(map[string]any)
	dependents, _ := constraint.(map[string]any)
	var found []string
	for _, name := range sortedKeys(dependents) {
		if _, there := object[name]; !there {
			continue
		}
		for _, missing := range missingNames(dependents[name], value) {
			found = append(found, fmt.Sprintf("has %q, and lacks %q which that needs", name, missing))
		}
	}
	return found
}
