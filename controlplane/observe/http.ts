import type { IncomingMessage, ServerResponse } from "node:http";
import type { Activity } from "./activity.ts";

/** Methods that are told apart; a client may send any. */
const METHODS: readonly string[] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/**
 * Tells of a request once it is answered, or its connection is gone.
 *
 * @param route one of few, whatever the path is.
 */
export function watchRequest(
  activity: Activity,
  route: string,
  { method = "" }: IncomingMessage,
  response: ServerResponse,
): void {
  const startedAt = performance.now();
  response.once("close", () => {
    activity.emit("request", {
      route,
      method: METHODS.includes(method) ? method : "other",
      // As servers write of a client that did not wait for its answer.
      status: response.writableFinished ? response.statusCode : 499,
      durationMs: performance.now() - startedAt,
      bytes: Number(response.getHeader("content-length") ?? 0),
    });
  });
}
