import type { ComponentChildren, JSX } from "preact";

interface Column {
  readonly title: string;
  /** A column of numbers, which stand one below the other. */
  readonly isNumber?: boolean;
}

/** A table that scrolls by itself where it is wider than the page, also by the keyboard. Its children are its rows. */
export function Table({
  label,
  caption,
  columns,
  children,
}: {
  /** What is read out for it. */
  readonly label: string;
  /** What is seen above it; {@link label} when left out. */
  readonly caption?: JSX.Element;
  readonly columns: readonly (Column | string)[];
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={label}>
      <table>
        {caption ?? <caption>{label}</caption>}
        <thead>
          <tr>{columns.map((column, i) => heading(typeof column === "string" ? { title: column } : column, i))}</tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

/** A column of numbers. */
export function number(title: string): Column {
  return { title, isNumber: true };
}

function heading({ title, isNumber = false }: Column, key: number): JSX.Element {
  return (
    <th key={key} scope="col" {...(isNumber ? { class: "n" } : {})}>
      {title}
    </th>
  );
}
