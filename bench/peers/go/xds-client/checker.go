package main

import (
	"fmt"
	"strings"

	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	manager "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	tls "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
)

// checker checks resources, and keeps what they name.
type checker struct {
	report report
	// By type.
	names map[string]map[string]bool
}

// check looks at one resource that was served under a name.
func (found *checker) check(typeURL, name string, any *anypb.Any) {
	where := strings.TrimPrefix(typeURL, resource.APITypePrefix) + " " + name
	if any.TypeUrl != typeURL {
		found.fault(where, fmt.Errorf("it is a %s", any.TypeUrl))
		return
	}
	message := found.open(where, any)
	if message == nil {
		return
	}
	if own := cache.GetResourceName(message); own != name {
		found.fault(where, fmt.Errorf("its own name is %q", own))
	}
}

// open reads what an Any holds, with all that is in it; nil where it cannot be read.
func (found *checker) open(where string, any *anypb.Any) proto.Message {
	message, err := any.UnmarshalNew()
	if err != nil {
		found.fault(where, err)
		return nil
	}
	found.report.Messages[strings.TrimPrefix(any.TypeUrl, resource.APITypePrefix)]++
	if unknown := len(message.ProtoReflect().GetUnknown()); unknown > 0 {
		found.fault(where, fmt.Errorf("%d bytes of fields that are not known", unknown))
	}
	if checked, ok := message.(interface{ ValidateAll() error }); ok {
		if err := checked.ValidateAll(); err != nil {
			found.fault(where, err)
		}
	}
	found.walk(where, message.ProtoReflect())
	return message
}

// walk looks for names of other resources, and for messages in an Any.
func (found *checker) walk(where string, message protoreflect.Message) {
	switch one := message.Interface().(type) {
	case *anypb.Any:
		found.open(where+" > "+one.TypeUrl[strings.LastIndex(one.TypeUrl, ".")+1:], one)
		return
	case *cluster.Cluster:
		if one.GetType() == cluster.Cluster_EDS {
			name := one.GetEdsClusterConfig().GetServiceName()
			if name == "" {
				name = one.Name
			}
			found.name(resource.EndpointType, name)
		}
	case *manager.Rds:
		found.name(resource.RouteType, one.RouteConfigName)
	case *manager.HttpFilter:
		if one.GetConfigDiscovery() != nil {
			found.name(resource.ExtensionConfigType, one.Name)
		}
	case *tls.SdsSecretConfig:
		if one.SdsConfig != nil {
			found.name(resource.SecretType, one.Name)
		}
	}
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case field.IsMap():
			if field.MapValue().Message() != nil {
				value.Map().Range(func(_ protoreflect.MapKey, value protoreflect.Value) bool {
					found.walk(where, value.Message())
					return true
				})
			}
		case field.Message() == nil:
		case field.IsList():
			for i := range value.List().Len() {
				found.walk(where, value.List().Get(i).Message())
			}
		default:
			found.walk(where, value.Message())
		}
		return true
	})
}

func (found *checker) name(typeURL, name string) {
	if found.names[typeURL] == nil {
		found.names[typeURL] = map[string]bool{}
	}
	found.names[typeURL][name] = true
}

func (found *checker) fault(where string, err error) {
	found.report.Faults = append(found.report.Faults, where+": "+err.Error())
}
