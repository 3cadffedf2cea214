// A tool that asks a control plane where its clients stand, for bench/peers/csds.test.ts: the CSDS client that is generated from Envoy's API.
//
//	csds-client -xds HOST:PORT -tls FILES [-node PREFIX]...
//
// asks once by Fetch and, on one stream, twice by Stream, and writes the three answers as lines of JSON.
package main

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"log"
	"time"

	status "github.com/envoyproxy/go-control-plane/envoy/service/status/v3"
	matcher "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/encoding/protojson"

	"meshwright.dev/bench/peers/pem"
)

func main() {
	address := flag.String("xds", "", "host:port")
	files := flag.String("tls", "", "certificate, key and authorities, separated by commas")
	request := &status.ClientStatusRequest{}
	flag.Func("node", "what a node's id begins with", func(prefix string) error {
		request.NodeMatchers = append(request.NodeMatchers, &matcher.NodeMatcher{NodeId: &matcher.StringMatcher{
			MatchPattern: &matcher.StringMatcher_Prefix{Prefix: prefix},
		}})
		return nil
	})
	flag.Parse()
	pair, roots, err := pem.Files(*files)
	check(err)
	connection, err := grpc.NewClient(*address, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{pair}, RootCAs: roots,
	})))
	check(err)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	client := status.NewClientStatusDiscoveryServiceClient(connection)
	print(client.FetchClientStatus(ctx, request))
	stream, err := client.StreamClientStatus(ctx)
	check(err)
	for range 2 {
		check(stream.Send(request))
		print(stream.Recv())
	}
}

func print(response *status.ClientStatusResponse, err error) {
	check(err)
	check(response.ValidateAll())
	text, err := protojson.Marshal(response)
	check(err)
	fmt.Println(string(text))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
