import type { JSX } from "preact";
import type { LimitsReport, QuotaReport } from "../../controlplane/api/index.ts";
import { count, short } from "./format.ts";
import { useLive } from "./live.ts";

/** What limits let pass and refused. */
export function LimitsPage(): JSX.Element {
  const limits = useLive<LimitsReport>("limits", 2_000);
  const quotas = useLive<QuotaReport>("quotas", 2_000);
  const busiest = Math.max(
    ...(quotas.value?.top ?? []).map(({ allowedPerSecond, deniedPerSecond }) => allowedPerSecond + deniedPerSecond),
    1e-9,
  );
  return (
    <>
      <div class="heading">
        <h1>Limits</h1>
        <p>
          What the filter ratelimit let pass and refused, over all sidecars; and who uses the quotas of the whole fleet.
        </p>
      </div>
      <section class="card">
        {limits.value === undefined ? (
          <p role="status">{limits.error?.message ?? "Loading…"}</p>
        ) : limits.value.limits.length === 0 ? (
          <p class="empty">No sidecar has told of a limit yet.</p>
        ) : (
          <div class="scroll" tabIndex={0} role="region" aria-label="Limits">
            <table>
              <caption>Limits</caption>
              <thead>
                <tr>
                  <th scope="col">Limit</th>
                  <th scope="col" class="n">
                    Refused / s
                  </th>
                  <th scope="col" class="n">
                    Passed / s
                  </th>
                  <th scope="col">Share refused</th>
                  <th scope="col" class="n">
                    Refused in all
                  </th>
                  <th scope="col" class="n">
                    In shadow
                  </th>
                </tr>
              </thead>
              <tbody>
                {limits.value.limits.map((limit) => {
                  const all = limit.allowedPerSecond + limit.limitedPerSecond;
                  return (
                    <tr key={limit.limit}>
                      <th scope="row">{limit.limit}</th>
                      <td class="n">{short(limit.limitedPerSecond)}</td>
                      <td class="n">{short(limit.allowedPerSecond)}</td>
                      <td>
                        <Meter share={all === 0 ? 0 : limit.limitedPerSecond / all} />
                      </td>
                      <td class="n">{count(limit.limited)}</td>
                      <td class="n">{count(limit.shadowLimited)}</td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </div>
        )}
      </section>
      <section class="card">
        {quotas.value === undefined ? (
          <p role="status">{quotas.error?.message ?? "Loading…"}</p>
        ) : quotas.value.top.length === 0 ? (
          <p class="empty">No quota of the whole fleet is used.</p>
        ) : (
          <div class="scroll" tabIndex={0} role="region" aria-label="Keys with the most requests">
            <table>
              <caption>Keys with the most requests</caption>
              <thead>
                <tr>
                  <th scope="col">Key</th>
                  <th scope="col">Quota</th>
                  <th scope="col">Use</th>
                  <th scope="col" class="n">
                    Passed / s
                  </th>
                  <th scope="col" class="n">
                    Refused / s
                  </th>
                  <th scope="col" class="n">
                    Left
                  </th>
                  <th scope="col" class="n">
                    Sidecars
                  </th>
                </tr>
              </thead>
              <tbody>
                {quotas.value.top
                  .slice(0, 50)
                  .map(({ domain, bucket, quota, allowedPerSecond, deniedPerSecond, remaining, sidecars }) => (
                    <tr key={JSON.stringify([domain, bucket])}>
                      <th scope="row">
                        {Object.entries(bucket)
                          .map(([name, value]) => `${name}=${value}`)
                          .join(" ")}
                      </th>
                      <td>{quota}</td>
                      <td>
                        <Meter share={(allowedPerSecond + deniedPerSecond) / busiest} isNeutral />
                      </td>
                      <td class="n">{short(allowedPerSecond)}</td>
                      <td class="n">{short(deniedPerSecond)}</td>
                      <td class="n">{count(Math.floor(remaining))}</td>
                      <td class="n">{count(sidecars)}</td>
                    </tr>
                  ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
    </>
  );
}

/** A bar beside figures that say the same. */
function Meter({ share, isNeutral = false }: { readonly share: number; readonly isNeutral?: boolean }): JSX.Element {
  return (
    <span class={isNeutral ? "meter neutral" : "meter"} title={`${Math.round(100 * share)} %`}>
      <span style={{ width: `${100 * Math.min(1, share)}%` }} />
      {isNeutral ? null : <span class="unseen">{Math.round(100 * share)} %</span>}
    </span>
  );
}
