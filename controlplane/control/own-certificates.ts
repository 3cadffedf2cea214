import type { CertificateTime, Materials } from "../certificates/index.ts";
import type { Problem } from "../model/index.ts";
import { certificateSecrets, type Translation } from "../translate/index.ts";
import { createResourceSet, TypeUrl, type Resource, type Snapshot } from "../xds/index.ts";
import { withSecrets } from "./with-secrets.ts";

/** Adds to what a sidecar is served the secrets of the Certificates that it needs, and of no others. */
export class OwnCertificates {
  #materials: Materials = new Map();
  #secrets: ReadonlyMap<string, Resource> = new Map();
  #needed = new WeakMap<Translation, Map<string, readonly Resource[]>>();
  #snapshots = new WeakMap<Snapshot, Map<string, Snapshot>>();

  get materials(): Materials {
    return this.#materials;
  }

  /** From when until when they are good. */
  times(): CertificateTime[] {
    return Array.from(this.#materials, ([name, { beginsAt, endsAt }]) => ({
      ...({ use: "certificate", name: `Certificate/${name}`, beginsAt, endsAt } as const),
    }));
  }

  /** From now on these are served, if what they belong to is taken over: `adopt` gives why it is not, or undefined while it waits. */
  async take(
    materials: Materials,
    adopt: () => Promise<readonly Problem[] | undefined>,
  ): Promise<readonly Problem[] | undefined> {
    const before = this.#materials;
    this.#use(materials);
    let isAdopted = false;
    try {
      const problems = await adopt();
      isAdopted = problems?.length === 0;
      return problems;
    } finally {
      if (!isAdopted) this.#use(before);
    }
  }

  addTo(snapshot: Snapshot, node: string, translation: Translation): Snapshot {
    if (this.#secrets.size === 0) return snapshot;
    const secrets = this.#neededBy(node, translation);
    if (secrets.length === 0) return snapshot;
    let ofNodes = this.#snapshots.get(snapshot);
    if (ofNodes === undefined) this.#snapshots.set(snapshot, (ofNodes = new Map<string, Snapshot>()));
    const key = secrets.map(({ name }) => name).join(" ");
    let made = ofNodes.get(key);
    if (made === undefined)
      ofNodes.set(
        key,
        (made = withSecrets(snapshot, (present) => createResourceSet(TypeUrl.secret, [...present, ...secrets]))),
      );
    return made;
  }

  #use(materials: Materials): void {
    this.#materials = materials;
    this.#secrets = certificateSecrets(materials);
    this.#needed = new WeakMap();
    this.#snapshots = new WeakMap();
  }

  #neededBy(node: string, translation: Translation): readonly Resource[] {
    let nodes = this.#needed.get(translation);
    if (nodes === undefined) this.#needed.set(translation, (nodes = new Map<string, readonly Resource[]>()));
    let secrets = nodes.get(node);
    if (secrets === undefined)
      nodes.set(node, (secrets = [...translation.secretsOf(node)].flatMap((name) => this.#secrets.get(name) ?? [])));
    return secrets;
  }
}
