package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
)

// order is that in which an Envoy asks for types when it starts.
var order = []string{clusters, endpoints, listeners, routes, filters}

// known is what all sidecars have alike, by type and name; only of the incremental variant.
type known struct {
	mutex    sync.Mutex
	versions map[string]map[string]string
}

func newKnown() *known {
	all := &known{versions: map[string]map[string]string{}}
	for _, typeURL := range order {
		all.versions[typeURL] = map[string]string{}
	}
	return all
}

func (all *known) copy() *known {
	copied := newKnown()
	for typeURL, versions := range all.versions {
		maps.Copy(copied.versions[typeURL], versions)
	}
	return copied
}

func (all *known) put(typeURL string, name, version []byte) {
	versions := all.versions[typeURL]
	if versions[string(name)] != string(version) {
		versions[string(name)] = string(version)
	}
}

// isOwn tells whether sidecars have different resources of a name.
func isOwn(typeURL string, name []byte) bool {
	return typeURL == listeners || typeURL == filters || strings.HasPrefix(string(name), "inbound")
}

// sidecar is one proxy: a connection with one aggregated stream, which accepts everything.
type sidecar struct {
	fleet   *fleet
	id      string
	cluster string
	routes  []string

	connection *grpc.ClientConn
	stream     grpc.ClientStream
	cancel     context.CancelFunc

	// What it was sent of each type.
	received map[string]int
	// Incremental: what it has and no other has.
	own map[string]map[string]string
	// State of the world: by type.
	versions map[string]string
	awaited  string
}

func (one *sidecar) connect() error {
	connection, err := grpc.NewClient(one.fleet.target, append(one.fleet.options, grpc.WithTransportCredentials(one.credentials()))...)
	if err != nil {
		return err
	}
	method := "StreamAggregatedResources"
	if one.fleet.delta {
		method = "DeltaAggregatedResources"
	}
	ctx, cancel := context.WithCancel(context.Background())
	description := &grpc.StreamDesc{StreamName: method, ServerStreams: true, ClientStreams: true}
	stream, err := connection.NewStream(ctx, description, "/envoy.service.discovery.v3.AggregatedDiscoveryService/"+method)
	if err != nil {
		cancel()
		connection.Close()
		return err
	}
	one.connection, one.stream, one.cancel = connection, stream, cancel
	return nil
}

func (one *sidecar) credentials() credentials.TransportCredentials {
	if config := one.fleet.tls(one); config != nil {
		return credentials.NewTLS(config)
	}
	return insecure.NewCredentials()
}

func (one *sidecar) disconnect() {
	one.cancel()
	one.connection.Close()
}

// run asks for everything and accepts what comes, until the stream ends.
func (one *sidecar) run(isFirst bool) error {
	first := node(one.id, one.cluster)
	var err error
	if isFirst {
		err = one.subscribe(clusters, first)
	} else {
		// A proxy that reconnects asks for all at once.
		for _, typeURL := range order {
			err = errors.Join(err, one.subscribe(typeURL, first))
			first = nil
		}
	}
	if err != nil {
		return err
	}
	for {
		var message []byte
		if err := one.stream.RecvMsg(&message); err != nil {
			return err
		}
		if err := one.receive(message); err != nil {
			return err
		}
	}
}

func (one *sidecar) receive(message []byte) error {
	fleet := one.fleet
	fleet.bytes.Add(int64(len(message)))
	var read response
	var err error
	if fleet.delta {
		type pair struct{ name, version []byte }
		var pairs []pair
		read, err = readResponse(message, func(name, version []byte) { pairs = append(pairs, pair{name, version}) })
		if err == nil {
			fleet.known.mutex.Lock()
			for _, pair := range pairs {
				if isOwn(read.typeURL, pair.name) {
					if one.own[read.typeURL] == nil {
						one.own[read.typeURL] = map[string]string{}
					}
					one.own[read.typeURL][string(pair.name)] = string(pair.version)
				} else {
					fleet.known.put(read.typeURL, pair.name, pair.version)
				}
			}
			fleet.known.mutex.Unlock()
		}
	} else {
		read, err = readResponse(message, nil)
		one.versions[read.typeURL] = read.version
	}
	if err != nil {
		return err
	}
	if err := one.accept(read); err != nil {
		return err
	}
	isFirst := one.received[read.typeURL] == 0
	one.received[read.typeURL] += read.resources
	if isFirst && read.resources > 0 {
		if err := one.askNext(read.typeURL); err != nil {
			return err
		}
	}
	fleet.note(one, read)
	return nil
}

// askNext asks for what Envoy asks for once it has its first resources of a type.
func (one *sidecar) askNext(typeURL string) error {
	if len(one.received) == len(order) {
		return nil // After a reconnection everything is asked for.
	}
	switch typeURL {
	case clusters:
		return one.subscribe(endpoints, nil)
	case endpoints:
		return one.subscribe(listeners, nil)
	case listeners:
		return errors.Join(one.subscribe(routes, nil), one.subscribe(filters, nil))
	}
	return nil
}

func (one *sidecar) names(typeURL string) []string {
	switch typeURL {
	case endpoints:
		return one.fleet.plan.Endpoints
	case routes:
		return one.routes
	case filters:
		return one.fleet.plan.Filters
	}
	return nil
}

func (one *sidecar) subscribe(typeURL string, node []byte) error {
	var message []byte
	if node != nil {
		message = appendBytes(message, one.fleet.field(1, 2), node)
	}
	if one.fleet.delta {
		message = appendText(message, 2, typeURL)
		message = appendNames(message, 3, one.names(typeURL))
		if one.own[typeURL] != nil || one.received[typeURL] > 0 {
			message = appendVersions(message, 5, one.fleet.reported.versions[typeURL])
			message = appendVersions(message, 5, one.own[typeURL])
		}
	} else {
		message = appendText(message, 1, one.versions[typeURL])
		message = appendNames(message, 3, one.names(typeURL))
		message = appendText(message, 4, typeURL)
	}
	return one.stream.SendMsg(message)
}

func (one *sidecar) accept(read response) error {
	var message []byte
	if one.fleet.delta {
		message = appendText(message, 2, read.typeURL)
		message = appendBytes(message, 6, read.nonce)
	} else {
		message = appendText(message, 1, read.version)
		message = appendNames(message, 3, one.names(read.typeURL))
		message = appendText(message, 4, read.typeURL)
		message = appendBytes(message, 5, read.nonce)
	}
	return one.stream.SendMsg(message)
}

// isComplete tells whether it was sent at least one resource of every type, and as many as there are.
func (one *sidecar) isComplete() bool {
	plan := one.fleet.plan
	return one.received[clusters] > len(plan.Endpoints) && one.received[endpoints] >= len(plan.Endpoints) &&
		one.received[listeners] >= 2 && one.received[routes] >= len(one.routes) && one.received[filters] >= len(plan.Filters)
}

func (one *sidecar) String() string {
	return fmt.Sprintf("%s %v", one.id, one.received)
}

// raw passes messages through as bytes.
type raw struct{}

func (raw) Name() string { return "proto" }

func (raw) Marshal(message any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(message.([]byte))}, nil
}

func (raw) Unmarshal(data mem.BufferSlice, message any) error {
	*message.(*[]byte) = data.Materialize()
	return nil
}
