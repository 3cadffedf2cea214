// A client of an xDS server that trusts nothing, for bench/peers/validate.test.ts: it asks for all that an Envoy would ask for, on one
// aggregated stream, and checks each message, and each within it, by the rules of protoc-gen-validate that go-control-plane has from
// Envoy's API. It writes what it found as JSON, and ends.
package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"log"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/anypb"

	"meshwright.dev/bench/peers/pem"
)

// stream is one aggregated stream of either variant.
type stream interface {
	// subscribe names all that is wanted of a type from now on; none is everything.
	subscribe(typeURL string, names []string) error
	// receive gives the resources of the next response, and acknowledges it.
	receive() (typeURL string, resources map[string]*anypb.Any, err error)
}

type report struct {
	// Resources by type.
	Resources map[string]int `json:"resources"`
	// Messages that were checked, by type: resources, and what is within them in an Any.
	Messages map[string]int `json:"messages"`
	Faults   []string       `json:"faults"`
}

// followed are the types whose resources are asked for by the names in others, in the order in which an Envoy comes to them.
var followed = []string{
	resource.EndpointType, resource.RouteType, resource.ExtensionConfigType, resource.SecretType,
}

func main() {
	address := flag.String("xds", "", "host:port")
	files := flag.String("tls", "", "certificate, key and authorities, separated by commas; none: no TLS")
	variant := flag.String("variant", "sotw", "sotw or delta")
	node := core.Node{
		UserAgentVersionType: &core.Node_UserAgentVersion{UserAgentVersion: "1.40.0"}, Locality: &core.Locality{},
	}
	flag.StringVar(&node.Id, "node", "", "node id")
	flag.StringVar(&node.Cluster, "cluster", "", "its cluster")
	flag.StringVar(&node.UserAgentName, "agent", "envoy", "who it says to be")
	flag.Parse()

	connection, err := grpc.NewClient(*address, grpc.WithTransportCredentials(credentialsOf(*files)),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20)))
	check(err)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	open := map[string]func(context.Context, *grpc.ClientConn, *core.Node) (stream, error){"sotw": openSotw, "delta": openDelta}[*variant]
	if open == nil {
		log.Fatalf("there is no variant %q", *variant)
	}
	from, err := open(ctx, connection, &node)
	check(err)
	found := &checker{report: report{Resources: map[string]int{}, Messages: map[string]int{}, Faults: []string{}}, names: map[string]map[string]bool{}}
	found.follow(from)
	check(json.NewEncoder(os.Stdout).Encode(found.report))
}

// follow asks for all clusters and listeners, then for what they name, and so on.
func (found *checker) follow(from stream) {
	for _, typeURL := range []string{resource.ClusterType, resource.ListenerType} {
		found.fetch(from, typeURL, nil)
		if typeURL == resource.ClusterType {
			found.fetchNamed(from, resource.EndpointType)
		}
	}
	for _, typeURL := range followed {
		found.fetchNamed(from, typeURL)
	}
}

func (found *checker) fetchNamed(from stream, typeURL string) {
	if names := found.names[typeURL]; len(names) > found.report.Resources[typeURL] {
		found.fetch(from, typeURL, slices.Sorted(maps.Keys(names)))
	}
}

// fetch waits for the first response of everything, or for all that are named.
func (found *checker) fetch(from stream, typeURL string, names []string) {
	check(from.subscribe(typeURL, names))
	held := map[string]bool{}
	for isFirst := true; isFirst || len(held) < len(names); {
		gotURL, resources, err := from.receive()
		if err != nil {
			missing := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return held[name] })
			check(errors.Join(err, errors.New(typeURL+" lacks "+strings.Join(missing, ", "))))
		}
		for name, any := range resources {
			found.check(gotURL, name, any)
			if gotURL == typeURL {
				held[name] = true
			}
		}
		if gotURL != typeURL {
			continue
		}
		isFirst = false
	}
	found.report.Resources[typeURL] = len(held)
}

func credentialsOf(files string) credentials.TransportCredentials {
	if files == "" {
		return insecure.NewCredentials()
	}
	pair, roots, err := pem.Files(files)
	check(err)
	return credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: roots})
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
