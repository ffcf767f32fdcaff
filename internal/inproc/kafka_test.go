package inproc_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

// kafkaClient speaks to one broker about partition 0, and fails the test on any error.
type kafkaClient struct {
	t         testing.TB
	client    *kafka.Client
	transport *kafka.Transport
}

func dialKafka(t testing.TB, addr string) *kafkaClient {
	t.Helper()
	tr := &kafka.Transport{}
	return &kafkaClient{t: t, transport: tr, client: &kafka.Client{
		Addr: kafka.TCP(addr), Timeout: 10 * time.Second, Transport: tr,
	}}
}

func (k *kafkaClient) close() { k.transport.CloseIdleConnections() }

func (k *kafkaClient) check(what string, errs ...error) {
	k.t.Helper()
	for _, err := range errs {
		if err != nil {
			k.t.Fatalf("%s: %v", what, err)
		}
	}
}

func (k *kafkaClient) create(topic string, config map[string]string) {
	k.t.Helper()
	tc := kafka.TopicConfig{Topic: topic, NumPartitions: 1, ReplicationFactor: 1}
	for name, value := range config {
		tc.ConfigEntries = append(tc.ConfigEntries, kafka.ConfigEntry{ConfigName: name, ConfigValue: value})
	}
	res, err := k.client.CreateTopics(context.Background(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{tc}})
	k.check("create topic", err)
	k.check("create topic", res.Errors[topic])
}

// produce writes each value as a batch of its own, all under one key.
func (k *kafkaClient) produce(topic string, values ...string) {
	k.t.Helper()
	for _, v := range values {
		res, err := k.client.Produce(context.Background(), &kafka.ProduceRequest{
			Topic: topic, RequiredAcks: kafka.RequireAll,
			Records: kafka.NewRecordReader(kafka.Record{Key: kafka.NewBytes([]byte("key")), Value: kafka.NewBytes([]byte(v))}),
		})
		k.check("produce", err)
		k.check("produce", res.Error)
	}
}

func (k *kafkaClient) offsets(topic string) kafka.PartitionOffsets {
	k.t.Helper()
	res, err := k.client.ListOffsets(context.Background(), &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{topic: {kafka.FirstOffsetOf(0), kafka.LastOffsetOf(0)}},
	})
	k.check("list offsets", err)
	k.check("list offsets", res.Topics[topic][0].Error)
	return res.Topics[topic][0]
}

func (k *kafkaClient) firstOffset(topic string) int64 {
	k.t.Helper()
	return k.offsets(topic).FirstOffset
}

func (k *kafkaClient) readAll(topic string) []string {
	k.t.Helper()
	at := k.offsets(topic)
	var out []string
	for next := at.FirstOffset; next < at.LastOffset; {
		res, err := k.client.Fetch(context.Background(), &kafka.FetchRequest{
			Topic: topic, Offset: next, MinBytes: 1, MaxBytes: 1 << 20, MaxWait: time.Second,
		})
		k.check("fetch", err)
		if errors.Is(res.Error, kafka.OffsetOutOfRange) { // cleaned away just now
			next = k.firstOffset(topic)
			continue
		}
		k.check("fetch", res.Error)
		for {
			rec, err := res.Records.ReadRecord()
			if err != nil {
				break // the end of the batch
			}
			value, err := kafka.ReadAll(rec.Value)
			k.check("read value", err)
			if rec.Offset >= next {
				out, next = append(out, string(value)), rec.Offset+1
			}
		}
	}
	return out
}

func (k *kafkaClient) commit(group, topic string, offset int64) {
	k.t.Helper()
	res, err := k.client.OffsetCommit(context.Background(), &kafka.OffsetCommitRequest{
		GroupID: group, GenerationID: -1,
		Topics: map[string][]kafka.OffsetCommit{topic: {{Partition: 0, Offset: offset}}},
	})
	k.check("commit", err)
	k.check("commit", res.Topics[topic][0].Error)
}

// join makes this client a member of a group and never leaves it.
func (k *kafkaClient) join(ctx context.Context, group, topic string) {
	k.t.Helper()
	req := &kafka.JoinGroupRequest{
		GroupID: group, ProtocolType: "consumer",
		SessionTimeout: time.Minute, RebalanceTimeout: time.Minute,
		Protocols: []kafka.GroupProtocol{{Name: "range", Metadata: kafka.GroupProtocolSubscription{Topics: []string{topic}}}},
	}
	res, err := k.client.JoinGroup(ctx, req)
	k.check("join group", err)
	if errors.Is(res.Error, kafka.MemberIDRequired) {
		req.MemberID = res.MemberID
		res, err = k.client.JoinGroup(ctx, req)
		k.check("join group", err)
	}
	k.check("join group", res.Error)
}

func (k *kafkaClient) committed(group, topic string) int64 {
	k.t.Helper()
	res, err := k.client.OffsetFetch(context.Background(), &kafka.OffsetFetchRequest{
		GroupID: group, Topics: map[string][]int{topic: {0}},
	})
	k.check("fetch offset", err)
	k.check("fetch offset", res.Error, res.Topics[topic][0].Error)
	return res.Topics[topic][0].CommittedOffset
}
