package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"
)

// TopicSpec says how a topic must be. The zero value of an optional field leaves the broker's
// default.
type TopicSpec struct {
	Name            string
	Partitions      int
	Compact         bool          // keep the last record of each key; with Retention, for so long
	Retention       time.Duration // how long records stay; optional
	RetentionBytes  int64         // per partition; optional
	MaxMessageBytes int           // largest batch; optional
}

func (s TopicSpec) policy() string {
	switch {
	case s.Compact && s.Retention > 0:
		return "compact,delete"
	case s.Compact:
		return "compact"
	}
	return "delete"
}

func (s TopicSpec) config() kafka.TopicConfig {
	entries := []kafka.ConfigEntry{{ConfigName: "cleanup.policy", ConfigValue: s.policy()}}
	add := func(name string, v int64) {
		if v > 0 {
			entries = append(entries, kafka.ConfigEntry{ConfigName: name, ConfigValue: strconv.FormatInt(v, 10)})
		}
	}
	add("retention.ms", s.Retention.Milliseconds())
	add("retention.bytes", s.RetentionBytes)
	add("max.message.bytes", int64(s.MaxMessageBytes))
	return kafka.TopicConfig{
		Topic: s.Name, NumPartitions: s.Partitions, ReplicationFactor: -1, ConfigEntries: entries,
	}
}

// TopicInfo describes a topic of the cluster.
type TopicInfo struct {
	Name       string
	Partitions int
	Internal   bool
}

// PartitionOffsets are the bounds of a partition: First is the oldest record kept, Next the
// offset that the next record will get.
type PartitionOffsets struct {
	First int64
	Next  int64
}

// EnsureTopics creates the topics that are missing and waits until every partition answers, or
// ctx ends. A topic that exists with another partition count or cleanup policy is an error
// wrapping ErrTopicMismatch: changing either under live traffic would break joins or lose data.
func (c *Cluster) EnsureTopics(ctx context.Context, specs ...TopicSpec) error {
	var errs []error
	retry := Backoff{Min: 20 * time.Millisecond, Max: 500 * time.Millisecond}
	for attempt := 1; ; attempt++ {
		errs = errs[:0]
		for _, s := range specs {
			if err := c.ensureTopic(ctx, s); err != nil {
				errs = append(errs, fmt.Errorf("ensure topic %s: %w", s.Name, err))
			}
		}
		joined := errors.Join(errs...)
		if joined == nil || errors.Is(joined, ErrTopicMismatch) || !allRetryable(errs) {
			return joined
		}
		if !pause(ctx, retry.after(attempt)) {
			return errors.Join(joined, ctx.Err())
		}
	}
}

func allRetryable(errs []error) bool {
	return !slices.ContainsFunc(errs, func(err error) bool { return !retryable(err) })
}

func (c *Cluster) ensureTopic(ctx context.Context, s TopicSpec) error {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.RequestTimeout)
	defer cancel()
	n, err := c.partitions(ctx, s.Name)
	if errors.Is(err, kafka.UnknownTopicOrPartition) {
		if err := c.createTopic(ctx, s); err != nil {
			return err
		}
		n, err = c.partitions(ctx, s.Name)
	}
	if err != nil {
		return err
	}
	if n != s.Partitions {
		return fmt.Errorf("%w: it has %d partitions, %d are configured: delete the topic or configure %d",
			ErrTopicMismatch, n, s.Partitions, n)
	}
	if err := c.checkPolicy(ctx, s); err != nil {
		return err
	}
	_, err = c.Offsets(ctx, s.Name) // fails until every leader answers
	return err
}

func (c *Cluster) createTopic(ctx context.Context, s TopicSpec) error {
	res, err := c.client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{s.config()}})
	if err != nil {
		return fmt.Errorf("create: %w", err)
	}
	if err := res.Errors[s.Name]; err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
		return fmt.Errorf("create: %w", err)
	}
	return nil
}

