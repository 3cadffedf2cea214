import type { Server } from "node:http";
import { formatHostPort, type HostPort } from "./host-port.ts";

/** @throws Error that names the address, when it cannot be listened on. */
export function listenOn(server: Server, address: HostPort): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      reject(new Error(`cannot listen on ${formatHostPort(address)}: ${error.message}`, { cause: error }));
    });
    server.listen(address.port, address.host, resolve);
  });
}
