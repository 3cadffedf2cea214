import type { Header, LocalAnswer, UpstreamRequest } from "./request.ts";

/** What the client and the upstream get, as lines for people. */
export function formatChanges(changes: {
  readonly response?: LocalAnswer;
  readonly upstream?: UpstreamRequest;
}): string[] {
  const { response, upstream } = changes;
  const lines: string[] = [];
  if (response !== undefined) {
    lines.push(`the client gets ${response.status}`, ...response.headers.map(formatHeader));
    if (response.body !== "") lines.push(response.body.trimEnd());
  }
  if (upstream !== undefined) {
    const { set, removed } = upstream;
    lines.push(`the upstream gets the request${set.length + removed.length === 0 ? " as it is" : ""}`);
    lines.push(...set.map((header) => `with ${formatHeader(header)}`), ...removed.map((name) => `without ${name}`));
  }
  return lines;
}

export function formatHeader([name, value]: Header): string {
  return `${name}: ${value}`;
}
