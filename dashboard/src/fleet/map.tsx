import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { announce } from "../announce.tsx";
import { several } from "../format.ts";
import type { Look } from "./colours.ts";
import { draw, gridOf, type Cell, type Grid } from "./draw.ts";
import type { Fleet } from "./fleet.ts";

export interface MapProps {
  readonly fleet: Fleet;
  /** Of each standing. */
  readonly looks: readonly Look[];
  /** Whether a sidecar is one of those that are looked for. */
  readonly isSought: (place: number) => boolean;
  readonly onOpen: (node: string) => void;
}

/** The sidecars of each Service, a cell each. */
export function FleetMap(props: MapProps): JSX.Element {
  const { fleet } = props;
  const groups = useMemo(() => groupsOf(fleet), [fleet.nodes, fleet.standings, fleet.of]);
  const redrawn = useRedrawn();
  return (
    <div class="map">
      {groups.map((group) => (
        <Group key={group.service} {...props} {...group} redrawn={redrawn} />
      ))}
    </div>
  );
}

interface GroupRange {
  readonly service: string;
  /** Places in the list of sidecars. */
  readonly from: number;
  readonly to: number;
}

function groupsOf({ of, standings }: Fleet): GroupRange[] {
  const groups: { service: string; from: number; to: number }[] = [];
  of.forEach((standing, place) => {
    const service = standings[standing]?.service ?? "";
    const last = groups.at(-1);
    if (last?.service === service) last.to = place + 1;
    else groups.push({ service, from: place, to: place + 1 });
  });
  return groups;
}

function Group({
  fleet,
  looks,
  isSought,
  onOpen,
  service,
  from,
  to,
  redrawn,
}: MapProps & GroupRange & { readonly redrawn: number }): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const grid = useRef<Grid | undefined>(undefined);
  const [width, setWidth] = useState(0);
  const [isSeen, setSeen] = useState(false);
  const [marked, setMarked] = useState<number>();
  const total = fleet.of.length;

  useEffect(() => {
    const place = canvas.current?.parentElement;
    if (place == null) return;
    const size = new ResizeObserver(() => setWidth(place.clientWidth));
    const sight = new IntersectionObserver(([entry]) => setSeen(entry?.isIntersecting ?? true), {
      rootMargin: "200px",
    });
    size.observe(place);
    sight.observe(place);
    return () => {
      size.disconnect();
      sight.disconnect();
    };
  }, []);

  useEffect(() => {
    if (canvas.current === null || width === 0) return;
    grid.current = gridOf(to - from, width - 4, total);
    const { rows, step } = grid.current;
    canvas.current.style.height = `${rows * step}px`;
    if (!isSeen) return;
    const cells: Cell[] = [];
    for (let place = from; place < to; place++) {
      const look = looks[fleet.of[place] ?? -1];
      if (look !== undefined) cells.push({ look, isDim: !isSought(place) });
    }
    draw(canvas.current, cells, grid.current, marked);
  }, [fleet, looks, isSought, width, isSeen, marked, from, to, total, redrawn]);

  const placeAt = (event: MouseEvent): number | undefined => {
    if (grid.current === undefined) return undefined;
    const { step, columns } = grid.current;
    const [column, row] = [Math.floor((event.offsetX - 2) / step), Math.floor((event.offsetY - 2) / step)];
    const index = row * columns + column;
    return column < 0 || column >= columns || row < 0 || index >= to - from ? undefined : index;
  };
  const mark = (index: number): void => {
    setMarked(index);
    announce(describe(fleet, looks, from + index));
  };
  const open = (index: number | undefined): void => {
    const node = index === undefined ? undefined : fleet.nodes[from + index];
    if (node !== undefined) onOpen(node);
  };
  const key = (event: KeyboardEvent): void => {
    const columns = grid.current?.columns ?? 1;
    const last = to - from - 1;
    const now = marked ?? 0;
    const moves: Readonly<Record<string, number>> = {
      ArrowRight: now + 1,
      ArrowLeft: now - 1,
      ArrowDown: now + columns,
      ArrowUp: now - columns,
      Home: 0,
      End: last,
    };
    const next = moves[event.key];
    if (event.key === "Enter" || event.key === " ") open(now);
    else if (next === undefined) return;
    else if (next >= 0 && next <= last) mark(next);
    event.preventDefault();
  };
  const summary = summaryOf(fleet, looks, from, to);
  return (
    <section class="group">
      <h3>
        <span class="name">{service === "" ? "no Service" : service}</span>{" "}
        <span class="size">{several(to - from, "sidecar")}</span>
      </h3>
      <div class="cells">
        <canvas
          ref={canvas}
          tabIndex={0}
          role="img"
          aria-label={`${service}: ${summary}. The arrow keys go from sidecar to sidecar, Enter opens one.`}
          title={marked === undefined ? "" : describe(fleet, looks, from + marked)}
          onFocus={() => setMarked((old) => old ?? 0)}
          onBlur={() => setMarked(undefined)}
          onKeyDown={key}
          onMouseMove={(event) => setMarked(placeAt(event))}
          onMouseLeave={() => setMarked(undefined)}
          onClick={(event) => open(placeAt(event))}
        />
      </div>
    </section>
  );
}

function describe({ nodes, of, standings }: Fleet, looks: readonly Look[], place: number): string {
  const standing = of[place] ?? -1;
  const { state, envoy } = standings[standing] ?? {};
  const [label, text] = [looks[standing]?.label ?? "", state ?? ""];
  return [nodes[place] ?? "", text, label === text ? "" : label, envoy === undefined ? "" : `Envoy ${envoy}`]
    .filter((part) => part !== "")
    .join(", ");
}

function summaryOf({ of }: Fleet, looks: readonly Look[], from: number, to: number): string {
  const counts = new Map<string, number>();
  for (let place = from; place < to; place++) {
    const label = looks[of[place] ?? -1]?.label ?? "";
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  return [...counts].map(([label, number]) => `${number} ${label}`).join(", ");
}

/** Changes when colours do: with the scheme of the system, and with the screen. */
function useRedrawn(): number {
  const [count, setCount] = useState(0);
  useEffect(() => {
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const again = (): void => setCount((old) => old + 1);
    scheme.addEventListener("change", again);
    return () => scheme.removeEventListener("change", again);
  }, []);
  return count;
}
