import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { parseReview, ReviewError, reviewWith, type AdmissionAnswer, type AdmissionRequest } from "./review.ts";

/** Answers reviews by the path to which they are sent. */
export type Reviewers = Readonly<
  Record<string, (request: AdmissionRequest) => AdmissionAnswer | Promise<AdmissionAnswer>>
>;

/** An object of the API is 1.5 MiB at most, and a review has the old and the new one. */
const MAX_BODY = 4 * 1024 * 1024;
/** Reviews that are answered at a time; more than an API server sends unless it is not the API server that sends them. */
const MAX_OPEN = 64;
/** In which the whole of a body has to come, in milliseconds: the API server itself waits for answers for 10 s. */
const BODY_MS = 5_000;

/** The requests of an API server to its admission webhooks. Everybody may send such: an answer changes nothing and holds no secret. */
export function admissionListener(
  reviewers: Reviewers,
  onError: (error: unknown, path: string) => void,
  { bodyMs = BODY_MS }: { readonly bodyMs?: number } = {},
): RequestListener {
  let open = 0;
  return (request, response) => {
    // Not by URL, which throws for some that a client can send.
    const [path = "/"] = (request.url ?? "/").split("?");
    if (path === "/healthz") {
      end(response, 200, { status: "alive" });
      return;
    }
    const reviewer = Object.hasOwn(reviewers, path) ? reviewers[path] : undefined;
    if (reviewer === undefined) {
      end(response, 404, { error: `nothing at ${path}` });
      return;
    }
    if (request.method !== "POST") {
      end(response, 405, { error: "expected POST" });
      return;
    }
    if (!/^application\/json\b/.test(request.headers["content-type"] ?? "")) {
      end(response, 415, { error: "expected content-type application/json" });
      return;
    }
    if (open >= MAX_OPEN) {
      end(response, 503, { error: "too many reviews at once" });
      return;
    }
    open++;
    void answer(request, response, reviewer, bodyMs)
      .catch((error: unknown) => {
        onError(error, path);
        end(response, 500, { error: "the review failed; the control plane's log says why" });
      })
      .finally(() => open--);
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  reviewer: NonNullable<Reviewers[string]>,
  bodyMs: number,
): Promise<void> {
  const body = await read(request, bodyMs);
  // Nobody is there to be answered.
  if (body === "gone") return;
  if (body === "too large") {
    end(response, 413, { error: `expected a body of at most ${MAX_BODY} bytes` });
    return;
  }
  let review: AdmissionRequest;
  try {
    review = parseReview(body);
  } catch (error) {
    if (!(error instanceof ReviewError)) throw error;
    end(response, 400, { error: error.message });
    return;
  }
  end(response, 200, reviewWith(review.uid, await reviewer(review)));
}

/** A client that sends too slowly is sent away, so that it holds up no other. */
async function read(request: IncomingMessage, timeoutMs: number): Promise<Buffer | "too large" | "gone"> {
  const chunks: Buffer[] = [];
  let size = 0;
  const timer = setTimeout(() => request.destroy(), timeoutMs);
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_BODY) return "too large";
      chunks.push(chunk);
    }
    return request.complete ? Buffer.concat(chunks) : "gone";
  } catch {
    return "gone";
  } finally {
    clearTimeout(timer);
  }
}

function end(response: ServerResponse, status: number, body: object): void {
  if (response.headersSent) return;
  // What is left of a body that was not read ends with the connection.
  const connection = status === 200 ? {} : { connection: "close" };
  response.writeHead(status, { "content-type": "application/json", ...connection });
  response.end(JSON.stringify(body));
}
