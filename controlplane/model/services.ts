// The types of a Service: schemas/service.json, with defaults filled in.

export interface ServiceSpec extends ServiceDefaults {
  readonly port: number;
  readonly portName?: string;
  readonly protocol: "HTTP" | "HTTP2";
  readonly hostnames: readonly string[];
  /** By the port that clients write behind the host. */
  readonly otherPorts: readonly { readonly port: number; readonly service: string }[];
  /** The Service of which this is a further port. */
  readonly portOf?: string;
  readonly local?: { readonly scope: string; readonly hostnames: readonly string[] };
  readonly endpoints: readonly Endpoint[];
  readonly trafficDistribution?: "PreferSameZone";
  readonly loadBalancing: LoadBalancing;
  readonly healthCheck?: HealthCheck;
  readonly http2?: Http2;
  readonly dns?: Dns;
  readonly inboundTls?: InboundTls;
  readonly endpointTls?: EndpointTls;
}

/** TLS for clients that are not of the mesh. */
export interface InboundTls {
  /** A Certificate. */
  readonly certificate: string;
  /** A Certificate with the authorities of which clients must show a certificate; they need none when left out. */
  readonly trust?: string;
}

/** TLS to endpoints that are not of the mesh. */
export interface EndpointTls {
  readonly hostname: string;
  /** A Certificate with the authorities that may have issued those of the endpoints. */
  readonly trust: string;
  /** The Certificate that is shown to them. */
  readonly certificate?: string;
}

/** What a Service may leave to the Mesh. */
export interface ServiceDefaults {
  readonly mtls?: "Off" | "Permissive" | "Strict";
  readonly connectTimeout?: string;
  readonly circuitBreakers?: CircuitBreakers;
  readonly outlierDetection?: OutlierDetection;
  readonly connectionPool?: ConnectionPool;
  readonly tcpKeepalive?: TcpKeepalive;
}

/** With what the Mesh says where the Service says nothing. */
export type ServedServiceSpec = ServiceSpec & Required<Pick<ServiceDefaults, "mtls" | "connectTimeout">>;

export interface Endpoint {
  readonly address: string;
  readonly port: number;
  readonly weight: number;
  readonly priority: number;
  readonly ready: boolean;
  readonly locality?: Locality;
  readonly sidecar?: Sidecar;
}

export interface Sidecar {
  readonly node: string;
  readonly inboundPort: number;
  readonly outboundPort?: number;
  readonly address?: string;
  readonly outboundAddress: string;
  /** Whose certificate it has; that of its Service where this is left out. */
  readonly serviceAccount?: { readonly namespace: string; readonly name: string };
}

/** Where an endpoint is; a zone or sub-zone that is not known is empty. */
export interface Locality {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
}

export interface LoadBalancing {
  readonly policy: "RoundRobin" | "LeastRequest" | "Random" | "RingHash" | "Maglev";
  readonly choiceCount?: number;
  readonly minimumRingSize?: number;
  readonly maximumRingSize?: number;
  readonly tableSize?: number;
  readonly hashPolicies?: readonly HashPolicy[];
  readonly slowStart?: { readonly window: string };
  readonly healthyPanicThreshold?: number;
  readonly localityWeights?: readonly (Locality & { readonly weight: number })[];
}

export type HashPolicy = { readonly terminal: boolean } & (
  | { readonly type: "Header" | "QueryParameter"; readonly name: string }
  | { readonly type: "Cookie"; readonly name: string; readonly ttl?: string; readonly path?: string }
  | { readonly type: "SourceIP" }
);

export interface CircuitBreakers {
  readonly maxConnections?: number;
  readonly maxPendingRequests?: number;
  readonly maxRequests?: number;
  readonly maxRetries?: number;
  readonly retryBudget?: { readonly budgetPercent: number; readonly minRetryConcurrency: number };
}

export interface OutlierDetection {
  readonly consecutive5xx?: number;
  readonly consecutiveGatewayFailure?: number;
  readonly consecutiveLocalOriginFailure?: number;
  readonly successRate?: {
    readonly stdevFactor: number;
    readonly minimumHosts: number;
    readonly requestVolume: number;
  };
  readonly failurePercentage?: {
    readonly threshold: number;
    readonly minimumHosts: number;
    readonly requestVolume: number;
  };
  readonly interval: string;
  readonly baseEjectionTime: string;
  readonly maxEjectionTime?: string;
  readonly maxEjectionPercent: number;
}

export interface HealthCheck {
  readonly type: "HTTP" | "GRPC" | "TCP";
  readonly path?: string;
  readonly host?: string;
  readonly method?: "GET" | "HEAD" | "POST" | "PUT" | "OPTIONS";
  readonly expectedStatuses?: readonly number[];
  readonly serviceName?: string;
  readonly interval: string;
  readonly noTrafficInterval: string;
  readonly timeout: string;
  readonly unhealthyThreshold: number;
  readonly healthyThreshold: number;
}

export interface ConnectionPool {
  readonly idleTimeout?: string;
  readonly maxConnectionDuration?: string;
  readonly maxRequestsPerConnection?: number;
}

export interface TcpKeepalive {
  readonly idleTime?: string;
  readonly interval?: string;
  readonly probes?: number;
}

export interface Http2 {
  readonly maxConcurrentStreams?: number;
  readonly initialStreamWindowSize?: number;
  readonly initialConnectionWindowSize?: number;
  readonly connectionKeepalive?: { readonly interval: string; readonly timeout: string };
}

export interface Dns {
  readonly refreshRate: string;
  readonly respectTTL: boolean;
  readonly lookupFamily: "V4Only" | "V6Only" | "V4Preferred" | "V6Preferred" | "All";
}
