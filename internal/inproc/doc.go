// Package inproc runs the brokers inside this process: a Kafka broker (kfake) that keeps
// its log in a data directory, and a NATS server. Both listen on the loopback interface,
// so that other processes of the same machine can join.
//
// They are for one machine: development, tests, small installations. There is one broker,
// no replica, no authentication. What the Kafka broker has acknowledged survives the death
// of the process, and with Config.SyncWrites that of the machine. NATS keeps nothing.
//
// A data directory holds
//
//	lock           taken by the one process that may use the directory
//	addresses.json where the brokers listened last, so that a restart keeps the ports
//	kafka/         topics, group offsets and settings of the Kafka broker
package inproc
