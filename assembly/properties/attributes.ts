// The attributes of Envoy ("Attributes" in its documentation), each with its type.
// `@lazy`: the compiler makes only those that a filter names.

import {
  BoolAttribute,
  DurationAttribute,
  IntAttribute,
  MapAttribute,
  MessageAttribute,
  MetadataAttribute,
  StringAttribute,
  TimestampAttribute,
  UintAttribute,
} from "./attribute";

/**
 * What Envoy knows of a stream, by the names that it documents: `attributes.request.path.string()`,
 * `attributes.response.code.i64()`. Reading one as what it is not does not compile.
 */
export namespace attributes {
  /** Dynamic metadata of the stream, which other filters wrote. */
  // @ts-ignore: decorator
  @lazy export const metadata: MetadataAttribute = new MetadataAttribute("metadata");
  /** Filter state of the stream by key; see `FilterState`. */
  // @ts-ignore: decorator
  @lazy export const filterState: MapAttribute = new MapAttribute("filter_state");
  /** Filter state of the upstream connection. */
  // @ts-ignore: decorator
  @lazy export const upstreamFilterState: MapAttribute = new MapAttribute("upstream_filter_state");
  /** `name` of this plugin's configuration. */
  // @ts-ignore: decorator
  @lazy export const pluginName: StringAttribute = new StringAttribute("plugin_name");
  /** `root_id` of this plugin's configuration. */
  // @ts-ignore: decorator
  @lazy export const pluginRootId: StringAttribute = new StringAttribute("plugin_root_id");
  /** `vm_id` of this plugin's `vm_config`. */
  // @ts-ignore: decorator
  @lazy export const pluginVmId: StringAttribute = new StringAttribute("plugin_vm_id");

  /** Of the request. Those of a TCP stream have none of it. */
  export namespace request {
    /** With the query. */
    // @ts-ignore: decorator
    @lazy export const path: StringAttribute = new StringAttribute("request.path");
    /** Without the query. */
    // @ts-ignore: decorator
    @lazy export const urlPath: StringAttribute = new StringAttribute("request.url_path");
    // @ts-ignore: decorator
    @lazy export const host: StringAttribute = new StringAttribute("request.host");
    // @ts-ignore: decorator
    @lazy export const scheme: StringAttribute = new StringAttribute("request.scheme");
    // @ts-ignore: decorator
    @lazy export const method: StringAttribute = new StringAttribute("request.method");
    // @ts-ignore: decorator
    @lazy export const headers: MapAttribute = new MapAttribute("request.headers");
    // @ts-ignore: decorator
    @lazy export const headersBytes: IntAttribute = new IntAttribute("request.headers_bytes");
    // @ts-ignore: decorator
    @lazy export const referer: StringAttribute = new StringAttribute("request.referer");
    // @ts-ignore: decorator
    @lazy export const useragent: StringAttribute = new StringAttribute("request.useragent");
    /** When its first byte came. */
    // @ts-ignore: decorator
    @lazy export const time: TimestampAttribute = new TimestampAttribute("request.time");
    /** From `x-request-id`. */
    // @ts-ignore: decorator
    @lazy export const id: StringAttribute = new StringAttribute("request.id");
    /** `HTTP/1.1`, `HTTP/2` and so on. */
    // @ts-ignore: decorator
    @lazy export const protocol: StringAttribute = new StringAttribute("request.protocol");
    // @ts-ignore: decorator
    @lazy export const query: StringAttribute = new StringAttribute("request.query");
    /** From first byte to last, of the whole stream; there when it is over. */
    // @ts-ignore: decorator
    @lazy export const duration: DurationAttribute = new DurationAttribute("request.duration");
    /** Size of the body so far, or as `content-length` says. */
    // @ts-ignore: decorator
    @lazy export const size: IntAttribute = new IntAttribute("request.size");
    /** Size with headers; there when the stream is over. */
    // @ts-ignore: decorator
    @lazy export const totalSize: IntAttribute = new IntAttribute("request.total_size");
  }

