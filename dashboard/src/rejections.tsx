import type { JSX } from "preact";
import { count, several, since } from "./format.ts";
import type { Fleet } from "./fleet/fleet.ts";
import { linkTo } from "./route.ts";

/** What Envoys refused, in their words. */
export function RejectionsPage({ fleet }: { readonly fleet: Fleet | undefined }): JSX.Element {
  if (fleet === undefined) return <p role="status">Loading…</p>;
  const { rejections } = fleet;
  return (
    <>
      <div class="heading">
        <h1>Rejections</h1>
        <p>What Envoys refuse now, in their own words. What they had before serves on.</p>
      </div>
      {rejections.length === 0 ? (
        <p class="empty">No sidecar rejects anything.</p>
      ) : (
        rejections.map(({ type, resource, message, at, sidecars, nodes, version }) => (
          <section class="card rejection" key={`${type} ${resource} ${message}`} aria-label={`${resource}, rejected`}>
            <h2>
              {resource} <small>{type.slice(type.lastIndexOf(".") + 1)}</small>
            </h2>
            <p>
              <b>{several(sidecars, "sidecar")}</b>, last {since(at)}
              {version === "" ? "" : `, version ${version.slice(0, 8)}`}
            </p>
            <pre tabIndex={0} aria-label="What Envoy says">
              {message}
            </pre>
            <ul class="nodes">
              {nodes.map((node) => (
                <li key={node}>
                  <a href={linkTo("fleet", node)}>{node}</a>
                </li>
              ))}
              {sidecars > nodes.length ? <li>and {count(sidecars - nodes.length)} more</li> : null}
            </ul>
          </section>
        ))
      )}
    </>
  );
}
