package rpc

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
)

// What can happen to a request or a copy. Every error of this package that is not a
// [RemoteError] wraps one of these or [context.Canceled].
var (
	// ErrNoResponders says that nobody serves the subject. It comes at once.
	ErrNoResponders = errors.New("no responders")
	// ErrTimeout says that the deadline passed without a reply, here or in the handler. In
	// the second case the error is also a [RemoteError] with [CodeTimeout].
	ErrTimeout = fmt.Errorf("no reply in time: %w", context.DeadlineExceeded)
	// ErrOverloaded says that the worker which got the request had no room for it. It
	// comes at once. The error is also a [RemoteError] with [CodeOverloaded].
	ErrOverloaded = errors.New("overloaded")
	// ErrDisconnected says that there is no connection or that it was lost before the
	// reply came. A lost request may or may not have been worked on.
	ErrDisconnected = errors.New("disconnected")
	// ErrTooLarge says that the payload is over what the server carries.
	ErrTooLarge = errors.New("payload too large")
	// ErrNoDeadline says that the caller's context has no deadline.
	ErrNoDeadline = errors.New("context has no deadline")
	// ErrBadSubject says that the subject is empty or contains white space or a wildcard.
	ErrBadSubject = errors.New("bad subject")
)

// Codes of remote errors that this package sends by itself. They follow HTTP.
const (
	CodeBadRequest = 400
	CodeTooLarge   = 413
	CodeOverloaded = 429
	CodeInternal   = 500
	CodeTimeout    = 504
)

// RemoteError is a failure reported by the other side of a request.
type RemoteError struct {
	Subject string
	Code    int // as in HTTP
	Text    string
}

func (e *RemoteError) Error() string {
	return fmt.Sprintf("%s: remote %d: %s", e.Subject, e.Code, e.Text)
}

// Temporary reports whether the same request may succeed later.
func (e *RemoteError) Temporary() bool { return e.Code >= 500 || e.Code == CodeOverloaded }

// Is makes a rejection by a full worker equal to [ErrOverloaded], and a handler that ran
// out of time equal to [ErrTimeout].
func (e *RemoteError) Is(target error) bool {
	switch e.Code {
	case CodeOverloaded:
		return target == ErrOverloaded
	case CodeTimeout:
		return target == ErrTimeout || target == context.DeadlineExceeded
	default:
		return false
	}
}

// codedError is an error with which a handler chooses the code that its caller sees.
type codedError struct {
	code int
	err  error
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }

// Errorf returns an error that reaches the caller of a handler as a [RemoteError] with
// this code and the formatted text. The text travels: keep user data out of it. It wraps
// as [fmt.Errorf] does.
func Errorf(code int, format string, args ...any) error {
	return &codedError{code: code, err: fmt.Errorf(format, args...)}
}

// maxErrorText bounds the text of a remote error on the wire, in bytes.
const maxErrorText = 512

// wireError turns a handler's error into the code and text that its caller gets.
func wireError(err error) (code int, text string) {
	code = CodeInternal
	var coded *codedError
	switch {
	case errors.As(err, &coded):
		code = coded.code
	case errors.Is(err, context.DeadlineExceeded):
		code = CodeTimeout
	}
	text = strings.ToValidUTF8(err.Error(), "?")
	if len(text) > maxErrorText {
		text = strings.ToValidUTF8(text[:maxErrorText], "")
	}
	return code, text
}

// sendError maps what the client library says about a publish to this package's errors.
// What is left over comes from the socket.
func sendError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, nats.ErrMaxPayload):
		return ErrTooLarge
	case errors.Is(err, nats.ErrBadSubject):
		return ErrBadSubject
	default:
		return fmt.Errorf("%w: %w", ErrDisconnected, err)
	}
}

// contextError maps the end of a caller's context.
func contextError(ctx context.Context) error {
	if err := ctx.Err(); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return ErrTimeout
}

// checkSubject refuses what the server would misread.
func checkSubject(subject string) error {
	if subject == "" || strings.ContainsAny(subject, " \t\r\n*>") {
		return fmt.Errorf("%w %q", ErrBadSubject, subject)
	}
	return nil
}
