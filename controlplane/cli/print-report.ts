/**
 * Prints a report: as JSON, or as lines for people.
 *
 * @param lines makes the lines; not called for JSON.
 */
export function printReport(json: boolean, report: unknown, lines: () => readonly string[]): void {
  process.stdout.write(json ? `${JSON.stringify(report, undefined, 2)}\n` : `${lines().join("\n")}\n`);
}
