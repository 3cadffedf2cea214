// Simulates the sidecars of a mesh for bench/scale.ts: each a connection with an aggregated stream that asks for what an
// Envoy asks for, and accepts everything.
//
// It is driven by lines on its standard input, and answers each with a line of JSON:
//
//	connect           all connect and ask for everything; answered when each has everything
//	expect TYPE       from now on a response of this type is waited for; answered at once
//	await             answered when each has had that response
//	disconnect        all go away
//	reconnect         all connect again, and say what they have; answered when each has asked
//	fetch URL         all fetch this over a new connection of their own; answered at once
//	fetched           answered when each has it whole
//	bytes             how many bytes were received since the last time
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"
)

// plan is a file that says who the sidecars are and what each has.
type plan struct {
	Endpoints []string
	Filters   []string
	Sidecars  []struct {
		Id      string
		Cluster string
		Routes  []string
	}
}

type fleet struct {
	target   string
	delta    bool
	plan     plan
	options  []grpc.DialOption
	tls      func(*sidecar) *tls.Config
	sidecars []*sidecar
	known    *known
	// What sidecars say that they have when they reconnect.
	reported *known
	bytes    atomic.Int64

	mutex    sync.Mutex
	isFirst  bool
	expected string
	// The times at which sidecars had what is waited for.
	arrived []time.Time
	done    map[*sidecar]bool
	changed *sync.Cond
	ending  atomic.Bool
	fetched chan []float64
}

// field is the number of a field in the one and the other variant.
func (all *fleet) field(delta, sotw protowire.Number) protowire.Number {
	if all.delta {
		return delta
	}
	return sotw
}

// note is told of each response.
func (all *fleet) note(one *sidecar, read response) {
	all.mutex.Lock()
	defer all.mutex.Unlock()
	if all.done[one] {
		return
	}
	if all.isFirst {
		if !one.isComplete() {
			return
		}
	} else if read.typeURL != all.expected || read.resources == 0 {
		return
	}
	all.done[one] = true
	all.arrived = append(all.arrived, time.Now())
	all.changed.Broadcast()
}

func (all *fleet) expect(typeURL string, isFirst bool) {
	all.mutex.Lock()
	defer all.mutex.Unlock()
	all.isFirst, all.expected = isFirst, typeURL
	all.arrived, all.done = nil, map[*sidecar]bool{}
}

// await waits until all have had what is expected, and gives the times in milliseconds since the epoch, in order.
func (all *fleet) await() []float64 {
	deadline := time.AfterFunc(15*time.Minute, func() {
		all.mutex.Lock()
		defer all.mutex.Unlock()
		for _, one := range all.sidecars {
			if !all.done[one] {
				fail(fmt.Errorf("%d of %d had it after 15 minutes; not %v", len(all.arrived), len(all.sidecars), one))
			}
		}
	})
	defer deadline.Stop()
	all.mutex.Lock()
	defer all.mutex.Unlock()
	for len(all.arrived) < len(all.sidecars) {
		all.changed.Wait()
	}
	times := make([]float64, len(all.arrived))
	for i, at := range all.arrived {
		times[i] = float64(at.UnixMicro()) / 1000
	}
	return times
}

func (all *fleet) connect(isFirst bool) {
	all.ending.Store(false)
	var connected sync.WaitGroup
	for _, one := range all.sidecars {
		connected.Add(1)
		go func() {
			err := one.connect()
			connected.Done()
			if err == nil {
				err = one.run(isFirst)
			}
			if !all.ending.Load() {
				fail(fmt.Errorf("%v: %w", one, err))
			}
		}()
	}
	connected.Wait()
}

func (all *fleet) disconnect() {
	all.ending.Store(true)
	for _, one := range all.sidecars {
		one.disconnect()
	}
	all.reported = all.known.copy()
}

func (all *fleet) obey(command string) any {
	words := strings.Fields(command)
	switch words[0] {
	case "connect":
		all.expect("", true)
		all.connect(true)
		return map[string]any{"times": all.await()}
	case "expect":
		all.expect(words[1], false)
		return map[string]any{}
	case "await":
		return map[string]any{"times": all.await()}
	case "disconnect":
		all.disconnect()
		return map[string]any{}
	case "reconnect":
		all.connect(false)
		return map[string]any{}
	case "fetch":
		all.fetched = make(chan []float64)
		go func() { all.fetched <- all.fetch(words[1]) }()
		return map[string]any{}
	case "fetched":
		return map[string]any{"times": <-all.fetched}
	case "bytes":
		return map[string]any{"bytes": all.bytes.Swap(0)}
	}
	fail(fmt.Errorf("unknown command %q", command))
	return nil
}

func main() {
	all := &fleet{known: newKnown(), reported: newKnown()}
	all.changed = sync.NewCond(&all.mutex)
	flag.StringVar(&all.target, "server", "", "host:port")
	flag.BoolVar(&all.delta, "delta", false, "the incremental variant")
	file := flag.String("plan", "", "file that says who the sidecars are")
	first := flag.Int("first", 0, "the first sidecar of the plan")
	count := flag.Int("count", 0, "how many sidecars of the plan")
	certificates := flag.String("certificates", "", "folder with ca.pem, and of each sidecar ID.pem and ID.key; none: no TLS")
	flag.Parse()
	text, err := os.ReadFile(*file)
	check(err)
	check(json.Unmarshal(text, &all.plan))
	all.options = []grpc.DialOption{
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(raw{}), grpc.MaxCallRecvMsgSize(64<<20), grpc.WaitForReady(true)),
		grpc.WithReadBufferSize(4 << 10), grpc.WithWriteBufferSize(4 << 10),
	}
	all.tls = tlsIn(*certificates)
	for _, planned := range all.plan.Sidecars[*first : *first+*count] {
		all.sidecars = append(all.sidecars, &sidecar{
			fleet: all, id: planned.Id, cluster: planned.Cluster, routes: planned.Routes,
			received: map[string]int{}, own: map[string]map[string]string{}, versions: map[string]string{},
		})
	}
	lines := bufio.NewScanner(os.Stdin)
	answers := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		check(answers.Encode(all.obey(lines.Text())))
	}
}

// tlsIn gives what each sidecar shows and believes; nil without a folder.
func tlsIn(folder string) func(*sidecar) *tls.Config {
	if folder == "" {
		return func(*sidecar) *tls.Config { return nil }
	}
	pem, err := os.ReadFile(filepath.Join(folder, "ca.pem"))
	check(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return func(one *sidecar) *tls.Config {
		pair, err := tls.LoadX509KeyPair(filepath.Join(folder, one.id+".pem"), filepath.Join(folder, one.id+".key"))
		check(err)
		return &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}, ServerName: "localhost"}
	}
}

func check(err error) {
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
