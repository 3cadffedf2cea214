import { describe, titleOf, type Run, type RunEvent } from "../rollout/index.ts";
import type { Webhook } from "./config.ts";

/** What is told of. */
export const EVENT_TYPES = [
  "rollout.started",
  "rollout.wave_started",
  "rollout.admitted",
  "rollout.settled",
  "rollout.bake_restarted",
  "rollout.judged",
  "rollout.waiting",
  "rollout.approved",
  "rollout.paused",
  "rollout.resumed",
  "rollout.rolling_back",
  "rollout.rolled_back",
  "rollout.promoted",
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** What is told of where nothing is said: what a person wants to know, or has to do something about. */
export const USUAL_TYPES: readonly EventType[] = EVENT_TYPES.filter(
  (type) => !["rollout.admitted", "rollout.settled", "rollout.bake_restarted"].includes(type),
);

const types: Readonly<Record<RunEvent["type"], EventType>> = {
  Started: "rollout.started",
  WaveStarted: "rollout.wave_started",
  Admitted: "rollout.admitted",
  Settled: "rollout.settled",
  BakeRestarted: "rollout.bake_restarted",
  Judged: "rollout.judged",
  Waiting: "rollout.waiting",
  Approved: "rollout.approved",
  Paused: "rollout.paused",
  Resumed: "rollout.resumed",
  RollingBack: "rollout.rolling_back",
  RolledBack: "rollout.rolled_back",
  Promoted: "rollout.promoted",
};

export function typeOf({ type }: RunEvent): EventType {
  return types[type];
}

/** The body of a delivery; as Standard Webhooks recommend it, or as Slack takes it. */
export function bodyOf({ format }: Pick<Webhook, "format">, run: Run, event: RunEvent): string {
  const text = describe(event);
  const of = `${run.rollout}, run ${run.number}`;
  if (format === "Slack") return JSON.stringify({ text: `*${escape(of)}*: ${escape(text)}` });
  const { reason } = run;
  return JSON.stringify({
    type: typeOf(event),
    timestamp: new Date(event.at).toISOString(),
    data: {
      ...{ rollout: run.rollout, run: run.number, undo: run.undo, phase: run.phase },
      ...{ from: run.from, to: run.to, startedBy: run.startedBy, touched: run.admitted.size },
      wave: run.wave < 0 ? null : run.wave + 1,
      waitsFor: run.waitsFor ?? null,
      reason:
        reason === undefined
          ? null
          : { kind: reason.kind, title: titleOf(reason), message: reason.message, nodes: reason.nodes.slice(0, 20) },
      text,
    },
  });
}

/** What Slack would take as a mention or a link is text: an Envoy wrote it, or a user. */
function escape(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}
