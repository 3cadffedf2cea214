import type { Server } from "node:http";
import { formatHostPort, type HostPort } from "./host-port.ts";

/** How many connections may wait to be accepted: all sidecars fetch a new module at once. The system may allow fewer. */
const BACKLOG = 4_096;

/** @throws Error that names the address, when it cannot be listened on. */
export function listenOn(server: Server, address: HostPort): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      reject(new Error(`cannot listen on ${formatHostPort(address)}: ${error.message}`, { cause: error }));
    });
    server.listen({ host: address.host, port: address.port, backlog: BACKLOG }, resolve);
  });
}
