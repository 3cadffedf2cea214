import type { JSX } from "preact";
import type { StatusReport } from "../../../controlplane/api/index.ts";
import { dateTime, since, several } from "../format.ts";

/** Certificates that somebody has to replace, the first that ends first. */
export function Endings({ ending }: Pick<StatusReport["configuration"], "ending">): JSX.Element | null {
  if (ending.length === 0) return null;
  return (
    <section class="notice" aria-labelledby="ending">
      <h2 id="ending">{several(ending.length, "certificate")} to be replaced</h2>
      <ul>
        {ending.map(({ certificate, endsAt }) => (
          <li key={certificate}>
            <code>{certificate}</code> {Date.parse(endsAt) <= Date.now() ? "ended" : "ends"} {since(endsAt)},{" "}
            <time dateTime={endsAt}>{dateTime(endsAt)}</time>
          </li>
        ))}
      </ul>
    </section>
  );
}
