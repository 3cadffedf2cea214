// A control plane built upon go-control-plane in its usual way, for bench/scale.ts: a snapshot cache with a snapshot of each
// node, and its server. What it serves it is handed in encoded form, so that it has nothing to translate.
//
// It is driven by lines on its standard input, and answers each with a line of JSON:
//
//	change FILE   resources that all nodes have take the place of those of the same names; answered when the snapshots are set
package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"meshwright.dev/bench/peers/pem"
)

// resources are serialized google.protobuf.Any.
type resources [][]byte

type file struct {
	// What all nodes have alike.
	Shared resources
	Nodes  []struct {
		Id string
		// What no other node has.
		Own resources
	}
}

type plane struct {
	cache  cache.SnapshotCache
	shared map[types.ResponseType]map[string]types.Resource
	nodes  map[string]*node
}

type node struct {
	own map[types.ResponseType][]types.Resource
	// As they were last made; those of a type of which the node has nothing of its own are those of all nodes.
	made [types.UnknownType]cache.Resources
}

func (of *plane) load(read file) {
	of.shared = byType(read.Shared)
	of.nodes = map[string]*node{}
	for _, one := range read.Nodes {
		own := map[types.ResponseType][]types.Resource{}
		for kind, named := range byType(one.Own) {
			own[kind] = slices.Collect(maps.Values(named))
		}
		of.nodes[one.Id] = &node{own: own}
	}
}

// set makes the snapshots of all nodes anew, but only the types that have changed.
func (of *plane) set(changed map[types.ResponseType]bool) {
	alike := map[types.ResponseType]cache.Resources{}
	for kind := range changed {
		alike[kind] = resourcesOf(slices.Collect(maps.Values(of.shared[kind])))
	}
	for id, node := range of.nodes {
		for kind := range changed {
			own := node.own[kind]
			if len(own) == 0 {
				node.made[kind] = alike[kind]
				continue
			}
			all := slices.Concat(own, slices.Collect(maps.Values(of.shared[kind])))
			node.made[kind] = cache.NewResources(alike[kind].Version+versionOf(own), all)
		}
		check(of.cache.SetSnapshot(context.Background(), id, &cache.Snapshot{Resources: node.made}))
	}
}

func resourcesOf(items []types.Resource) cache.Resources {
	return cache.NewResources(versionOf(items), items)
}

// versionOf is a hash of the content.
func versionOf(items []types.Resource) string {
	sorted := slices.SortedFunc(slices.Values(items), func(a, b types.Resource) int {
		return strings.Compare(cache.GetResourceName(a), cache.GetResourceName(b))
	})
	hash := sha256.New()
	for _, item := range sorted {
		bytes, err := proto.MarshalOptions{Deterministic: true}.Marshal(item)
		check(err)
		hash.Write(bytes)
	}
	return hex.EncodeToString(hash.Sum(nil))[:16]
}

func byType(encoded resources) map[types.ResponseType]map[string]types.Resource {
	all := map[types.ResponseType]map[string]types.Resource{}
	for _, bytes := range encoded {
		var any anypb.Any
		check(proto.Unmarshal(bytes, &any))
		message, err := any.UnmarshalNew()
		check(err)
		kind := cache.GetResponseType(any.TypeUrl)
		if all[kind] == nil {
			all[kind] = map[string]types.Resource{}
		}
		all[kind][cache.GetResourceName(message)] = message
	}
	return all
}

func (of *plane) change(read file) {
	changed := map[types.ResponseType]bool{}
	for kind, named := range byType(read.Shared) {
		changed[kind] = true
		maps.Copy(of.shared[kind], named)
	}
	of.set(changed)
}

func main() {
	address := flag.String("listen", "", "host:port")
	name := flag.String("resources", "", "file with what each node is served")
	tlsFiles := flag.String("tls", "", "certificate, key and authority of clients, separated by commas; none: no TLS")
	flag.Parse()
	of := &plane{cache: cache.NewSnapshotCache(true, cache.IDHash{}, quiet{})}
	of.load(read(*name))
	of.set(map[types.ResponseType]bool{
		types.Cluster: true, types.Endpoint: true, types.Listener: true, types.Route: true, types.ExtensionConfig: true,
	})
	// What reading has left behind is not counted as what it needs.
	debug.FreeOSMemory()

	options := []grpc.ServerOption{
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 30 * time.Second, Timeout: 10 * time.Second}),
	}
	if *tlsFiles != "" {
		options = append(options, grpc.Creds(serverTLS(*tlsFiles)))
	}
	server := grpc.NewServer(options...)
	discovery.RegisterAggregatedDiscoveryServiceServer(server, serverOf(of.cache))
	listener, err := net.Listen("tcp", *address)
	check(err)
	go func() { check(server.Serve(listener)) }()
	answers := json.NewEncoder(os.Stdout)
	check(answers.Encode(map[string]any{"listening": true}))
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		of.change(read(strings.TrimPrefix(lines.Text(), "change ")))
		check(answers.Encode(map[string]any{}))
	}
}

func serverOf(snapshots cache.SnapshotCache) server.Server {
	return server.NewServer(context.Background(), snapshots, nil)
}

func serverTLS(files string) credentials.TransportCredentials {
	pair, clients, err := pem.Files(files)
	check(err)
	return credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{pair}, ClientCAs: clients, ClientAuth: tls.RequireAndVerifyClientCert,
	})
}

func read(name string) file {
	text, err := os.ReadFile(name)
	check(err)
	var read file
	check(json.Unmarshal(text, &read))
	return read
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// quiet writes no log.
type quiet struct{}

func (quiet) Debugf(string, ...any) {}
func (quiet) Infof(string, ...any)  {}
func (quiet) Warnf(string, ...any)  {}
func (quiet) Errorf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}
