// Which workloads have which policies. A configuration of the filter is for workloads that have the same ones.

export type Labels = Readonly<Record<string, string>>;

/** Where a resource applies: in a namespace, to workloads with all of the labels. */
export interface Scope {
  readonly namespace: string;
  readonly labels: Labels;
}

/** More would be more sets of workloads than anybody deploys by hand. */
const maxTargets = 256;

/**
 * The sets of workloads that differ in what applies to them: for each namespace, each union of selectors that can hold together.
 * What is in the root namespace applies in all of them. Undefined where there are too many.
 */
export function targets(scopes: readonly Scope[], rootNamespace: string): Scope[] | undefined {
  const namespaces = new Set(scopes.map(({ namespace }) => namespace));
  const result: Scope[] = [];
  for (const namespace of [...namespaces].sort()) {
    const unions = new Map<string, Labels>([["{}", {}]]);
    for (const scope of scopes) {
      if (scope.namespace !== namespace && scope.namespace !== rootNamespace) continue;
      for (const labels of [...unions.values()]) {
        const both = union(labels, scope.labels);
        if (both !== undefined) unions.set(JSON.stringify(both), both);
        if (unions.size > maxTargets) return undefined;
      }
    }
    result.push(...[...unions.values()].map((labels) => ({ namespace, labels })));
  }
  return result;
}

/** Whether a resource applies to every workload of a target. */
export function applies(scope: Scope, target: Scope, rootNamespace: string): boolean {
  const isNear = scope.namespace === target.namespace || scope.namespace === rootNamespace;
  return isNear && Object.entries(scope.labels).every(([name, value]) => target.labels[name] === value);
}

/** All of both labels, sorted; undefined where one workload cannot have both. */
function union(a: Labels, b: Labels): Labels | undefined {
  if (Object.entries(b).some(([name, value]) => Object.hasOwn(a, name) && a[name] !== value)) return undefined;
  return Object.fromEntries(Object.entries({ ...a, ...b }).sort(([x], [y]) => (x < y ? -1 : 1)));
}

/** A name for files: `default`, `default.app-web`. */
export function targetName({ namespace, labels }: Scope): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}-${value}`);
  return [namespace, ...parts].join(".").replace(/[^A-Za-z0-9._-]+/g, "_");
}
