import type { Look } from "./colours.ts";

/** The cells of one Service, as they lie on its canvas. */
export interface Grid {
  readonly columns: number;
  readonly rows: number;
  /** From one cell to the next, in CSS pixels. */
  readonly step: number;
  readonly gap: number;
}

/** Cells get smaller as there are more of them in all. */
export function gridOf(cells: number, width: number, total: number): Grid {
  const [size, gap] = total <= 60 ? [26, 4] : total <= 400 ? [18, 3] : total <= 2_500 ? [12, 2] : [8, 2];
  const step = size + gap;
  const columns = Math.max(1, Math.floor((width + gap) / step));
  return { columns, rows: Math.max(1, Math.ceil(cells / columns)), step, gap };
}

export interface Cell {
  readonly look: Look;
  readonly isDim: boolean;
}

export function draw(canvas: HTMLCanvasElement, cells: readonly Cell[], grid: Grid, marked: number | undefined): void {
  const { columns, rows, step, gap } = grid;
  const ratio = window.devicePixelRatio;
  const [width, height] = [columns * step - gap, rows * step - gap];
  canvas.width = Math.round((width + 4) * ratio);
  canvas.height = Math.round((height + 4) * ratio);
  canvas.style.width = `${width + 4}px`;
  canvas.style.height = `${height + 4}px`;
  const context = canvas.getContext("2d");
  if (context === null) return;
  const style = getComputedStyle(canvas);
  const colours = new Map<string, string>();
  const colourOf = (name: string): string => {
    let colour = colours.get(name);
    if (colour === undefined) colours.set(name, (colour = style.getPropertyValue(name)));
    return colour;
  };
  context.setTransform(ratio, 0, 0, ratio, 2 * ratio, 2 * ratio);
  const size = step - gap;
  cells.forEach(({ look, isDim }, i) => {
    const [x, y] = [(i % columns) * step, Math.floor(i / columns) * step];
    context.globalAlpha = isDim ? 0.15 : 1;
    drawCell(context, look, x, y, size, colourOf);
  });
  context.globalAlpha = 1;
  if (marked === undefined || marked >= cells.length) return;
  const [x, y] = [(marked % columns) * step, Math.floor(marked / columns) * step];
  context.strokeStyle = colourOf("--ink");
  context.lineWidth = 2;
  context.beginPath();
  context.roundRect(x - 1, y - 1, size + 2, size + 2, 3);
  context.stroke();
}

function drawCell(
  context: CanvasRenderingContext2D,
  { colour, mark }: Look,
  x: number,
  y: number,
  size: number,
  colourOf: (name: string) => string,
): void {
  const radius = Math.max(1.5, size / 5);
  context.fillStyle = context.strokeStyle = colourOf(colour);
  if (mark === "hollow") {
    context.lineWidth = Math.max(1, size / 9);
    const inset = context.lineWidth / 2;
    context.beginPath();
    context.roundRect(x + inset, y + inset, size - 2 * inset, size - 2 * inset, radius);
    context.stroke();
    return;
  }
  context.beginPath();
  context.roundRect(x, y, size, size, radius);
  context.fill();
  context.fillStyle = context.strokeStyle = colourOf("--cell-mark");
  if (mark === "cross") {
    context.lineWidth = Math.max(1.3, size / 8);
    const [from, to] = [size * 0.28, size * 0.72];
    context.beginPath();
    context.moveTo(x + from, y + from);
    context.lineTo(x + to, y + to);
    context.moveTo(x + to, y + from);
    context.lineTo(x + from, y + to);
    context.stroke();
  } else if (mark === "dot") {
    context.beginPath();
    context.arc(x + size / 2, y + size / 2, size / 6, 0, 2 * Math.PI);
    context.fill();
  } else if (mark === "half") {
    context.fillRect(x + size * 0.25, y + size * 0.6, size * 0.5, Math.max(1, size * 0.14));
  }
}
