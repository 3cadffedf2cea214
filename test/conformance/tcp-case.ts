import type { ProbeOptions } from "../../host/testdata/probe.ts";

type End = "client" | "upstream";

/** What one end of a TCP connection does: sends, ends its sending side, or breaks the connection off. */
export type TcpStep =
  { readonly from: End; readonly data: string } | { readonly from: End; readonly act: "end" | "reset" };

/** One module and one connection, which the host and Envoy are both given. */
export interface TcpCase {
  readonly name: string;
  readonly module: ProbeOptions;
  readonly steps: readonly TcpStep[];
}

export const sends = (from: End, data: string): TcpStep => ({ from, data });
export const ends = (from: End): TcpStep => ({ from, act: "end" });
export const resets = (from: End): TcpStep => ({ from, act: "reset" });

/** What a connection came to. */
export interface TcpTranscript {
  /** What the module logged until the client was connected, and after each step. */
  readonly log: readonly (readonly string[])[];
  /** What came out at both ends. */
  readonly ends: readonly string[];
}

export function endLine(name: End, data: string, ended: boolean): string {
  return `${name} got ${JSON.stringify(data)}${ended ? ", and the end" : ""}`;
}
