import { createServer, type Server } from "node:http";
import type { Workload } from "./plan.ts";

/** The application of a workload: says who it is, and what its sidecar told it about the caller. */
export function startApp({ app, version, appPort }: Workload): Promise<Server> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { "content-type": "text/plain" });
    const caller = request.headers["x-principal"];
    response.end(
      `${app} ${version}: ${request.method ?? ""} ${request.url ?? ""}${typeof caller === "string" ? `, called by ${caller}` : ""}\n`,
    );
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(appPort, "127.0.0.1", () => resolve(server));
  });
}
