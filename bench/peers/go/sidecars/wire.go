package main

import "google.golang.org/protobuf/encoding/protowire"

const (
	clusters  = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
	endpoints = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
	listeners = "type.googleapis.com/envoy.config.listener.v3.Listener"
	routes    = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
	filters   = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig"
)

// response is what a sidecar needs to know of a DiscoveryResponse or a DeltaDiscoveryResponse.
// What is in the resources is not looked at, so that the load costs little beside the server.
type response struct {
	typeURL   string
	version   string
	nonce     []byte
	resources int
}

// readResponse calls named with the name and version of each resource, which only the incremental variant has.
func readResponse(message []byte, named func(name, version []byte)) (response, error) {
	var read response
	err := eachField(message, func(number protowire.Number, value []byte) error {
		switch number {
		case 1:
			read.version = string(value)
		case 2:
			read.resources++
			if named == nil {
				return nil
			}
			var name, version []byte
			err := eachField(value, func(number protowire.Number, value []byte) error {
				switch number {
				case 1:
					version = value
				case 3:
					name = value
				}
				return nil
			})
			if err != nil {
				return err
			}
			named(name, version)
		case 4:
			read.typeURL = string(value)
		case 5:
			read.nonce = value
		}
		return nil
	})
	return read, err
}

// eachField calls with the fields of a message that are bytes.
func eachField(message []byte, call func(protowire.Number, []byte) error) error {
	for len(message) > 0 {
		number, kind, length := protowire.ConsumeTag(message)
		if length < 0 {
			return protowire.ParseError(length)
		}
		message = message[length:]
		if kind != protowire.BytesType {
			length = protowire.ConsumeFieldValue(number, kind, message)
			if length < 0 {
				return protowire.ParseError(length)
			}
			message = message[length:]
			continue
		}
		value, length := protowire.ConsumeBytes(message)
		if length < 0 {
			return protowire.ParseError(length)
		}
		message = message[length:]
		if err := call(number, value); err != nil {
			return err
		}
	}
	return nil
}

func appendText(message []byte, number protowire.Number, text string) []byte {
	if text == "" {
		return message
	}
	message = protowire.AppendTag(message, number, protowire.BytesType)
	return protowire.AppendString(message, text)
}

func appendBytes(message []byte, number protowire.Number, value []byte) []byte {
	message = protowire.AppendTag(message, number, protowire.BytesType)
	return protowire.AppendBytes(message, value)
}

// appendNames appends a repeated string.
func appendNames(message []byte, number protowire.Number, names []string) []byte {
	for _, name := range names {
		message = protowire.AppendTag(message, number, protowire.BytesType)
		message = protowire.AppendString(message, name)
	}
	return message
}

// appendVersions appends a map of strings.
func appendVersions(message []byte, number protowire.Number, versions map[string]string) []byte {
	for name, version := range versions {
		message = appendBytes(message, number, appendText(appendText(nil, 1, name), 2, version))
	}
	return message
}

// node is a serialized envoy.config.core.v3.Node.
func node(id, cluster string) []byte {
	message := appendText(appendText(nil, 1, id), 2, cluster)
	message = appendText(message, 6, "envoy")
	// The version: 1.40.0 in BuildVersion.version.
	version := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1)
	version = protowire.AppendVarint(protowire.AppendTag(version, 2, protowire.VarintType), 40)
	message = appendBytes(message, 8, appendBytes(nil, 1, version))
	// An Envoy that lacks one of them can run no filters.
	for name, category := range map[string]string{"envoy.filters.http.wasm": "envoy.filters.http", "envoy.wasm.runtime.v8": "envoy.wasm.runtime"} {
		message = appendBytes(message, 9, appendText(appendText(nil, 1, name), 2, category))
	}
	return message
}
