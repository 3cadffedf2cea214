import { originOf, type ParsedResources, type Problem, type Resource } from "../model/index.ts";
import { Bonds, isProtector, kindOf, serviceKey, type AnyVersion, type Key } from "./bonds.ts";
import type { Candidate, Held, HeldResource, LastGoodResources } from "./isolate.ts";

export function keyOf({ kind, metadata }: Pick<Resource, "kind" | "metadata">): Key {
  return `${kind} ${metadata.name}`;
}

/** Which resources are served as they were written, which as they were before, and which are not. Nothing goes back to what was written. */
export class Isolating {
  readonly #parsed: ParsedResources;
  readonly #last: LastGoodResources;
  readonly #written = new Map<Key, Resource[]>();
  readonly #before: ReadonlyMap<Key, Resource>;
  /** What is faulty even if it is written as before: documents that are no resources, and what has faulty files. */
  readonly #spoiled = new Set<Key>();
  readonly #all: ReadonlySet<Key>;
  readonly #bonds: Bonds;
  readonly #held = new Map<Key, { readonly root: Key; readonly fault: Problem | undefined }>();

  constructor(parsed: ParsedResources, last: LastGoodResources) {
    this.#parsed = parsed;
    this.#last = last;
    for (const resource of parsed.resources) {
      const key = keyOf(resource);
      const others = this.#written.get(key);
      if (others === undefined) this.#written.set(key, [resource]);
      else others.push(resource);
    }
    this.#before = new Map(last.resources.map((resource) => [keyOf(resource), resource]));
    const versions: AnyVersion[] = [...parsed.resources, ...last.resources].map((resource) => ({
      key: keyOf(resource),
      spec: resource.spec,
    }));
    for (const { kind, name, spec } of parsed.faulty) {
      if (kind === undefined || name === undefined) continue;
      this.#spoiled.add(`${kind} ${name}`);
      versions.push({ key: `${kind} ${name}`, spec });
    }
    this.#all = new Set(versions.map(({ key }) => key));
    this.#bonds = new Bonds(versions, new Set(this.#before.keys()));
  }

