import type { Server } from "node:http";
import { ServerCredentials } from "@grpc/grpc-js";
import type { XdsServer } from "../xds/index.ts";
import type { ControlPlaneOptions } from "./control-plane-options.ts";
import { formatHostPort } from "./host-port.ts";
import { listenOn } from "./listen.ts";

type Addresses = Pick<ControlPlaneOptions, "xds" | "http" | "metrics" | "security" | "log">;

/** All that a control plane listens with. */
export class Servers {
  readonly xds: XdsServer;
  readonly #http: Server;
  /** For metrics and health, to everybody. */
  readonly #plainHttp: Server | undefined;

  constructor(xds: XdsServer, http: Server, plainHttp: Server | undefined) {
    this.xds = xds;
    this.#http = http;
    this.#plainHttp = plainHttp;
  }

  /** @throws Error that names the address, when one cannot be listened on. */
  async listen({ xds, http, metrics, log, security }: Addresses): Promise<void> {
    await listenOn(this.#http, http);
    if (this.#plainHttp && metrics) await listenOn(this.#plainHttp, metrics);
    await this.xds.listen(formatHostPort(xds), security?.grpcCredentials() ?? ServerCredentials.createInsecure());
    if (this.xds.connections !== undefined) security?.watchConnections(this.xds.connections);
    const [how, scheme] = security === undefined ? ["without encryption, HTTP", "HTTP"] : ["with mutual TLS", "HTTPS"];
    if (metrics) log.info(`metrics and health on ${formatHostPort(metrics)}, HTTP, to everybody`);
    log.info(`xDS on ${formatHostPort(xds)}, ${scheme} on ${formatHostPort(http)}, ${how}`);
    if (security === undefined) log.warn("--insecure: whoever reaches these ports may do everything");
  }

  async close(): Promise<void> {
    for (const server of [this.#http, this.#plainHttp]) {
      server?.close();
      server?.closeAllConnections();
    }
    await this.xds.close();
  }
}
