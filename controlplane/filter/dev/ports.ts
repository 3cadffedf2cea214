import { createServer, type AddressInfo } from "node:net";
import { FilterError } from "../filter-error.ts";

/** Ports of loopback that nothing listens on now. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(servers.map((server) => listen(server, 0)));
  await Promise.all(servers.map(close));
  return ports;
}

/** @throws FilterError when something listens on the port, or the address is not this machine's. */
export async function checkFree(host: string, port: number): Promise<void> {
  const server = createServer();
  try {
    await listen(server, port, host);
  } catch (error) {
    throw new FilterError(
      `cannot listen on ${host}:${String(port)}: ${error instanceof Error ? error.message : String(error)}; --port takes another`,
    );
  }
  await close(server);
}

function listen(server: ReturnType<typeof createServer>, port: number, host = "127.0.0.1"): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

function close(server: ReturnType<typeof createServer>): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