  /** Holds what the documents that are no resources were meant to be. False where one of them does not say. */
  holdUnreadable(): boolean {
    return this.#parsed.faulty.every(({ kind, name, origin }) => {
      if (kind === undefined || name === undefined) return false;
      const fault = this.#parsed.problems.find((problem) => originOf(problem) === origin);
      this.#hold(`${kind} ${name}`, fault);
      return true;
    });
  }

  /** Holds what problems are about, and so comes closer to what was served before. False when it is that already. */
  holdFor(problems: readonly Problem[]): boolean {
    const owners = new Map(this.candidate.resources.map((resource) => [resource.origin, resource]));
    const modules = this.#parsed.resources.filter((one) => one.kind === "WasmModule");
    const ownersOf = (problem: Problem): Resource[] => {
      const origin = originOf(problem);
      const owner = origin && owners.get(origin);
      // A fault in a JSON Schema is one of the WasmModules that name it.
      return owner === undefined ? modules.filter((one) => one.schemaPath === problem.file) : [owner];
    };
    const found = problems.flatMap((problem) => ownersOf(problem).map((owner) => ({ problem, owner })));
    const holdAll = (pick: (owner: Resource) => Iterable<Key>): boolean =>
      found.flatMap(({ owner, problem }) => [...pick(owner)].filter((key) => this.#hold(key, problem))).length > 0;
    for (const { owner } of found)
      if (owner.kind === "WasmModule" || owner.kind === "Certificate") this.#spoiled.add(keyOf(owner));
    return (
      holdAll((owner) => [keyOf(owner)]) ||
      // What was good before lacks something that it names, such as a Service that is no more, or is at odds with a rival.
      holdAll((owner) => this.#namedBy(owner)) ||
      holdAll(({ kind }) => [...this.#all].filter((key) => kindOf(key) === kind)) ||
      [...this.#all].filter((key) => this.#hold(key, problems[0])).length > 0
    );
  }

  get candidate(): Candidate {
    const kept = new Set([...this.#held.keys()].filter((key) => this.#before.has(key)));
    const resources = [...this.#all].flatMap((key) => {
      if (!this.#held.has(key)) return this.#written.get(key) ?? [];
      return [this.#before.get(key) ?? []].flat().map(withoutFiles);
    });
    return { resources: resources.flatMap((resource) => this.#withoutLeftOut(resource)), kept };
  }

  get held(): Held {
    const all = [...this.#held].sort(([a], [b]) => (a < b ? -1 : 1));
    const shown = (isKept: boolean): HeldResource[] =>
      all
        .filter(([key]) => this.#before.has(key) === isKept)
        .map(([resource, { root, fault }]) => ({ resource, fault, ...(root === resource ? {} : { with: root }) }));
    return { kept: shown(true), leftOut: shown(false) };
  }

  /**
   * Whether every Service has all that was written to protect it, or is with all of that as it was. It follows from the bonds; looked
   * at once more since a fault here would open a Service.
   */
  get isProtected(): boolean {
    const protectors = [...this.#all].filter((key) => isProtector(kindOf(key)));
    const isWritten = (key: Key): boolean => !this.#held.has(key) || !this.#isChanged(key);
    const isBefore = (key: Key): boolean => (this.#held.has(key) && this.#before.has(key)) || !this.#isChanged(key);
    return [...this.#all].every((key) => {
      if (kindOf(key) !== "Service" || (this.#held.has(key) && !this.#before.has(key))) return true;
      const name = key.slice("Service ".length);
      const own = protectors.filter((protector) => this.#bonds.servicesOf(protector).has(name));
      if (isWritten(key) && own.every(isWritten)) return true;
      return isBefore(key) && own.every((one) => isBefore(one) || !this.#before.has(one));
    });
  }

  /** What has gone wrong with `key`, or with `root`, keeps it from changing. False where it does not change. */
  #hold(key: Key, fault: Problem | undefined, root = key): boolean {
    if (!this.#all.has(key) || this.#held.has(key) || !this.#isChanged(key)) return false;
    this.#held.set(key, { root, fault });
    for (const other of this.#bonds.of(key)) this.#hold(other, fault, root);
    return true;
  }

  #isChanged(key: Key): boolean {
    const [now, another] = this.#written.get(key) ?? [];
    const before = this.#before.get(key);
    if (now === undefined || another !== undefined || before === undefined || this.#spoiled.has(key)) return true;
    if (now.kind === "WasmModule" && !this.#last.isSameModule(now.metadata.name)) return true;
    return now !== before && contentOf(now) !== contentOf(before);
  }

  #namedBy({ spec }: Resource): Key[] {
    const texts = new Set<string>();
    JSON.stringify(spec, (_, value: unknown) => {
      if (typeof value === "string") texts.add(value);
      return value;
    });
    return [...this.#all].filter((key) => texts.has(key.slice(key.indexOf(" ") + 1)));
  }

  /** Nothing can be said of a Service that is not there. */
  #withoutLeftOut(resource: Resource): Resource[] {
    if (resource.kind !== "FilterPolicy" && resource.kind !== "EnvoyPatch" && resource.kind !== "Telemetry")
      return [resource];
    const { targetRefs } = resource.spec;
    const isLeftOut = ({ name }: { readonly name: string }): boolean =>
      this.#held.has(serviceKey(name)) && !this.#before.has(serviceKey(name));
    if (targetRefs?.some(isLeftOut) !== true) return [resource];
    const left = targetRefs.filter((target) => !isLeftOut(target));
    return left.length === 0 ? [] : [{ ...resource, spec: { ...resource.spec, targetRefs: left } } as Resource];
  }
}

/** A module that stays as it was has its bytes, and what its FilterPolicies say was checked; a Certificate has what its files held. */
function withoutFiles(resource: Resource): Resource {
  if (resource.kind === "Certificate") {
    const { kind, metadata, spec, origin } = resource;
    return { kind, metadata, spec, origin };
  }
  if (resource.kind !== "WasmModule") return resource;
  const { kind, metadata, spec, origin } = resource;
  return { kind, metadata, spec, origin };
}

function contentOf({ metadata, spec }: Resource): string {
  return JSON.stringify([metadata, spec]);
}
