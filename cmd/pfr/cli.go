package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/parallel-fusion/pfr/internal/app"
	"github.com/parallel-fusion/pfr/internal/config"
)

// streams are the standard streams of the process.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// cli is the command line. Each command is a file of its own.
type cli struct {
	ConfigFile string   `name:"config-file" type:"existingfile" help:"YAML file with settings." env:"PFR_CONFIG_FILE"`
	Set        []string `name:"set" sep:"none" placeholder:"PATH=VALUE" help:"One setting, such as fusion.reserve=20ms; see 'pfr config'. Can be repeated."`
	LogLevel   string   `enum:"debug,info,warn,error" default:"warn" help:"What to log: ${enum}." env:"PFR_LOG_LEVEL"`

	Up          upCmd          `cmd:"" help:"Run everything in one process, on embedded brokers."`
	Run         runCmd         `cmd:"" help:"Run roles against real brokers."`
	Ask         askCmd         `cmd:"" help:"Ask one query of a running pipeline."`
	Route       routeCmd       `cmd:"" help:"Decide routes for queries, one a line, without brokers."`
	Catalog     catalogCmd     `cmd:"" help:"Build and look at catalogues."`
	Train       trainCmd       `cmd:"" help:"Train the models that run in the process."`
	PostTrain   postTrainCmd   `cmd:"" name:"post-train" help:"Make training rows for a small router: sample, judge, filter, export."`
	Evaluate    evaluateCmd    `cmd:"" help:"Measure quality on labelled data."`
	DeadLetters deadLettersCmd `cmd:"" name:"dead-letters" help:"List and replay what could not be handled."`
	Shadow      shadowCmd      `cmd:"" help:"How far candidate routers agree with what is served."`
	Popular     popularCmd     `cmd:"" help:"What is asked most."`
	Experiments experimentsCmd `cmd:"" help:"What experiments have found, and the switches of their arms."`
	Metrics     metricsCmd     `cmd:"" help:"What came of the searches of a running pipeline."`
	Precompute  precomputeCmd  `cmd:"" help:"Decide popular queries ahead of time; list and withdraw such decisions."`
	Tools       toolsCmd       `cmd:"" help:"Which tools are served now, and how busy they are."`
	MCP         mcpCmd         `cmd:"" name:"mcp" help:"Offer the tools to agents over MCP."`
	New         newCmd         `cmd:"" help:"Write the beginnings of something new."`
	Topics      topicsCmd      `cmd:"" help:"Create and check the topics."`
	Bench       benchCmd       `cmd:"" help:"Put an open-loop load on a running pipeline."`
	Erase       eraseCmd       `cmd:"" help:"Forget a user, or the clients of one, everywhere."`
	Export      exportCmd      `cmd:"" help:"Write pages and interactions into files that analysts read."`
	Config      configCmd      `cmd:"" help:"Print the effective settings, without secrets."`
}

// reserved are the variables that begin with PFR_ and are flags or belong to tests.
func reserved() []string {
	return []string{"PFR_CONFIG_FILE", "PFR_LOG_LEVEL", "PFR_TEST_", "PFR_QUERY_DATA"}
}

// program is what every command gets.
type program struct {
	streams
	cli *cli
	env []string
	log *slog.Logger
}

// run parses args and executes the command.
func run(ctx context.Context, args []string, std streams, env []string) error {
	var c cli
	exited := false
	parser, err := kong.New(&c, kong.Name("pfr"), kong.Description("The Parallel Fusion Router: agentic search as a streaming pipeline."),
		kong.Writers(std.out, std.err), kong.Exit(func(int) { exited = true }), kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		return fmt.Errorf("command line: %w", err)
	}
	kctx, err := parser.Parse(args)
	if exited {
		return nil // help was asked for and is printed
	}
	if err != nil {
		return fmt.Errorf("%w; try pfr --help", err)
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(std.err, &slog.HandlerOptions{Level: level}))
	return kctx.Run(&program{std, &c, env, log})
}

// settings returns the settings of this process. set holds the command's own flags, as
// path=value: they beat every other source.
func (p *program) settings(set ...string) (app.Config, error) {
	defaults := app.DefaultConfig()
	return config.Load(defaults, config.Sources{
		File: p.cli.ConfigFile, Env: p.env, Reserved: reserved(), Set: append(p.cli.Set, set...),
	})
}

// brokers are the flags of commands that join running brokers.
type brokers struct {
	Kafka []string `help:"Addresses of the Kafka brokers." placeholder:"HOST:PORT"`
	NATS  string   `name:"nats" help:"Address of the NATS servers." placeholder:"URL"`
}

// overrides returns the flags as settings, which beat every other source.
func (b brokers) overrides() []string {
	var set []string
	if len(b.Kafka) > 0 {
		set = append(set, "kafka.brokers=["+strings.Join(quoted(b.Kafka), ", ")+"]")
	}
	if b.NATS != "" {
		set = append(set, "nats.url="+b.NATS)
	}
	return set
}

// model are the flags of commands that can ask a language model.
type model struct {
	LLM        string `name:"llm" help:"Language model to ask where the student is not sure: an OpenAI-compatible server." placeholder:"URL"`
	LLMModel   string `name:"llm-model" help:"Name of the model to ask for (default: what the server has)." placeholder:"NAME"`
	LLMKeyFile string `name:"llm-key-file" type:"existingfile" help:"File with the API key." placeholder:"FILE"`
}

// overrides returns the flags as settings, which beat every other source.
func (m model) overrides() []string {
	var set []string
	for _, s := range []struct{ path, value string }{
		{"router.llm.url", m.LLM}, {"router.llm.model", m.LLMModel}, {"router.llm.key_file", m.LLMKeyFile},
	} {
		if s.value != "" {
			set = append(set, s.path+"="+s.value)
		}
	}
	return set
}

func quoted(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = fmt.Sprintf("%q", s)
	}
	return out
}
