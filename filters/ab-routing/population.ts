// Parts of all keys: those that are held out of every experiment, and the slices of a layer that experiments share.

import { ConfigObject } from "proxy-wasm-assemblyscript-sdk";
import { plainName } from "../common/names";
import { PLACES } from "./allocation";
import { AnonymousId } from "./anonymous-id";
import { Bucketing, Xxh64 } from "./bucketing";
import { Subject } from "./subject";

/** Keys whose place is in a range. */
@final
export class Population {
  constructor(
    private subject: Subject,
    private bucketing: Bucketing,
    /** The first place, and the first behind. */
    readonly from: u32,
    readonly to: u32,
  ) {}

  /** Whether the current request is one of them. Without a key it is not. */
  has(anonymousId: AnonymousId | null): bool {
    const key = this.subject.key(anonymousId);
    if (key === null) return false;
    const place = this.bucketing.placeOf(key);
    return place >= this.from && place < this.to;
  }
}

/** Reads `holdout`: a share of all keys that stays out of experiments. */
export function readHoldout(object: ConfigObject, canIssue: bool): Population {
  const subject = new Subject(object, canIssue);
  const bucketing: Bucketing = new Xxh64(object.stringOr("salt", ""), ":holdout");
  return new Population(subject, bucketing, 0, <u32>object.integer("share", 1, PLACES));
}

/** Experiments of which a key gets into one at the most. */
@final
export class Layer {
  readonly name: string;
  private subject: Subject;
  private bucketing: Bucketing;
  private slices: Population[] = [];

  constructor(object: ConfigObject, canIssue: bool) {
    const name = plainName(object, "name");
    this.name = name;
    this.subject = new Subject(object, canIssue);
    // No experiment has a colon in its name, so none deals out alike.
    this.bucketing = new Xxh64(object.stringOr("salt", ""), `:layer:${name}`);
  }

  /** Reads the `from` and `to` of an experiment's `layer`; two experiments cannot have the same places. */
  slice(object: ConfigObject): Population {
    const from = <u32>object.integer("from", 0, PLACES);
    const to = <u32>object.integer("to", 0, PLACES);
    if (to <= from) object.error("to", "more than from");
    for (let i = 0; i < this.slices.length; ++i) {
      const other = this.slices[i];
      if (from < other.to && other.from < to) {
        object.error("from", `places that no experiment before has in layer "${this.name}"`);
      }
    }
    const slice = new Population(this.subject, this.bucketing, from, to);
    this.slices.push(slice);
    return slice;
  }
}

/** Reads `layers`. */
export function readLayers(root: ConfigObject, canIssue: bool): Layer[] {
  const layers: Layer[] = [];
  const objects = root.objects("layers");
  for (let i = 0; i < objects.length; ++i) {
    const layer = new Layer(objects[i], canIssue);
    if (layerOf(layers, layer.name) !== null) objects[i].error("name", "a name that no layer before has");
    layers.push(layer);
  }
  return layers;
}

/** Null for a name that none has. */
export function layerOf(layers: Layer[], name: string): Layer | null {
  for (let i = 0; i < layers.length; ++i) {
    if (layers[i].name == name) return layers[i];
  }
  return null;
}
