import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { History } from "../../controlplane/api/index.ts";
import { Diff } from "./diff.tsx";
import { dateTime, since } from "./format.ts";
import { useLive } from "./live.ts";

/** Revisions that are shown at first, and how many more each time. */
const STEP = 25;

/** What was applied, when and by whom. */
export function HistoryPage(): JSX.Element {
  const [limit, setLimit] = useState(STEP);
  const { value, error } = useLive<History>(`history?limit=${limit}`, 5_000);
  return (
    <>
      <div class="heading">
        <h1>History</h1>
        <p>Changes that were applied over the API, the latest first. Runs of a rollout are on its page.</p>
      </div>
      {value === undefined ? (
        <p role="status">{error?.message ?? "Loading…"}</p>
      ) : value.revisions.length === 0 ? (
        <p class="empty">Nothing was applied over the API. A folder that is served has its history where it is kept.</p>
      ) : (
        <ol class="revisions" reversed start={value.revisions[0]?.revision ?? 1}>
          {value.revisions.map(({ revision, time, author, message, changes }) => (
            <li key={revision} class="card">
              <h2>
                <span class="number">{revision}</span>{" "}
                {message === "" ? changes.map(({ name }) => name).join(", ") : message}
              </h2>
              <p>
                <time dateTime={time} title={dateTime(time)}>
                  {since(time)}
                </time>{" "}
                by {author}
              </p>
              {changes.map(({ kind, name, change, diff }) => (
                <details key={`${kind}/${name}`}>
                  <summary>
                    <span class={`chip ${change}`}>{change}</span> {kind} <b>{name}</b>
                  </summary>
                  <Diff text={diff} />
                </details>
              ))}
            </li>
          ))}
        </ol>
      )}
      {value !== undefined && value.revisions.length >= limit ? (
        <button type="button" onClick={() => setLimit(limit + STEP)}>
          Show more
        </button>
      ) : null}
    </>
  );
}
