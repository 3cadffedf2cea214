import type { JSX } from "preact";
import type { SidecarReport } from "../../../controlplane/api/index.ts";
import { Dialog } from "../dialog.tsx";
import { hash, percent, short, since } from "../format.ts";
import { useLive } from "../live.ts";
import { linkTo } from "../route.ts";
import { STATES } from "./colours.ts";
import { Table } from "../table.tsx";

/** All of one sidecar. */
export function SidecarDialog({ node }: { readonly node: string }): JSX.Element {
  const { value, error } = useLive<SidecarReport>(`sidecar?node=${encodeURIComponent(node)}`, 2_000);
  const close = (): void => void (location.hash = linkTo("fleet"));
  return (
    <Dialog title={node} onClose={close} isWide>
      {value === undefined ? <p role="status">{error?.message ?? "Loading…"}</p> : <Sidecar report={value} />}
    </Dialog>
  );
}

function listed(names: readonly string[]): string | undefined {
  return names.length === 0 ? undefined : names.join(", ");
}

function Sidecar({ report }: { readonly report: SidecarReport }): JSX.Element {
  const {
    service,
    state,
    reason,
    envoy,
    wasm,
    protocol,
    since: at,
    traffic,
    filters,
    rejections,
    withoutFilters,
  } = report;
  const rows: [string, string | undefined][] = [
    ["Service", service],
    ["Why it is served nothing", reason],
    ["Envoy", envoy],
    ["Wasm", wasm === undefined ? undefined : wasm ? "yes" : "no: this Envoy was built without"],
    ["Why it runs no filters", withoutFilters?.reason],
    ["Refuses every request in place of", withoutFilters && listed(withoutFilters.refusing)],
    ["Lets every request pass in place of", withoutFilters && listed(withoutFilters.passing)],
    ["Protocol", protocol],
    [state === "disconnected" ? "Gone" : "Connected", at === undefined ? undefined : since(at)],
    ["Requests", traffic && `${short(traffic.requestsPerSecond)} / s`],
    [
      "Answered with 5xx",
      traffic && traffic.requestsPerSecond > 0
        ? percent(traffic.errors5xxPerSecond / traffic.requestsPerSecond)
        : undefined,
    ],
    ["Memory", traffic?.memoryBytes === undefined ? undefined : `${(traffic.memoryBytes / 2 ** 20).toFixed(0)} MiB`],
  ];
  return (
    <>
      <p>
        <span class={`chip ${state}`}>{STATES[state].label}</span>
      </p>
      <dl class="facts">
        {rows.map(([title, text]) =>
          text === undefined ? null : (
            <div key={title}>
              <dt>{title}</dt>
              <dd>{text}</dd>
            </div>
          ),
        )}
      </dl>
      {filters.length === 0 ? null : (
        <Table label="Filters" columns={["FilterPolicy", "Version", "Delivery", "Runs"]}>
          {filters.map(({ policy, version, delivery, running }) => (
            <tr key={policy}>
              <th scope="row">{policy}</th>
              <td>
                <code title={version}>{hash(version)}</code>
              </td>
              <td>{delivery}</td>
              <td>{running ?? "–"}</td>
            </tr>
          ))}
        </Table>
      )}
      {rejections.map(({ type, resource, message, at: time }) => (
        <section key={`${type} ${resource}`} class="rejection">
          <h3>
            {resource}{" "}
            <small>
              {type}, {since(time)}
            </small>
          </h3>
          <pre tabIndex={0}>{message}</pre>
        </section>
      ))}
    </>
  );
}
