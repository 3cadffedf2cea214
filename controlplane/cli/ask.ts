import { formatHostPort, type HostPort } from "../control/index.ts";

/** What a control plane's HTTP server answers; undefined, with a line on stderr and exit status 1, when it does not. */
export async function ask(http: HostPort, path: string): Promise<unknown> {
  const url = `http://${formatHostPort(http)}${path}`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
    if (!response.ok) throw new Error(`status ${String(response.status)}`);
    return await response.json();
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const reason = cause instanceof Error ? cause.message : String(cause);
    process.stderr.write(`meshwright: no status from ${url}: ${reason}\n`);
    process.exitCode = 1;
    return undefined;
  }
}
