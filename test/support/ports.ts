import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";

/** Lets a server listen on a free port of loopback, which is returned. */
export async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return portOf(server);
}

/** The port of a server that listens. */
export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** Below the ports that systems give to outgoing connections (Linux from 32768), which could take one before its server does; the demo's begin at 21000. */
const FIRST = 10_240;
const END = 20_992;
const BLOCK = 64;

/** What is left of this process's block. */
let left: number[] = [];

/** Ports on loopback that nothing listens on now, and which no other process of these tests is given. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    if (left.length === 0) left = await takeBlock();
    const port = left.shift() ?? 0;
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

/** A block of ports. Its first port is held as long as this process lives, and says that the block is taken. */
async function takeBlock(): Promise<number[]> {
  for (;;) {
    const block = FIRST + BLOCK * Math.floor((Math.random() * (END - FIRST)) / BLOCK);
    const held = createServer().unref();
    if (await listens(held, block)) return Array.from({ length: BLOCK - 1 }, (_, i) => block + 1 + i);
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  if (!(await listens(server, port))) return false;
  await new Promise((resolve) => server.close(resolve));
  return true;
}

/** Whether a server could take a port. */
function listens(server: Server, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    server.once("error", () => resolve(false)).once("listening", () => resolve(true));
    server.listen(port, "127.0.0.1");
  });
}
