import type { Callback, Step } from "../../host/testdata/probe.ts";
import type { Disagreement } from "./run-scripts.ts";

/** A disagreement for people: the filter, what is sent, and where the two begin to differ. */
export function formatDisagreement({ script, host, envoy }: Disagreement): string {
  const same = host.findIndex((line, i) => line !== envoy[i]);
  const from = same < 0 ? host.length : same;
  const { name, request, response, allowOnHeadersStopIteration, module } = script;
  const sent = { request, response, allowOnHeadersStopIteration };
  const callbacks = Object.entries(module.callbacks ?? {}).map(
    ([callback, body]) => `  ${callback}: ${formatCallback(body)}`,
  );
  const side = (title: string, lines: readonly string[]): string[] => [
    `${title}:`,
    ...lines.slice(from).map((line) => `  ${line}`),
  ];
  return [name, `  ${JSON.stringify(sent)}`, ...callbacks, `the first ${from} lines agree`]
    .concat(side("the host", host), side("Envoy", envoy))
    .join("\n");
}

function formatCallback({ steps = [], returns, wat }: Callback): string {
  const parts = [...steps.map(formatStep), ...(wat === undefined ? [] : [wat.replace(/\s+/g, " ")])];
  return `${parts.join("; ")}${returns === undefined ? "" : ` -> ${returns}`}`;
}

function formatStep({ call, args }: Step): string {
  const words = args.map((argument) => (typeof argument === "object" ? "..." : JSON.stringify(String(argument))));
  return `${call}(${words.join(", ")})`;
}
