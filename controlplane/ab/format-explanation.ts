import { formatChanges, formatHeader } from "../explain/index.ts";
import type { AbExplanation, ExperimentOutcome } from "./explain.ts";

/** An explanation as lines for people. */
export function formatAssignment(explanation: AbExplanation): string[] {
  const { request, experiments, delayMs, responseHeaders = [] } = explanation;
  const peer = request.peer === undefined ? "" : `, peer ${request.peer}`;
  const width = Math.max(...experiments.map(({ name }) => name.length));
  return [
    `${request.method} ${request.path} of ${request.host}, from ${request.source}${peer}, at ${request.at}`,
    ...experiments.map((outcome) => `  ${outcome.name.padEnd(width)}  ${outcome.variant ?? "-"}: ${why(outcome)}`),
    ...(delayMs === undefined ? [] : [`  a fault holds it for ${delayMs} ms`]),
    ...formatChanges(explanation).map((line) => `  ${line}`),
    ...(responseHeaders.length === 0 ? [] : ["  the client gets the response"]),
    ...responseHeaders.map((header) => `  with ${formatHeader(header)}`),
  ];
}

function why({ reason, rule, place, range }: ExperimentOutcome): string {
  switch (reason) {
    case "notTargeted":
      return "it is not for the request (when)";
    case "disabled":
      return "it is switched off (enabled)";
    case "outOfTime":
      return "it is not its time (active)";
    case "forced":
      return "the request asks for it (force)";
    case "rule":
      return `rules[${String(rule ?? "")}] matches`;
    case "holdout":
      return "the key is held out of all experiments (holdout)";
    case "layer":
      return "the key is not in its part of the layer (layer)";
    case "noSplit":
      return "nothing else decides, and there is no split (default)";
    case "noKey":
      return "the request has no key (split.key)";
    case "split":
      return `the key has place ${String(place)}, in ${range === undefined ? "no range" : `${range[0]} to ${range[1]}`} of the split`;
  }
}
