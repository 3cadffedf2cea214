import type { JSX } from "preact";

/** A diff as `diff -u` shows it, line by line. */
export function Diff({ text }: { readonly text: string }): JSX.Element {
  const lines = text.replace(/\n$/, "").split("\n");
  const body = lines.filter((line) => !/^(={5,}|--- |\+\+\+ |Index: |\\ No newline)/.test(line));
  return (
    <pre class="diff" tabIndex={0} aria-label="Difference">
      {body.map((line, i) => {
        const kind = kinds[line[0] ?? ""];
        return (
          <span key={i} class={kind?.[0] ?? ""}>
            {kind?.[1] === undefined ? null : <span class="unseen">{kind[1]}</span>}
            {`${line}\n`}
          </span>
        );
      })}
    </pre>
  );
}

const kinds: Readonly<Record<string, readonly [name: string, spoken?: string] | undefined>> = {
  "+": ["added", "added: "],
  "-": ["removed", "removed: "],
  "@": ["place"],
};
