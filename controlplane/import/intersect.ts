import type { Lists, PathTest, PrincipalTest } from "./configuration.ts";
import { isWithin } from "./cidr.ts";

type Field = keyof Lists;

/** What holds if any of `a` and any of `b` does, as a list of one field; undefined where no list says it. */
export function intersect<F extends Field>(
  field: F,
  a: readonly Lists[F][],
  b: readonly Lists[F][],
): Lists[F][] | undefined;
export function intersect(
  field: Field,
  a: readonly Lists[Field][],
  b: readonly Lists[Field][],
): Lists[Field][] | undefined {
  switch (field) {
    case "methods":
    case "ports":
      return a.filter((value) => b.includes(value));
    case "principals":
      return [{ allOf: [anyOf(a as PrincipalTest[]), anyOf(b as PrincipalTest[])] }];
    case "sources":
    case "peers":
      return pairwise(a as string[], b as string[], (x, y) => (isWithin(x, y) ? [x] : isWithin(y, x) ? [y] : []));
    case "hosts":
      return pairwise(a as string[], b as string[], hosts);
    case "paths":
      return pairwise(a as PathTest[], b as PathTest[], paths);
  }
}

function anyOf(tests: readonly PrincipalTest[]): PrincipalTest {
  const [first] = tests;
  return tests.length === 1 && first !== undefined ? first : { anyOf: tests };
}

function pairwise<T>(a: readonly T[], b: readonly T[], both: (x: T, y: T) => T[] | undefined): T[] | undefined {
  const result: T[] = [];
  for (const x of a) {
    for (const y of b) {
      const values = both(x, y);
      if (values === undefined) return undefined;
      result.push(...values);
    }
  }
  return result;
}

function hosts(x: string, y: string): string[] {
  const covers = (wide: string, narrow: string): boolean =>
    wide === narrow || (wide.startsWith("*.") && narrow.length > wide.length - 1 && narrow.endsWith(wide.slice(1)));
  const [a, b] = [x.toLowerCase(), y.toLowerCase()];
  return covers(a, b) ? [b] : covers(b, a) ? [a] : [];
}

/** Only where comparing the texts is enough: escapes have a second spelling. */
function paths(x: PathTest, y: PathTest): PathTest[] | undefined {
  const texts = [...Object.values(x), ...Object.values(y)] as string[];
  if (texts.some((text) => text.includes("%") || text.includes("//"))) return undefined;
  if ("exact" in x) return exactly(x.exact, y);
  if ("exact" in y) return exactly(y.exact, x);
  if ("startsWith" in x && "startsWith" in y) {
    return x.startsWith.startsWith(y.startsWith) ? [x] : y.startsWith.startsWith(x.startsWith) ? [y] : [];
  }
  if ("suffix" in x && "suffix" in y) return x.suffix.endsWith(y.suffix) ? [x] : y.suffix.endsWith(x.suffix) ? [y] : [];
  if ("prefix" in x && "prefix" in y) return below(x.prefix, y.prefix) ? [x] : below(y.prefix, x.prefix) ? [y] : [];
  return undefined;
}

function exactly(path: string, test: PathTest): PathTest[] | undefined {
  if ("exact" in test) return path === test.exact ? [test] : [];
  if ("startsWith" in test) return path.startsWith(test.startsWith) ? [{ exact: path }] : [];
  if ("suffix" in test) return path.endsWith(test.suffix) ? [{ exact: path }] : [];
  if ("prefix" in test) return below(path, test.prefix) ? [{ exact: path }] : [];
  return undefined;
}

/** Whether a path is another one or stands below it. */
function below(path: string, prefix: string): boolean {
  const folder = prefix.endsWith("/") ? prefix : `${prefix}/`;
  return path === prefix || path.startsWith(folder);
}
