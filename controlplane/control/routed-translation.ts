import type { Problem } from "../model/index.ts";
import type { NodeSnapshot, SidecarPlace, Translation } from "../translate/index.ts";
import type { Resource } from "../xds/index.ts";

/** A translation that asks another one for each node. */
export class RoutedTranslation implements Translation {
  readonly sidecars: ReadonlyMap<string, SidecarPlace>;
  readonly #base: Translation;
  readonly #of: (nodeId: string) => Translation | undefined;

  /** @param base what nodes have of which `of` says nothing. */
  constructor(base: Translation, of: (nodeId: string) => Translation | undefined) {
    this.sidecars = base.sidecars;
    this.#base = base;
    this.#of = of;
  }

  extensionConfig(policy: string, nodeId: string): Resource | undefined {
    return (this.#of(nodeId) ?? this.#base).extensionConfig(policy, nodeId);
  }

  /** What is wrong was found when each was made. */
  check(): Problem[] {
    return [];
  }

  snapshotFor(node: Parameters<Translation["snapshotFor"]>[0]): NodeSnapshot {
    return (this.#of(node.id) ?? this.#base).snapshotFor(node);
  }
}
