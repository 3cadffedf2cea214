import type { JSX } from "preact";
import type { LimitsReport, QuotaReport } from "../../controlplane/api/index.ts";
import { count, short } from "./format.ts";
import { useLive } from "./live.ts";
import { number, Table } from "./table.tsx";

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
          <Table
            label="Limits"
            columns={[
              "Limit",
              number("Refused / s"),
              number("Passed / s"),
              "Share refused",
              number("Refused in all"),
              number("In shadow"),
            ]}
          >
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
          </Table>
        )}
      </section>
      <section class="card">
        {quotas.value === undefined ? (
          <p role="status">{quotas.error?.message ?? "Loading…"}</p>
        ) : quotas.value.top.length === 0 ? (
          <p class="empty">No quota of the whole fleet is used.</p>
        ) : (
          <Table
            label="Keys with the most requests"
            columns={[
              "Key",
              "Quota",
              "Use",
              number("Passed / s"),
              number("Refused / s"),
              number("Left"),
              number("Sidecars"),
            ]}
          >
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
          </Table>
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
