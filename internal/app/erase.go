package app

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/parallel-fusion/pfr/consumers/export"
	"github.com/parallel-fusion/pfr/internal/pseudonym"
	"github.com/parallel-fusion/pfr/internal/stream"
	"github.com/parallel-fusion/pfr/schemas"
)

// EraseRequest says who is to be forgotten, by the ids that frontends send.
type EraseRequest struct {
	Users, Clients []string
	// Parquet are folders to erase from at once. A folder that an exporter holds is left to
	// it: it follows the topic.
	Parquet []string
}

// Validate reports every problem at once.
func (r EraseRequest) Validate() error {
	var errs []error
	if len(r.Users)+len(r.Clients) == 0 {
		errs = append(errs, errors.New("nobody is named: say --user or --client"))
	}
	if max(len(r.Users), len(r.Clients)) > schemas.MaxSubjects {
		errs = append(errs, fmt.Errorf("at most %d users and as many clients at a time", schemas.MaxSubjects))
	}
	if slices.Contains(r.Users, "") || slices.Contains(r.Clients, "") {
		errs = append(errs, errors.New("an id is empty"))
	}
	return errors.Join(errs...)
}

// Erasing is what came of a request.
type Erasing struct {
	ID       string         // of the erasure on the topic
	Known    bool           // it was on the topic already, and was not published again
	Folders  []ErasedFolder // in the order of the request
	Retained []RetainedTopic
}

// ErasedFolder is what was done to a folder of Parquet files.
type ErasedFolder struct {
	Dir    string
	Held   bool // an exporter has it, which follows the topic
	Report export.Report
}

// RetainedTopic is a topic that holds who is to be forgotten until its records are gone.
type RetainedTopic struct {
	Topic string
	What  string    // it holds of the subject
	Until time.Time // for what was written until now
}

// Erase publishes that somebody is to be forgotten, by pseudonym, and does it to folders
// that nobody holds. It may be repeated at will.
func (a *Admin) Erase(ctx context.Context, r EraseRequest) (Erasing, error) {
	var out Erasing
	if err := r.Validate(); err != nil {
		return out, fmt.Errorf("erase: %w", err)
	}
	if a.cfg.Privacy.SaltFile == "" {
		return out, errors.New("erase: the salt is missing, without which nobody is found: name its file with --salt-file; it is DIR/salt of 'pfr up --data DIR', or privacy.salt_file of the fusion role")
	}
	names, err := a.cfg.Privacy.known()
	if err != nil {
		return out, err
	}
	s := subjects{}
	for _, id := range r.Users {
		s.users = append(s.users, names.User(id))
	}
	for _, id := range r.Clients {
		s.clients = append(s.clients, names.Client(id))
	}
	now := time.Now().UTC()
	if out, err = a.publishErasure(ctx, s.and(subjects{}), now); err != nil {
		return out, err
	}
	out.Retained = a.cfg.Topics.retained(now)
	for _, dir := range r.Parquet {
		f, err := a.eraseFolder(ctx, dir, s)
		out.Folders = append(out.Folders, f)
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

// eraseAgainAfter is how old the same request on the topic is when it is published anew, since
// the subject may have come back.
const eraseAgainAfter = time.Minute

// publishErasure publishes an erasure, unless the same one has just been.
func (a *Admin) publishErasure(ctx context.Context, s subjects, now time.Time) (Erasing, error) {
	sum := sha256.Sum256([]byte(strings.Join(s.clients, ",") + "|" + strings.Join(s.users, ",")))
	out := Erasing{ID: hex.EncodeToString(sum[:8])}
	if err := a.CreateTopics(ctx); err != nil {
		return out, err
	}
	err := stream.Tail(ctx, a.cluster, erasures, stream.TailConfig{UntilEnd: true}, func(_ context.Context, e schemas.Erasure, _ stream.Meta) error {
		out.Known = out.Known || e.ID == out.ID && now.Sub(e.RequestedAt) < eraseAgainAfter
		return nil
	})
	if err != nil || out.Known {
		return out, err
	}
	p, err := stream.NewProducer(a.cluster, a.cfg.Produce)
	if err != nil {
		return out, err
	}
	e := schemas.Erasure{SchemaVersion: schemas.Version, ID: out.ID, Clients: s.clients, Users: s.users, RequestedAt: now}
	err = stream.NewPublisher(p, erasures).Publish(ctx, e)
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	if err = errors.Join(err, p.Close(end)); err != nil {
		return out, fmt.Errorf("publish erasure: %w", err)
	}
	return out, nil
}

// eraseFolder erases from Parquet files.
func (a *Admin) eraseFolder(ctx context.Context, dir string, s subjects) (ErasedFolder, error) {
	f := ErasedFolder{Dir: dir}
	cfg := a.cfg.Consumers.Export
	cfg.Dir = dir
	x, err := export.Open(cfg, (*pseudonym.Names)(nil), a.log, nil)
	if errors.Is(err, export.ErrLocked) {
		f.Held = true
		return f, nil
	}
	if err != nil {
		return f, err
	}
	f.Report, err = x.Erase(ctx, export.Subjects{Clients: s.clients, Users: s.users})
	return f, errors.Join(err, x.Close())
}

// retained says until when topics hold what was written until now, and what that is.
func (c TopicsConfig) retained(now time.Time) []RetainedTopic {
	var list []RetainedTopic
	for _, t := range []RetainedTopic{
		{Topic: schemas.TopicQueries, What: "user id and features, client and session id"},
		{Topic: schemas.TopicRouteDecisions, What: "user id and features, client and session id"},
		{Topic: schemas.TopicSERPs, What: "pseudonyms"},
		{Topic: schemas.TopicInteractions, What: "client and session id"},
		{Topic: schemas.TopicDeadLetters, What: "client and session id, if a record of theirs is among them"},
		{Topic: schemas.TopicErasures, What: "pseudonyms"},
	} {
		t.Until = now.Add(cmp.Or(c.Retentions[t.Topic], c.Retention))
		list = append(list, t)
	}
	return list
}
