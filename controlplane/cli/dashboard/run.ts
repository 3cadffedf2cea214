import { spawn } from "node:child_process";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { query, type Connection } from "../ask.ts";
import { forwarder } from "./forward.ts";
import { answerBrowser } from "./proxy.ts";
import { Sessions } from "./sessions.ts";

/** `meshwright dashboard`: runs until a signal ends it. */
export async function runDashboard({
  port,
  open,
  ...connection
}: Connection & { port: number; open: boolean }): Promise<void> {
  // Says now, and not in the browser, that there is no control plane or no right to it.
  const { name, role } = (await query(connection, "/api/v1/caller")) as { name: string; role: string };
  const upstream = await forwarder(connection);
  const { forward } = upstream;
  const sessions = new Sessions();
  const server = createServer((request, response) =>
    answerBrowser({ port: (server.address() as AddressInfo).port, sessions, forward }, request, response),
  );
  await listen(server, port);
  const at = (server.address() as AddressInfo).port;
  const say = (): string => {
    const url = `http://127.0.0.1:${at}/dashboard/#key=${sessions.newKey()}`;
    process.stdout.write(`${url}\n`);
    return url;
  };
  process.stdout.write(`the dashboard, as ${name} with the role ${role}; this address is good once:\n\n`);
  const url = say();
  if (process.stdin.isTTY) {
    process.stdout.write("\nEnter prints a new address, Ctrl-C ends it\n");
    process.stdin.on("data", say);
  }
  if (open) openBrowser(url);
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      server.close();
      server.closeAllConnections();
      upstream.close();
      process.stdin.destroy();
    });
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const more = error.code === "EADDRINUSE" ? "; choose another with --port" : "";
      reject(new Error(`cannot listen on 127.0.0.1:${port}: ${error.message}${more}`));
    });
    server.listen(port, "127.0.0.1", resolve);
  });
}

const openers: Partial<Record<NodeJS.Platform, readonly [file: string, ...args: string[]]>> = {
  darwin: ["open"],
  win32: ["cmd", "/c", "start", ""],
};

/** Where there is no browser to open, the address is printed all the same. */
function openBrowser(url: string): void {
  const [file, ...args] = openers[process.platform] ?? ["xdg-open"];
  spawn(file, [...args, url], { stdio: "ignore", detached: true })
    .on("error", () => undefined)
    .unref();
}