func (c *Cluster) checkPolicy(ctx context.Context, s TopicSpec) error {
	const name = "cleanup.policy"
	res, err := c.client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{
		Resources: []kafka.DescribeConfigRequestResource{{
			ResourceType: kafka.ResourceTypeTopic, ResourceName: s.Name, ConfigNames: []string{name},
		}},
	})
	if err != nil {
		return fmt.Errorf("describe: %w", err)
	}
	for _, r := range res.Resources {
		if r.Error != nil {
			return fmt.Errorf("describe: %w", r.Error)
		}
		for _, e := range r.ConfigEntries {
			if e.ConfigName == name && e.ConfigValue != s.policy() {
				return fmt.Errorf("%w: its %s is %q, %q is needed: alter the topic's configuration",
					ErrTopicMismatch, name, e.ConfigValue, s.policy())
			}
		}
	}
	return nil
}

// ListTopics returns every topic of the cluster, by name.
func (c *Cluster) ListTopics(ctx context.Context) ([]TopicInfo, error) {
	res, err := c.client.Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	var out []TopicInfo
	for _, t := range res.Topics {
		if t.Error == nil {
			out = append(out, TopicInfo{Name: t.Name, Partitions: len(t.Partitions), Internal: t.Internal})
		}
	}
	slices.SortFunc(out, func(a, b TopicInfo) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// Partitions returns the number of partitions of a topic.
func (c *Cluster) Partitions(ctx context.Context, topic string) (int, error) {
	n, err := c.partitions(ctx, topic)
	if err != nil {
		return 0, fmt.Errorf("partitions of %s: %w", topic, err)
	}
	return n, nil
}

func (c *Cluster) partitions(ctx context.Context, topic string) (int, error) {
	res, err := c.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return 0, err
	}
	for _, t := range res.Topics {
		switch {
		case t.Name != topic:
		case t.Error != nil:
			return 0, t.Error
		default:
			return len(t.Partitions), nil
		}
	}
	return 0, kafka.UnknownTopicOrPartition
}

// Offsets returns the bounds of every partition of a topic, indexed by partition. kafka-go
// asks each leader by itself and calls it [kafka.Unknown] when one of them did not answer in
// time; that is asked again a few times.
func (c *Cluster) Offsets(ctx context.Context, topic string) ([]PartitionOffsets, error) {
	const attempts, wait = 5, 50 * time.Millisecond
	for attempt := 1; ; attempt++ {
		out, err := c.offsets(ctx, topic)
		if !errors.Is(err, kafka.Unknown) || attempt == attempts || !pause(ctx, time.Duration(attempt)*wait) {
			return out, err
		}
	}
}

func (c *Cluster) offsets(ctx context.Context, topic string) ([]PartitionOffsets, error) {
	n, err := c.partitions(ctx, topic)
	if err != nil {
		return nil, fmt.Errorf("offsets of %s: %w", topic, err)
	}
	ask := make([]kafka.OffsetRequest, 0, 2*n)
	for p := range n {
		ask = append(ask, kafka.FirstOffsetOf(p), kafka.LastOffsetOf(p))
	}
	res, err := c.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{topic: ask},
	})
	if err != nil {
		return nil, fmt.Errorf("offsets of %s: %w", topic, err)
	}
	out := make([]PartitionOffsets, n)
	for _, p := range res.Topics[topic] {
		if p.Error != nil {
			return nil, fmt.Errorf("offsets of %s/%d: %w", topic, p.Partition, p.Error)
		}
		out[p.Partition] = PartitionOffsets{First: p.FirstOffset, Next: p.LastOffset}
	}
	return out, nil
}

// Committed returns the committed offset of every partition of a topic for a group, indexed by
// partition; -1 means none.
func (c *Cluster) Committed(ctx context.Context, group, topic string) ([]int64, error) {
	n, err := c.partitions(ctx, topic)
	if err != nil {
		return nil, fmt.Errorf("committed offsets of %s: %w", topic, err)
	}
	all := make([]int, n)
	out := make([]int64, n)
	for p := range n {
		all[p], out[p] = p, -1
	}
	res, err := c.client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{
		GroupID: group, Topics: map[string][]int{topic: all},
	})
	if err == nil {
		err = res.Error
	}
	if err != nil {
		return nil, fmt.Errorf("committed offsets of %s on %s: %w", group, topic, err)
	}
	for _, p := range res.Topics[topic] {
		if p.Error != nil {
			return nil, fmt.Errorf("committed offset of %s on %s/%d: %w", group, topic, p.Partition, p.Error)
		}
		out[p.Partition] = p.CommittedOffset
	}
	return out, nil
}
