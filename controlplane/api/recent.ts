/** What counts as lately in reports: six reports of a sidecar that reports as often as usual, in milliseconds. */
export const RECENT_MS = 30_000;
