import type { JSX } from "preact";
import type { StatusReport } from "../../../controlplane/api/index.ts";
import { count, several } from "../format.ts";

type Configuration = StatusReport["configuration"];

/** How many of each list are named. */
const NAMED = 10;

/** What is wrong with the resources, and what is served in place of those that are faulty. */
export function Faults({ configuration }: { readonly configuration: Configuration }): JSX.Element | null {
  const { refused, kept, leftOut } = configuration;
  if (refused.length === 0) return null;
  const isHeld = kept.length > 0 || leftOut.length > 0;
  return (
    <section class="notice bad" aria-labelledby="refused">
      <h2 id="refused">
        {isHeld
          ? `${several(refused.length, "fault")} in the resources; all else is served`
          : "The last change of the configuration is refused; what was served before is still served"}
      </h2>
      <ul>
        {refused.slice(0, NAMED).map((line) => (
          <li key={line}>
            <code>{line}</code>
          </li>
        ))}
        <More of={refused.length} />
      </ul>
      <HeldList title="Served as before, until this is mended" held={kept} />
      <HeldList title="Not served, until this is mended" held={leftOut} />
    </section>
  );
}

function HeldList(props: { readonly title: string; readonly held: Configuration["kept"] }): JSX.Element | null {
  const { title, held } = props;
  if (held.length === 0) return null;
  return (
    <>
      <h3>{title}</h3>
      <ul aria-label={title}>
        {held.slice(0, NAMED).map(({ resource, with: root }) => (
          <li key={resource}>
            <code>{resource}</code>
            {root === undefined ? null : (
              <>
                , with <code>{root}</code>
              </>
            )}
          </li>
        ))}
        <More of={held.length} />
      </ul>
    </>
  );
}

function More({ of }: { readonly of: number }): JSX.Element | null {
  return of > NAMED ? <li>and {count(of - NAMED)} more</li> : null;
}
