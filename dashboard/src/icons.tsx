import type { JSX } from "preact";

const paths = {
  fleet: "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h6v6h-6z",
  rollouts: "M4 18h4v-4h4v-4h4V6h4M16 6h4v4",
  rejections: "M12 3 2.5 20h19zM12 10v4M12 17v.5",
  history: "M4 12a8 8 0 1 0 2.5-5.8M4 4v4h4M12 8v4l3 2",
  experiments: "M9 3v6l-5 9a2 2 0 0 0 2 3h12a2 2 0 0 0 2-3l-5-9V3M8 3h8M7 15h10",
  limits: "M4 18a8 8 0 1 1 16 0M12 18l4-6",
  close: "M6 6l12 12M18 6L6 18",
} as const;

export type IconName = keyof typeof paths;

/** Beside a text, which says the same. */
export function Icon({ name }: { readonly name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