  /** Of the response; there from the response's headers on. */
  export namespace response {
    // @ts-ignore: decorator
    @lazy export const code: IntAttribute = new IntAttribute("response.code");
    /** Why Envoy answered as it did: `via_upstream` and others. */
    // @ts-ignore: decorator
    @lazy export const codeDetails: StringAttribute = new StringAttribute("response.code_details");
    /** Bits of `%RESPONSE_FLAGS%`. */
    // @ts-ignore: decorator
    @lazy export const flags: IntAttribute = new IntAttribute("response.flags");
    // @ts-ignore: decorator
    @lazy export const grpcStatus: IntAttribute = new IntAttribute("response.grpc_status");
    // @ts-ignore: decorator
    @lazy export const headers: MapAttribute = new MapAttribute("response.headers");
    // @ts-ignore: decorator
    @lazy export const headersBytes: IntAttribute = new IntAttribute("response.headers_bytes");
    // @ts-ignore: decorator
    @lazy export const trailers: MapAttribute = new MapAttribute("response.trailers");
    // @ts-ignore: decorator
    @lazy export const size: IntAttribute = new IntAttribute("response.size");
    // @ts-ignore: decorator
    @lazy export const totalSize: IntAttribute = new IntAttribute("response.total_size");
    // @ts-ignore: decorator
    @lazy export const backendLatency: DurationAttribute = new DurationAttribute("response.backend_latency");
  }

  /** The downstream's end of the connection. */
  export namespace source {
    /** With the port. */
    // @ts-ignore: decorator
    @lazy export const address: StringAttribute = new StringAttribute("source.address");
    // @ts-ignore: decorator
    @lazy export const port: IntAttribute = new IntAttribute("source.port");
  }

  /** Envoy's end of the downstream connection. */
  export namespace destination {
    /** With the port. */
    // @ts-ignore: decorator
    @lazy export const address: StringAttribute = new StringAttribute("destination.address");
    // @ts-ignore: decorator
    @lazy export const port: IntAttribute = new IntAttribute("destination.port");
  }

  /** Of the downstream connection. */
  export namespace connection {
    // @ts-ignore: decorator
    @lazy export const id: UintAttribute = new UintAttribute("connection.id");
    /** Whether the client gave a certificate. */
    // @ts-ignore: decorator
    @lazy export const mtls: BoolAttribute = new BoolAttribute("connection.mtls");
    // @ts-ignore: decorator
    @lazy export const requestedServerName: StringAttribute = new StringAttribute("connection.requested_server_name");
    // @ts-ignore: decorator
    @lazy export const tlsVersion: StringAttribute = new StringAttribute("connection.tls_version");
    // @ts-ignore: decorator
    @lazy export const subjectLocalCertificate: StringAttribute = new StringAttribute(
      "connection.subject_local_certificate",
    );
    // @ts-ignore: decorator
    @lazy export const subjectPeerCertificate: StringAttribute = new StringAttribute(
      "connection.subject_peer_certificate",
    );
    // @ts-ignore: decorator
    @lazy export const dnsSanLocalCertificate: StringAttribute = new StringAttribute(
      "connection.dns_san_local_certificate",
    );
    // @ts-ignore: decorator
    @lazy export const dnsSanPeerCertificate: StringAttribute = new StringAttribute(
      "connection.dns_san_peer_certificate",
    );
    // @ts-ignore: decorator
    @lazy export const uriSanLocalCertificate: StringAttribute = new StringAttribute(
      "connection.uri_san_local_certificate",
    );
    // @ts-ignore: decorator
    @lazy export const uriSanPeerCertificate: StringAttribute = new StringAttribute(
      "connection.uri_san_peer_certificate",
    );
    // @ts-ignore: decorator
    @lazy export const sha256PeerCertificateDigest: StringAttribute = new StringAttribute(
      "connection.sha256_peer_certificate_digest",
    );
    /** In PEM. Newer than Envoy 1.37. */
    // @ts-ignore: decorator
    @lazy export const peerCertificate: StringAttribute = new StringAttribute("connection.peer_certificate");
    // @ts-ignore: decorator
    @lazy export const transportFailureReason: StringAttribute = new StringAttribute(
      "connection.transport_failure_reason",
    );
    // @ts-ignore: decorator
    @lazy export const terminationDetails: StringAttribute = new StringAttribute("connection.termination_details");
  }

