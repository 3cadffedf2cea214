// A gRPC application without a sidecar, for bench/peers/proxyless.test.ts: grpc-go's own xDS client, which reads its bootstrap from
// the file in GRPC_XDS_BOOTSTRAP.
//
// It is driven by lines on its standard input, and answers each with a line of JSON:
//
//	call TARGET PATH COUNT    calls a method so many times; answered with how often each answer came, or each status
//	open TARGET               has the xDS client ask for a target; answered at once
//	status                    answered with where that client says to stand: resources by type and state, and why it refused which
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"time"

	status "github.com/envoyproxy/go-control-plane/envoy/service/status/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	rpc "google.golang.org/grpc/status"
	_ "google.golang.org/grpc/xds"
	"google.golang.org/grpc/xds/csds"
)

// raw messages are their bytes.
type raw struct{}

func (raw) Name() string { return "raw" }

func (raw) Marshal(message any) ([]byte, error) { return *message.(*[]byte), nil }

func (raw) Unmarshal(bytes []byte, message any) error {
	*message.(*[]byte) = append([]byte(nil), bytes...)
	return nil
}

func main() {
	connections := connections{}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		var answer any
		switch {
		case len(words) == 4 && words[0] == "call":
			count, err := strconv.Atoi(words[3])
			check(err)
			answers := map[string]int{}
			for range count {
				answers[call(connections.to(words[1]), words[2])]++
			}
			answer = answers
		case len(words) == 2 && words[0] == "open":
			connections.to(words[1]).Connect()
		case len(words) == 1 && words[0] == "status":
			answer = standing()
		default:
			log.Fatalf("%q is no command", lines.Text())
		}
		check(json.NewEncoder(os.Stdout).Encode(answer))
	}
}

// connections are made once for each target.
type connections map[string]*grpc.ClientConn

func (all connections) to(target string) *grpc.ClientConn {
	if all[target] == nil {
		made, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
		check(err)
		all[target] = made
	}
	return all[target]
}

// standing is what the client would answer a control plane of its own that asks by CSDS.
func standing() any {
	server, err := csds.NewClientStatusDiscoveryServer()
	check(err)
	defer server.Close()
	response, err := server.FetchClientStatus(context.Background(), &status.ClientStatusRequest{})
	check(err)
	counts, refused := map[string]int{}, []string{}
	for _, config := range response.Config {
		for _, one := range config.GenericXdsConfigs {
			kind := one.TypeUrl[strings.LastIndex(one.TypeUrl, ".")+1:]
			counts[kind+" "+one.ClientStatus.String()]++
			if one.ErrorState != nil {
				refused = append(refused, kind+" "+one.Name+": "+one.ErrorState.Details)
			}
		}
	}
	return map[string]any{"counts": counts, "refused": refused}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// call gives the answer of a method, or the status that the call ended with.
func call(connection *grpc.ClientConn, path string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var request, response []byte
	if err := connection.Invoke(ctx, path, &request, &response, grpc.ForceCodec(raw{})); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return rpc.Code(err).String()
	}
	return string(response)
}
