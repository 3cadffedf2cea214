import { durationMilliseconds } from "../model/index.ts";
import type { FetchFault } from "./module-fetch.ts";
import type { Observation, SidecarState } from "./observation.ts";
import type { Reason, Run } from "./run.ts";

/** Of those who just got the new version, the share that may lose its stream by chance, as when a pod is replaced. */
const CHANCE_LOSS = 0.01;

const FETCH_FAULTS: Readonly<Record<FetchFault, string>> = {
  Failed: "who it asked answered with an error, or not at all",
  OtherBytes: "what arrived has another SHA-256",
};

/** What sends a run back at once, whatever the figures say. */
export function guardReason(run: Run, { states, verdict }: Observation, now: number): Reason | undefined {
  const admitted = [...run.admitted].flatMap(([node, at]) => {
    const state = states.get(node);
    return state === undefined ? [] : [{ node, at, state }];
  });
  const nodesWhere = (isSo: (state: SidecarState, at: number) => boolean): string[] =>
    admitted.filter(({ state, at }) => isSo(state, at)).map(({ node }) => node);
  const answerMs = durationMilliseconds(run.spec.answerTimeout);
  const isLate = ({ connected, since }: SidecarState, at: number): boolean =>
    connected && now - Math.max(at, since) > answerMs;

  const unfetched = nodesWhere(
    (state, at) => state.fetch !== undefined && (state.progress === "Rejected" || isLate(state, at)),
  );
  if (unfetched.length > 0) {
    const fault = states.get(unfetched[0] ?? "")?.fetch ?? "Failed";
    const message = `${count(unfetched)} could not fetch its module: ${FETCH_FAULTS[fault]}`;
    return { kind: "NotFetched", message, nodes: unfetched };
  }
  const rejected = nodesWhere(({ progress }) => progress === "Rejected");
  if (rejected.length > 0) {
    const message = states.get(rejected[0] ?? "")?.message ?? "it does not say why";
    return { kind: "Rejected", message: `${count(rejected)} rejected it: ${message}`, nodes: rejected };
  }
  const failed = nodesWhere(({ progress }) => progress === "Failed");
  if (failed.length > 0) {
    const message = `${count(failed)} accepted it, and by the statistics its filter does not run`;
    return { kind: "NotLoaded", message, nodes: failed };
  }
  const lossMs = durationMilliseconds(run.spec.lossWindow);
  const isRecent = (at: number): boolean => now - at <= 2 * lossMs;
  const lost = nodesWhere(
    ({ connected, since }, at) => !connected && isRecent(at) && since >= at && since - at <= lossMs,
  );
  const recent = admitted.filter(({ at }) => isRecent(at)).length;
  if (lost.length > Math.floor(recent * CHANCE_LOSS)) {
    const message = `${count(lost)} lost the stream within ${run.spec.lossWindow} of getting it`;
    return { kind: "LostStream", message, nodes: lost };
  }
  const silent = nodesWhere((state, at) => state.progress === "Behind" && isLate(state, at));
  if (silent.length > 0) {
    const message = `${count(silent)} did not take it within ${run.spec.answerTimeout}`;
    return { kind: "NoAnswer", message, nodes: silent };
  }
  const unproven = nodesWhere((state, at) => state.progress === "Held" && isLate(state, at));
  if (unproven.length > 0) {
    const message = `${count(unproven)} did not report within ${run.spec.answerTimeout} that its filter runs`;
    return { kind: "NotLoaded", message, nodes: unproven };
  }
  return verdict.kind === "Bad" ? verdict.reason : undefined;
}

function count(nodes: readonly string[]): string {
  const [first = ""] = nodes;
  return nodes.length === 1 ? `the sidecar ${first}` : `${nodes.length} sidecars (${first}, ...)`;
}
