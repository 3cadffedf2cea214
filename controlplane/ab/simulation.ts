import { Clock, ProxyWasmHost, type HostOptions, type PropertyMap } from "@meshwright/host";
import {
  InputError,
  refusalOf,
  requestHeaders,
  timeOf,
  withPort,
  type Header,
  type Subject,
} from "../explain/index.ts";
import { objectsOf } from "../explain/index.ts";
import type { JsonObject } from "../model/index.ts";
import { assignmentOf, type Reason } from "./assignments.ts";
import { experimentsOf, type Experiment, type KeySource } from "./experiments.ts";
import { propertiesOf, type AbRequest } from "./explain.ts";

/** What keys got in one experiment. */
export interface Drawn {
  readonly experiment: Experiment;
  /** Names of variants; the first stands for none. */
  readonly variants: readonly (string | null)[];
  /** Of each key, its variant as an index of `variants`. */
  readonly variant: Uint16Array;
  /** Of each key, whether the split dealt it out. */
  readonly isSplit: Uint8Array;
  readonly reasons: ReadonlyMap<Reason, number>;
}

export interface DrawOptions {
  /** How many keys. */
  readonly keys: number;
  /** Where a request has its key: the same key everywhere. */
  readonly sources: readonly KeySource[];
  /** What else the requests have. */
  readonly request: AbRequest;
}

/**
 * Sends a request for each key through the filter's compiled module. The keys are `user-0`, `user-1` and so on, so that two
 * configurations are asked about the same users.
 * @throws InputError if the filter refuses the configuration, or the request cannot be made.
 */
export async function drawKeys({ configuration, module }: Subject, options: DrawOptions): Promise<Drawn[]> {
  const hostOptions: HostOptions = {
    clock: new Clock(timeOf(options.request.at).getTime()),
    random: 1,
    logLevel: "debug",
    canary: false,
  };
  await checkConfiguration({ configuration, module });
  const { host, plugin } = await start(module, hostOptions, bare(configuration));
  try {
    const drawn = experimentsOf(configuration).map((experiment) => new Draw(experiment, options.keys));
    const byName = new Map(drawn.map((draw) => [draw.experiment.name, draw]));
    const requests = new Requests(options);
    for (let i = 0; i < options.keys; i++) {
      host.log.lines.length = 0;
      const { source, properties, headers } = requests.of(i);
      const stream = plugin.newHttpStream({ source, properties });
      stream.requestHeaders(headers, { endOfStream: true });
      stream.close();
      if (plugin.trap !== undefined) throw new Error(`the filter trapped: ${plugin.trap}`);
      for (const { message } of host.log.lines) {
        const told = assignmentOf(message);
        if (told !== undefined) byName.get(told.experiment)?.note(i, told.variant, told.reason);
      }
    }
    for (const draw of drawn) draw.finish(options.keys);
    return drawn;
  } finally {
    host.close();
  }
}

/** @throws InputError if the filter refuses the configuration. */
export async function checkConfiguration({ configuration, module }: Subject): Promise<void> {
  const { host } = await start(module, { canary: false }, configuration);
  host.close();
}

class Draw implements Drawn {
  readonly variants: (string | null)[] = [null];
  readonly variant: Uint16Array;
  readonly isSplit: Uint8Array;
  readonly reasons = new Map<Reason, number>();
  readonly experiment: Experiment;

  constructor(experiment: Experiment, keys: number) {
    this.experiment = experiment;
    this.variant = new Uint16Array(keys);
    this.isSplit = new Uint8Array(keys);
  }

  note(key: number, variant: string | null, reason: Reason): void {
    let index = this.variants.indexOf(variant);
    if (index < 0) index = this.variants.push(variant) - 1;
    this.variant[key] = index;
    this.isSplit[key] = reason === "split" ? 1 : 0;
    this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
  }

  /** Requests that the filter did not look at the experiment for are for another path. */
  finish(keys: number): void {
    const told = [...this.reasons.values()].reduce((sum, count) => sum + count, 0);
    if (told < keys) this.reasons.set("notTargeted", (this.reasons.get("notTargeted") ?? 0) + keys - told);
  }
}

/** Makes the request of each key. */
class Requests {
  readonly #options: DrawOptions;
  readonly #source: string;

  constructor(options: DrawOptions) {
    this.#options = options;
    this.#source = withPort(options.request.source ?? "127.0.0.1");
  }

  of(index: number): { source: string; properties: PropertyMap; headers: Header[] } {
    const { sources, request } = this.#options;
    const key = `user-${index}`;
    const headers: Header[] = [];
    const properties: Record<string, string> = { ...request.properties };
    let source = this.#source;
    for (const place of sources) {
      if (place.kind === "header") headers.push([place.name, key]);
      else if (place.kind === "cookie") headers.push(["cookie", `${place.name}=${key}`]);
      else if (place.kind === "property") properties[place.path.join("/")] = key;
      else source = `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}:50000`;
    }
    return {
      source,
      properties: propertiesOf({ ...request, properties }),
      headers: [...requestHeaders(request, headers)],
    };
  }
}

/** The configuration without what says nothing of who gets what. */
function bare(configuration: JsonObject): JsonObject {
  const experiments = objectsOf(configuration["experiments"]).map((experiment) =>
    Object.fromEntries(
      Object.entries(experiment).filter(
        ([field]) => !["effects", "measure", "responseHeader", "filterState"].includes(field),
      ),
    ),
  );
  return { ...configuration, experiments };
}

async function start(
  module: Uint8Array,
  options: HostOptions,
  configuration: JsonObject,
): Promise<{ host: ProxyWasmHost; plugin: ReturnType<ProxyWasmHost["startPlugin"]> }> {
  const host = await ProxyWasmHost.load(module, options);
  const plugin = host.startPlugin({ rootId: "ab-routing", configuration: JSON.stringify(configuration) });
  if (plugin.ok) return { host, plugin };
  host.close();
  throw new InputError(refusalOf(plugin));
}
