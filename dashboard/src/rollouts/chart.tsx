import type { JSX } from "preact";
import { percent, timeOfDay } from "../format.ts";

export interface Series {
  readonly label: string;
  /** A class of app.css, which has its colour and its dashes. */
  readonly name: "new" | "old";
  /** At each time; undefined where nothing was measured. */
  readonly values: readonly (number | undefined)[];
}

const [WIDTH, HEIGHT] = [640, 200];
const AREA = { left: 52, right: 12, top: 12, bottom: 26 };

/** Shares over time. The table under it has the figures. */
export function Chart({
  title,
  times,
  series,
  marks,
}: {
  readonly title: string;
  readonly times: readonly number[];
  readonly series: readonly Series[];
  /** Moments with a name, such as the beginning of a wave. */
  readonly marks: readonly { readonly at: number; readonly label: string }[];
}): JSX.Element {
  const [from, to] = [times[0] ?? 0, times.at(-1) ?? 1];
  const highest = niceMax(Math.max(...series.flatMap(({ values }) => values.map((value) => value ?? 0))));
  const x = (at: number): number =>
    AREA.left + ((at - from) / Math.max(1, to - from)) * (WIDTH - AREA.left - AREA.right);
  const y = (value: number): number => HEIGHT - AREA.bottom - (value / highest) * (HEIGHT - AREA.top - AREA.bottom);
  const ticks = [0, 0.5, 1].map((part) => part * highest);
  const last = series.map(
    ({ label, values }) => `${label} ${percent(values.findLast((value) => value !== undefined) ?? 0)}`,
  );
  return (
    <svg
      class="chart"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={`${title} over time: ${last.join(", ")} at last`}
    >
      {ticks.map((value) => (
        <g key={value}>
          <line class="grid" x1={AREA.left} x2={WIDTH - AREA.right} y1={y(value)} y2={y(value)} />
          <text class="tick" x={AREA.left - 8} y={y(value) + 4} text-anchor="end">
            {percent(value)}
          </text>
        </g>
      ))}
      {[from, to].map((at, i) => (
        <text key={at} class="tick" x={x(at)} y={HEIGHT - 6} text-anchor={i === 0 ? "start" : "end"}>
          {timeOfDay(at)}
        </text>
      ))}
      {marks
        .filter(({ at }) => at >= from && at <= to)
        .map(({ at, label }) => (
          <g key={`${at} ${label}`}>
            <line class="mark" x1={x(at)} x2={x(at)} y1={AREA.top} y2={HEIGHT - AREA.bottom} />
            <text class="tick" x={x(at) + 4} y={AREA.top + 8}>
              {label}
            </text>
          </g>
        ))}
      {series.map(({ name, values }) => (
        <g key={name} class={name}>
          {pathsOf(values, times, x, y).map((d) => (
            <path key={d} d={d} />
          ))}
          {dotOf(values, times, x, y)}
        </g>
      ))}
    </svg>
  );
}

function pathsOf(
  values: Series["values"],
  times: readonly number[],
  x: (at: number) => number,
  y: (value: number) => number,
): string[] {
  const paths: string[] = [];
  let path = "";
  values.forEach((value, i) => {
    if (value === undefined) {
      if (path !== "") paths.push(path);
      path = "";
    } else path += `${path === "" ? "M" : "L"}${x(times[i] ?? 0).toFixed(1)} ${y(value).toFixed(1)}`;
  });
  return path === "" ? paths : [...paths, path];
}

function dotOf(
  values: Series["values"],
  times: readonly number[],
  x: (at: number) => number,
  y: (value: number) => number,
): JSX.Element | null {
  const i = values.findLastIndex((value) => value !== undefined);
  const value = values[i];
  return value === undefined ? null : <circle cx={x(times[i] ?? 0)} cy={y(value)} r="4" />;
}

/** The end of an axis: 1, 2 or 5 times a power of ten, or all of it. */
function niceMax(value: number): number {
  if (!(value > 0)) return 0.01;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 5, 10].find((one) => one * power >= value * 1.05) ?? 10;
  return Math.min(1, step * power);
}
