import { connect } from "node:http2";
import type { IncomingHttpHeaders } from "node:http2";
import type { Seen } from "./backends.ts";

export interface CallAnswer {
  /** The gRPC status. */
  readonly status: number;
  readonly message: string;
  readonly seen: Seen | undefined;
}

/** An empty message, with the five bytes that frame it. */
export const emptyMessage = Buffer.alloc(5);

/** A call with an empty message, on a connection of its own. */
export async function call(port: number, path: string, headers: Readonly<Record<string, string>>): Promise<CallAnswer> {
  const session = connect(`http://127.0.0.1:${String(port)}`);
  try {
    return await new Promise<CallAnswer>((resolve, reject) => {
      session.on("error", reject);
      const stream = session.request({
        ":method": "POST",
        ":path": path,
        "content-type": "application/grpc",
        te: "trailers",
        ...headers,
      });
      const all: IncomingHttpHeaders = {};
      stream.on("response", (received) => Object.assign(all, received));
      stream.on("trailers", (received: IncomingHttpHeaders) => Object.assign(all, received));
      stream.on("error", reject);
      stream.on("close", () => {
        const text = all["x-seen"]?.toString();
        resolve({
          status: Number(all["grpc-status"] ?? NaN),
          message: all["grpc-message"]?.toString() ?? `HTTP status ${String(all[":status"])}`,
          seen: text === undefined ? undefined : (JSON.parse(text) as Seen),
        });
      });
      stream.resume();
      stream.end(emptyMessage);
    });
  } finally {
    session.close();
  }
}
