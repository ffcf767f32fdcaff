package inproc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// startNATS returns the server and where it listens.
func startNATS(ctx context.Context, cfg Config, last string, log *slog.Logger) (*server.Server, string, error) {
	host, port, err := freePort(cfg.NATSAddr, last)
	if err != nil {
		return nil, "", fmt.Errorf("listen for NATS: %w", err)
	}
	ns, err := server.NewServer(&server.Options{
		ServerName: "pfr", Host: host, Port: port,
		MaxPayload:      cfg.MaxPayload,
		NoSigs:          true, // signals belong to the program
		NoSystemAccount: true,
		WriteDeadline:   2 * time.Second, // a client that stops reading is dropped after it
	})
	if err != nil {
		return nil, "", fmt.Errorf("make NATS server: %w", err)
	}
	fatal := make(chan string, 1)
	ns.SetLoggerV2(natsLog{log, fatal}, false, false, false)
	ns.Start()
	if err := awaitNATS(ctx, ns, cfg.StartTimeout); err != nil {
		ns.Shutdown()
		ns.WaitForShutdown()
		return nil, "", fmt.Errorf("start NATS server on %s: %w", net.JoinHostPort(host, strconv.Itoa(port)), errors.Join(err, first(fatal)))
	}
	return ns, ns.Addr().String(), nil
}

// freePort finds out which port the server can have. The server cannot be given a
// listener, so somebody else may take the port in between; then the start fails.
func freePort(asked, last string) (host string, port int, err error) {
	l, err := listen(asked, last)
	if err != nil {
		return "", 0, err
	}
	host, text, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return "", 0, errors.Join(err, l.Close())
	}
	port, err = strconv.Atoi(text)
	return host, port, errors.Join(err, l.Close())
}

func awaitNATS(ctx context.Context, ns *server.Server, limit time.Duration) error {
	if d, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(d))
	}
	if ctx.Err() != nil || !ns.ReadyForConnections(limit) {
		return errors.Join(fmt.Errorf("not ready after %v", limit), ctx.Err())
	}
	return nil
}

func first(texts <-chan string) error {
	select {
	case t := <-texts:
		return errors.New(t)
	default:
		return nil
	}
}

// natsLog passes on what the server says, at debug but for its warnings and errors.
type natsLog struct {
	log   *slog.Logger
	fatal chan<- string // keeps the first fatal text
}

// The methods of server.Logger.
func (n natsLog) Noticef(format string, v ...any) { n.say(slog.LevelDebug, format, v) }
func (n natsLog) Debugf(format string, v ...any)  { n.say(slog.LevelDebug, format, v) }
func (n natsLog) Tracef(format string, v ...any)  { n.say(slog.LevelDebug, format, v) }
func (n natsLog) Warnf(format string, v ...any)   { n.say(slog.LevelWarn, format, v) }
func (n natsLog) Errorf(format string, v ...any)  { n.say(slog.LevelWarn, format, v) }
func (n natsLog) Fatalf(format string, v ...any) {
	select {
	case n.fatal <- fmt.Sprintf(format, v...):
	default:
	}
	n.say(slog.LevelWarn, format, v)
}

func (n natsLog) say(level slog.Level, format string, v []any) {
	if ctx := context.Background(); n.log.Enabled(ctx, level) {
		n.log.Log(ctx, level, "NATS server", keyText, fmt.Sprintf(format, v...))
	}
}
