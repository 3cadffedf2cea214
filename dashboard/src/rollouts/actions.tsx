import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { CommandReport, RolloutOverview } from "../../../controlplane/api/index.ts";
import { announce } from "../announce.tsx";
import { ApiError, post } from "../api.ts";
import { Dialog } from "../dialog.tsx";
import { offersFor, type Offer } from "./commands.ts";

/** The buttons of a Rollout, and what came of the last one. */
export function Actions({
  rollout,
  role,
  onDone,
}: {
  readonly rollout: RolloutOverview;
  readonly role: "viewer" | "operator" | "admin";
  readonly onDone: () => void;
}): JSX.Element | null {
  const [asking, setAsking] = useState<Offer>();
  const [busy, setBusy] = useState(false);
  const [result, setResult] = useState<{ readonly isGood: boolean; readonly text: string }>();
  const offers = offersFor(rollout);
  const isAllowed = role !== "viewer";
  const obey = async ({ command }: Offer): Promise<void> => {
    setAsking(undefined);
    setBusy(true);
    try {
      const { done } = await post<CommandReport>(`rollouts/${encodeURIComponent(rollout.name)}/${command}`);
      setResult({ isGood: true, text: done.join(". ") });
      announce(done.join(". "));
    } catch (error) {
      const text = error instanceof ApiError ? error.message : String(error);
      setResult({ isGood: false, text });
    }
    setBusy(false);
    onDone();
  };
  return (
    <div class="actions">
      <div class="buttons" role="group" aria-label={`Commands of ${rollout.name}`}>
        {offers.map((offer) => (
          <button
            key={offer.command}
            type="button"
            class={offer.tone}
            disabled={busy || !isAllowed}
            onClick={() => (offer.confirmation === undefined ? void obey(offer) : setAsking(offer))}
          >
            {offer.title}
          </button>
        ))}
      </div>
      {isAllowed || offers.length === 0 ? null : (
        <p class="hint">Your role is viewer; commands need the role operator.</p>
      )}
      {result === undefined ? null : (
        <p class={result.isGood ? "result" : "result bad"} role={result.isGood ? undefined : "alert"}>
          {result.text}
        </p>
      )}
      {asking === undefined ? null : (
        <Dialog title={`${asking.title}: ${rollout.name}`} onClose={() => setAsking(undefined)}>
          <p>{asking.confirmation}</p>
          <div class="buttons end">
            <button type="button" onClick={() => setAsking(undefined)}>
              Cancel
            </button>
            <button
              type="button"
              class={asking.tone === "danger" ? "danger" : "primary"}
              onClick={() => void obey(asking)}
            >
              {asking.title}
            </button>
          </div>
        </Dialog>
      )}
    </div>
  );
}
