// Which processes the demo runs, on which ports.

/** A sidecar and the application beside it. */
export interface Workload {
  /** The Service; its only sidecar is node `<service>-1`. */
  readonly service: string;
  /** What the application calls itself. */
  readonly app: string;
  readonly version: string;
  readonly appPort: number;
  readonly inboundPort: number;
  readonly outboundPort: number;
  readonly adminPort: number;
}

export interface Plan {
  readonly basePort: number;
  readonly xdsPort: number;
  readonly httpPort: number;
  readonly workloads: readonly Workload[];
}

/** The port that demo/mesh is written for. */
export const DEFAULT_BASE_PORT = 18000;

/** Every port of the demo is one of the 100 from the base port on. */
export function plan(basePort: number): Plan {
  const workload = (service: string, app: string, version: string, offset: number): Workload => ({
    service,
    app,
    version,
    appPort: basePort + offset,
    inboundPort: basePort + offset + 1,
    outboundPort: basePort + offset + 2,
    adminPort: basePort + offset + 3,
  });
  return {
    basePort,
    xdsPort: basePort,
    httpPort: basePort + 1,
    workloads: [
      workload("shop-v1", "shop", "v1", 10),
      workload("shop-v2", "shop", "v2", 20),
      workload("billing", "billing", "v1", 30),
    ],
  };
}

/** Each port with what it is for. */
export function portsOf({ xdsPort, httpPort, workloads }: Plan): { readonly port: number; readonly use: string }[] {
  return [
    { port: xdsPort, use: "the control plane's xDS" },
    { port: httpPort, use: "the control plane's HTTP" },
    ...workloads.flatMap((w) => [
      { port: w.appPort, use: `the application ${w.service}` },
      { port: w.inboundPort, use: `the sidecar of ${w.service}, inbound` },
      { port: w.outboundPort, use: `the sidecar of ${w.service}, outbound` },
      { port: w.adminPort, use: `the sidecar of ${w.service}, admin` },
    ]),
  ];
}

/** The demo's configuration for another base port: its port numbers moved, the rest as it is. */
export function movePorts(text: string, basePort: number): string {
  return text.replace(/\b180(\d\d)\b/g, (_, offset: string) => String(basePort + Number(offset)));
}
