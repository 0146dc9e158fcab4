package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"
	"github.com/spf13/viper"

	"github.com/initkoa/orgo/client"
)

// Settings are what holds for every command. Each comes from its flag, else from
// ORGO_<NAME>, else from the settings file. They are read once.
type Settings struct {
	URL    string `mapstructure:"url"`
	Token  string `mapstructure:"token"`
	Data   string `mapstructure:"data"`
	Output string `mapstructure:"output"`
	// LogKey is the file with the public key of the server's log.
	LogKey string `mapstructure:"log-key"`

	// dataChosen says that the data directory was given as a flag, which then
	// goes before a URL that was not.
	dataChosen bool
}

const (
	flagConfig = "config"
	flagURL    = "url"
	flagData   = "data"
	flagOutput = "output"
	flagLogKey = "log-key"
)

// addSettingFlags adds the flags of the settings. The token has none: the
// arguments of a program can be read by everybody on its machine.
func addSettingFlags(flags *pflag.FlagSet) {
	flags.String(flagURL, "", "the server's URL (ORGO_URL; its token is in ORGO_TOKEN)")
	flags.String(flagData, "", "the data directory of a local stack, which knows its URL and token (ORGO_DATA; default .orgo)")
	flags.StringP(flagOutput, "o", formatTable, "how to print: table, json or yaml (ORGO_OUTPUT)")
	flags.String(flagLogKey, "", "the file with the public key of the server's log; every answer must then extend what was seen before (ORGO_LOG_KEY)")
	flags.String(flagConfig, "", "a settings file with url, token, data and output (ORGO_CONFIG; default orgo/config.yaml in the user's configuration directory)")
}

func readSettings(flags *pflag.FlagSet) (Settings, error) {
	v := viper.New()
	v.SetEnvPrefix("orgo")
	v.SetEnvKeyReplacer(strings.NewReplacer("-", "_"))
	for _, name := range []string{flagURL, flagData, flagOutput, flagLogKey, flagConfig} {
		if err := errors.Join(v.BindPFlag(name, flags.Lookup(name)), v.BindEnv(name)); err != nil {
			return Settings{}, Usage("setting %s: %v", name, err)
		}
	}
	if err := v.BindEnv("token"); err != nil {
		return Settings{}, Usage("setting token: %v", err)
	}
	if err := readFile(v); err != nil {
		return Settings{}, err
	}
	// The struct has every setting but the place of the file itself.
	var read struct {
		Settings `mapstructure:",squash"`
		Config   string `mapstructure:"config"`
	}
	if err := v.UnmarshalExact(&read); err != nil {
		return Settings{}, Usage("settings: %v", err)
	}
	settings := read.Settings
	settings.dataChosen = flags.Changed(flagData) && !flags.Changed(flagURL)
	if !knownFormat(settings.Output) {
		return Settings{}, Usage("output %q is not table, json or yaml", settings.Output)
	}
	return settings, nil
}

// readFile reads the settings file. One that was named must be there.
func readFile(v *viper.Viper) error {
	path := v.GetString(flagConfig)
	named := path != ""
	if !named {
		directory, err := os.UserConfigDir()
		if err != nil {
			return nil // without a home there is no such file
		}
		path = filepath.Join(directory, "orgo", "config.yaml")
	}
	v.SetConfigFile(path)
	err := v.ReadInConfig()
	if err == nil || (!named && errors.Is(err, fs.ErrNotExist)) {
		return nil
	}
	return Usage("settings file %s: %v", path, err)
}

// connection says where the server is.
func (s Settings) connection() (client.Options, error) {
	if s.URL != "" && !s.dataChosen {
		options := client.Options{URL: s.URL, Token: s.Token}
		if s.LogKey == "" {
			return options, nil
		}
		var err error
		options.Log, err = client.OpenLog(s.LogKey)
		return options, err
	}
	directory := s.Data
	if directory == "" {
		directory = client.DefaultDirectory
	}
	return client.FromDirectory(directory)
}
