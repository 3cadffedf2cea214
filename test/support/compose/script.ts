// Random exchanges for the probes: what each does in which callback, and the messages.
import type { Numbers } from "../numbers.ts";
import type { Exchange, HeaderLines, Message } from "../exchange.ts";

export const NAMES = ["a", "b", "c"] as const;

const HEADERS = ["stop", "stop", "call", "answer", "late-answer"];
const BODY = ["replace", "prepend", "append", "buffer", "hold", "trailers", "answer"];

export interface Limits {
  /** Chunks of a body at most. */
  readonly chunks: number;
  /** Actions of response callbacks that are left out. */
  readonly noResponse: readonly string[];
  /** Answers to a request with a body are left out. */
  readonly fewAnswers: boolean;
  readonly addsTrailers: boolean;
}

export function randomExchange(random: Numbers, { chunks, noResponse, fewAnswers, addsTrailers }: Limits): Exchange {
  const message = (): Message => {
    const body = Array.from({ length: random(chunks + 1) }, (_, i) => "abcdef".slice(i, i + 1 + random(2)));
    const trailers: HeaderLines = body.length > 0 && random(3) === 0 ? [["x-trail", "t"]] : [];
    return { body, trailers };
  };
  const request = message();
  const isAnswer = (action: string): boolean => action.endsWith("answer");
  const pick = (list: readonly string[]): string => list[random(list.length)] ?? "";
  const headers = NAMES.map((name) => {
    const actions: string[] = [];
    for (const direction of ["request", "response"]) {
      const add = (callback: string, list: readonly string[], oneIn: number): void => {
        if (random(oneIn) > 0) return;
        const action = pick(list);
        if (direction === "response" && noResponse.includes(action)) return;
        if (direction === "request" && fewAnswers && isAnswer(action) && request.body?.length !== 0) return;
        if (action === "trailers" && !addsTrailers) return;
        actions.push(`${callback}.${direction}=${action}`);
      };
      add("headers", HEADERS, 4);
      add("body", BODY, 2);
      add("trailers", ["stop"], 3);
    }
    return [`x-${name}`, actions.join(";")] as const;
  });
  return {
    scenario: "compose",
    method: "POST",
    path: "/",
    request: { ...request, headers: headers.filter(([, actions]) => actions !== "") },
    response: message(),
  };
}

/** Whether a probe holds headers. */
export function holdsHeaders({ request }: Exchange): boolean {
  return (request?.headers ?? []).some(([, actions]) => /headers\.\w+=(stop|call|late)/.test(actions));
}

/** What the probes log, by name. */
export function byPart(lines: readonly string[]): Record<string, string[]> {
  return Object.fromEntries(
    NAMES.map((name) => [
      name,
      lines.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2)),
    ]),
  );
}

/**
 * Whether Envoy itself keeps apart what several filters hold. It has one buffer for all filters of a direction: where two hold
 * something of a message with a body, one that goes on takes along what the other holds (docs/decisions/composition.md).
 */
export function isKeptApart({ request = {}, response = {} }: Exchange, alone: boolean): boolean {
  const scripts = NAMES.map(
    (name) => (request.headers ?? []).find(([key]) => key === `x-${name}`)?.[1].split(";") ?? [],
  );
  const has = (pattern: RegExp): boolean => scripts.some((actions) => actions.some((action) => pattern.test(action)));
  return (["request", "response"] as const).every((direction) => {
    const message = direction === "request" ? request : response;
    const answered = direction === "response" && has(/request=.*answer/);
    if ((message.body ?? []).length === 0 && !answered) return true;
    const holds = (actions: readonly string[]): boolean =>
      actions.some((action) => new RegExp(`\\.${direction}=(stop|call|late-answer|buffer|hold)$`).test(action));
    const inOrder = direction === "request" ? scripts : [...scripts].reverse();
    const holding = inOrder.filter(holds);
    if (holding.length > 1) return false;
    // Trailers that a part adds while another one stops come twice in Envoy.
    if (holding.length > 0 && has(new RegExp(`body\\.${direction}=trailers`))) return false;
    // Parts before one that holds the headers see the body later, and in one piece.
    return (
      alone ||
      holding.length === 0 ||
      holds(inOrder[0] ?? []) ||
      !has(new RegExp(`headers\\.${direction}=(stop|call|late)`))
    );
  });
}
