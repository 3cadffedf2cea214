package main

import (
	"context"
	"fmt"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/anypb"
)

// sotw is the state of the world.
type sotw struct {
	stream discovery.AggregatedDiscoveryService_StreamAggregatedResourcesClient
	// Only on the first request of the stream.
	node  *core.Node
	names map[string][]string
}

func openSotw(ctx context.Context, connection *grpc.ClientConn, node *core.Node) (stream, error) {
	opened, err := discovery.NewAggregatedDiscoveryServiceClient(connection).StreamAggregatedResources(ctx)
	return &sotw{stream: opened, node: node, names: map[string][]string{}}, err
}

func (one *sotw) subscribe(typeURL string, names []string) error {
	one.names[typeURL] = names
	return one.send(&discovery.DiscoveryRequest{TypeUrl: typeURL})
}

func (one *sotw) send(request *discovery.DiscoveryRequest) error {
	request.Node, request.ResourceNames = one.node, one.names[request.TypeUrl]
	one.node = nil
	return one.stream.Send(request)
}

func (one *sotw) receive() (string, map[string]*anypb.Any, error) {
	response, err := one.stream.Recv()
	if err != nil {
		return "", nil, err
	}
	resources := map[string]*anypb.Any{}
	for _, any := range response.Resources {
		message, err := any.UnmarshalNew()
		if err != nil {
			return "", nil, fmt.Errorf("a resource of %s: %w", response.TypeUrl, err)
		}
		resources[cache.GetResourceName(message)] = any
	}
	return response.TypeUrl, resources, one.send(&discovery.DiscoveryRequest{
		TypeUrl: response.TypeUrl, VersionInfo: response.VersionInfo, ResponseNonce: response.Nonce,
	})
}

// delta is the incremental variant.
type delta struct {
	stream discovery.AggregatedDiscoveryService_DeltaAggregatedResourcesClient
	node   *core.Node
	names  map[string]map[string]bool
}

func openDelta(ctx context.Context, connection *grpc.ClientConn, node *core.Node) (stream, error) {
	opened, err := discovery.NewAggregatedDiscoveryServiceClient(connection).DeltaAggregatedResources(ctx)
	return &delta{stream: opened, node: node, names: map[string]map[string]bool{}}, err
}

func (one *delta) subscribe(typeURL string, names []string) error {
	known := one.names[typeURL]
	if known == nil {
		known = map[string]bool{}
		one.names[typeURL] = known
	}
	var added []string
	for _, name := range names {
		if !known[name] {
			known[name] = true
			added = append(added, name)
		}
	}
	return one.send(&discovery.DeltaDiscoveryRequest{TypeUrl: typeURL, ResourceNamesSubscribe: added})
}

func (one *delta) send(request *discovery.DeltaDiscoveryRequest) error {
	request.Node = one.node
	one.node = nil
	return one.stream.Send(request)
}

func (one *delta) receive() (string, map[string]*anypb.Any, error) {
	response, err := one.stream.Recv()
	if err != nil {
		return "", nil, err
	}
	resources := map[string]*anypb.Any{}
	for _, resource := range response.Resources {
		resources[resource.Name] = resource.Resource
	}
	return response.TypeUrl, resources, one.send(&discovery.DeltaDiscoveryRequest{
		TypeUrl: response.TypeUrl, ResponseNonce: response.Nonce,
	})
}
