import type { Problem, Resource as UserResource } from "../model/index.ts";
import type { NodeSnapshot, SidecarPlace, Translation } from "../translate/index.ts";
import type { Resource } from "../xds/index.ts";

/** A translation that asks another one for each node. */
export class RoutedTranslation implements Translation {
  readonly sidecars: ReadonlyMap<string, SidecarPlace>;
  readonly #base: Translation;
  readonly #all: () => readonly Translation[];
  readonly #of: (nodeId: string) => Translation | undefined;

  /**
   * @param base what nodes have of which `of` says nothing.
   * @param all all that any node may have.
   */
  constructor(base: Translation, of: (nodeId: string) => Translation | undefined, all: () => readonly Translation[]) {
    this.#all = all;
    this.sidecars = base.sidecars;
    this.#base = base;
    this.#of = of;
  }

  extensionConfig(policy: string, nodeId: string): Resource | undefined {
    return (this.#of(nodeId) ?? this.#base).extensionConfig(policy, nodeId);
  }

  secretsOf(nodeId: string): ReadonlySet<string> {
    return (this.#of(nodeId) ?? this.#base).secretsOf(nodeId);
  }

  originsOf(resource: Resource): readonly UserResource[] {
    return (
      this.#all().flatMap((translation) => {
        const origins = translation.originsOf(resource);
        return origins.length === 0 ? [] : [origins];
      })[0] ?? []
    );
  }

  /** What is wrong was found when each was made. */
  check(): Problem[] {
    return [];
  }

  snapshotFor(node: Parameters<Translation["snapshotFor"]>[0]): NodeSnapshot {
    return (this.#of(node.id) ?? this.#base).snapshotFor(node);
  }
}
