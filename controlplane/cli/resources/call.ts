import { userInfo } from "node:os";
import type { Refusal } from "../../api/index.ts";
import { formatHostPort, type HostPort } from "../../control/index.ts";
import { InputError } from "../../explain/index.ts";
import { formatProblem } from "../../model/index.ts";

/** How long a change may take: each filter is run on its configuration before it is accepted. */
const TIMEOUT_MS = 60_000;

export interface Request {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: object;
}

/**
 * What the API answers.
 *
 * @throws InputError with its words when it refuses, or does not answer.
 */
export async function call(http: HostPort, { method, path, query = {}, body }: Request): Promise<unknown> {
  const url = new URL(`http://${formatHostPort(http)}/api/v1/${path}`);
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
  let status: number;
  let answer: unknown;
  try {
    const response = await fetch(url, {
      method,
      headers: { "content-type": "application/json", "x-meshwright-author": encodeURIComponent(userInfo().username) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    status = response.status;
    answer = await response.json();
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new InputError(`no answer from ${url.origin}: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  if (status === 200) return answer;
  throw new InputError(refusalText(answer as Refusal));
}

function refusalText({ error, problems = [], conflicts = [] }: Refusal): string {
  return [
    error,
    ...problems.map(formatProblem),
    ...conflicts.map(
      ({ resource, revision, author, time, message }) =>
        `  ${resource}: revision ${revision}, ${time}, ${author}${message === "" ? "" : `: ${message}`}`,
    ),
  ].join("\n");
}