  /** Of the upstream connection; there once Envoy has one. */
  export namespace upstream {
    // @ts-ignore: decorator
    @lazy export const address: StringAttribute = new StringAttribute("upstream.address");
    // @ts-ignore: decorator
    @lazy export const port: IntAttribute = new IntAttribute("upstream.port");
    // @ts-ignore: decorator
    @lazy export const tlsVersion: StringAttribute = new StringAttribute("upstream.tls_version");
    // @ts-ignore: decorator
    @lazy export const subjectLocalCertificate: StringAttribute = new StringAttribute(
      "upstream.subject_local_certificate",
    );
    // @ts-ignore: decorator
    @lazy export const subjectPeerCertificate: StringAttribute = new StringAttribute(
      "upstream.subject_peer_certificate",
    );
    // @ts-ignore: decorator
    @lazy export const dnsSanLocalCertificate: StringAttribute = new StringAttribute(
      "upstream.dns_san_local_certificate",
    );
    // @ts-ignore: decorator
    @lazy export const dnsSanPeerCertificate: StringAttribute = new StringAttribute(
      "upstream.dns_san_peer_certificate",
    );
    // @ts-ignore: decorator
    @lazy export const uriSanLocalCertificate: StringAttribute = new StringAttribute(
      "upstream.uri_san_local_certificate",
    );
    // @ts-ignore: decorator
    @lazy export const uriSanPeerCertificate: StringAttribute = new StringAttribute(
      "upstream.uri_san_peer_certificate",
    );
    // @ts-ignore: decorator
    @lazy export const sha256PeerCertificateDigest: StringAttribute = new StringAttribute(
      "upstream.sha256_peer_certificate_digest",
    );
    // @ts-ignore: decorator
    @lazy export const localAddress: StringAttribute = new StringAttribute("upstream.local_address");
    // @ts-ignore: decorator
    @lazy export const transportFailureReason: StringAttribute = new StringAttribute(
      "upstream.transport_failure_reason",
    );
    /** 1 for a request that was not tried again. */
    // @ts-ignore: decorator
    @lazy export const requestAttemptCount: UintAttribute = new UintAttribute("upstream.request_attempt_count");
    // @ts-ignore: decorator
    @lazy export const cxPoolReadyDuration: DurationAttribute = new DurationAttribute(
      "upstream.cx_pool_ready_duration",
    );
    // @ts-ignore: decorator
    @lazy export const numEndpoints: UintAttribute = new UintAttribute("upstream.num_endpoints");
    /** `envoy.config.core.v3.Locality`. */
    // @ts-ignore: decorator
    @lazy export const locality: MessageAttribute = new MessageAttribute("upstream.locality");
  }

  /** Of Envoy's configuration. */
  export namespace xds {
    /** `envoy.config.core.v3.Node`. */
    // @ts-ignore: decorator
    @lazy export const node: MessageAttribute = new MessageAttribute("xds.node");
    // @ts-ignore: decorator
    @lazy export const clusterName: StringAttribute = new StringAttribute("xds.cluster_name");
    // @ts-ignore: decorator
    @lazy export const clusterMetadata: MetadataAttribute = new MetadataAttribute("xds.cluster_metadata");
    /** `envoy.config.core.v3.TrafficDirection`. */
    // @ts-ignore: decorator
    @lazy export const listenerDirection: IntAttribute = new IntAttribute("xds.listener_direction");
    // @ts-ignore: decorator
    @lazy export const listenerMetadata: MetadataAttribute = new MetadataAttribute("xds.listener_metadata");
    // @ts-ignore: decorator
    @lazy export const routeName: StringAttribute = new StringAttribute("xds.route_name");
    // @ts-ignore: decorator
    @lazy export const routeMetadata: MetadataAttribute = new MetadataAttribute("xds.route_metadata");
    // @ts-ignore: decorator
    @lazy export const virtualHostName: StringAttribute = new StringAttribute("xds.virtual_host_name");
    // @ts-ignore: decorator
    @lazy export const virtualHostMetadata: MetadataAttribute = new MetadataAttribute("xds.virtual_host_metadata");
    // @ts-ignore: decorator
    @lazy export const upstreamHostMetadata: MetadataAttribute = new MetadataAttribute("xds.upstream_host_metadata");
    // @ts-ignore: decorator
    @lazy export const upstreamHostLocalityMetadata: MetadataAttribute = new MetadataAttribute(
      "xds.upstream_host_locality_metadata",
    );
    // @ts-ignore: decorator
    @lazy export const filterChainName: StringAttribute = new StringAttribute("xds.filter_chain_name");
  }
}
