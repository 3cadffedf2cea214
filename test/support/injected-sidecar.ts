import { spawn } from "node:child_process";
import { once } from "node:events";
import { envoyBinary } from "../../setup/envoy.mjs";
import { asPod, inject, parseSettings, type InjectSettings } from "../../controlplane/inject/index.ts";
import { freePorts } from "./ports.ts";
import { Process } from "./processes.ts";

export interface PodOptions {
  readonly name: string;
  readonly namespace: string;
  readonly xdsPort: number;
  readonly httpPort: number;
  /** The authority's certificate; without it, the sidecar speaks without encryption. */
  readonly trust?: string;
  /** The container and annotations of the pod. */
  readonly container?: object;
  readonly annotations?: Readonly<Record<string, string>>;
  /** The folder that stands for the one in which the token is mounted. */
  readonly tokenFolder?: string;
}

/** The sidecar of an injected pod, run as the kubelet would: its command, arguments and environment, without the container. */
export class InjectedSidecar {
  readonly envoy: Process;
  readonly ports: InjectSettings["sidecar"]["ports"];
  /** The pod as it is after the injection. */
  readonly pod: ReturnType<typeof asPod>;
  readonly #preStop: readonly string[];

  private constructor(envoy: Process, ports: InjectSettings["sidecar"]["ports"], pod: ReturnType<typeof asPod>) {
    this.envoy = envoy;
    this.ports = ports;
    this.pod = pod;
    const sidecar = pod.spec.initContainers?.find(({ name }) => name === "meshwright") as unknown as {
      lifecycle: { preStop: { exec: { command: string[] } } };
    };
    this.#preStop = sidecar.lifecycle.preStop.exec.command;
  }

  static async start(options: PodOptions): Promise<InjectedSidecar> {
    const [inbound = 0, outbound = 0, readiness = 0, admin = 0] = await freePorts(4);
    const ports = { inbound, outbound, readiness, admin };
    const controlPlane = {
      ...{ xds: `127.0.0.1:${options.xdsPort}`, http: `127.0.0.1:${options.httpPort}` },
      insecure: options.trust === undefined,
    };
    const settings = parseSettings(
      JSON.stringify({ controlPlane, sidecar: { ports, statsIntervalMs: 500 }, redirect: { image: "meshwright" } }),
      "settings",
    );
    const { annotations = {}, container = {}, trust } = options;
    const template = { metadata: { annotations }, spec: { containers: [{ name: "app", ...container }] } };
    const injection = inject(asPod(template, ""), {
      ...{ settings, isWanted: true, namespace: options.namespace, services: [] },
      ...(trust === undefined ? {} : { trust }),
    });
    if (injection.kind === "left") throw new Error(injection.reason);
    const sidecar = injection.pod.spec.initContainers?.find(({ name }) => name === "meshwright");
    const args = (sidecar?.["args"] as string[])
      .map((arg) => expanded(arg, { POD_NAME: options.name, POD_NAMESPACE: options.namespace }))
      .map((arg) => arg.replaceAll("/var/run/meshwright", options.tokenFolder ?? "/var/run/meshwright"));
    const envoy = new Process(options.name, await envoyBinary(), args);
    return new InjectedSidecar(envoy, ports, injection.pod);
  }

  /** What the hook before its end writes. */
  async preStop(): Promise<string> {
    const [command = "", ...args] = this.#preStop;
    const child = spawn(command, args);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (output += String(data)));
    const [code] = (await once(child, "close")) as [number];
    return `${code} ${output}`;
  }
}

/** As Kubernetes does it: a variable that is not known stays, and `$$` is a dollar. */
function expanded(argument: string, variables: Readonly<Record<string, string>>): string {
  return argument.replace(/\$\$|\$\((\w+)\)/g, (found, name: string | undefined) =>
    found === "$$" ? "$" : (variables[name ?? ""] ?? found),
  );
}
