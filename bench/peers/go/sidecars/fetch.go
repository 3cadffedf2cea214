package main

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// fetch lets all sidecars fetch what is at a URL at once, as Envoys do that are given a new module: each over a connection of
// its own. It gives the times at which they had it, in milliseconds since the epoch. One that fails ends the program.
func (all *fleet) fetch(url string) []float64 {
	times := make([]float64, len(all.sidecars))
	var fetched sync.WaitGroup
	for i, one := range all.sidecars {
		fetched.Add(1)
		go func() {
			defer fetched.Done()
			check(one.fetch(url))
			times[i] = float64(time.Now().UnixMicro()) / 1000
		}()
	}
	fetched.Wait()
	return times
}

func (one *sidecar) fetch(url string) error {
	client := http.Client{Transport: &http.Transport{TLSClientConfig: one.fleet.tls(one), DisableKeepAlives: true}}
	response, err := client.Get(url)
	if err != nil {
		return fmt.Errorf("%v: %w", one, err)
	}
	defer response.Body.Close()
	read, err := io.Copy(io.Discard, response.Body)
	if err != nil {
		return fmt.Errorf("%v: %w", one, err)
	}
	if response.StatusCode != http.StatusOK || read == 0 {
		return fmt.Errorf("%v: %s with %d bytes", one, response.Status, read)
	}
	return nil
}
