import type { Endpoint, FilterPolicy, Model, Service, Sidecar } from "../model/index.ts";
import type { Resource } from "../xds/index.ts";
import type { Encoded } from "./encoded.ts";
import { referenceKey } from "./filters.ts";
import { inboundListener, outboundListener } from "./listeners.ts";
import { prometheusListener } from "./prometheus.ts";
import { telemetryOf, type ServiceTelemetry } from "./service-telemetry.ts";
import type { Sets } from "./sets.ts";
import type { TranslationSettings } from "./settings.ts";
import { managerTelemetry, type ManagerTelemetry } from "./telemetry.ts";

/** The listeners of sidecars, with the filters that are in them and what they tell. */
export class SidecarListeners {
  readonly #model: Model;
  readonly #settings: TranslationSettings;
  readonly #encoded: Encoded;
  readonly #sets: Sets;
  /** By Service, in the order in which requests pass them. */
  readonly #policies: ReadonlyMap<string, readonly FilterPolicy[]>;
  readonly #telemetries = new Map<string, ServiceTelemetry>();

  constructor(model: Model, settings: TranslationSettings, encoded: Encoded, sets: Sets) {
    this.#model = model;
    this.#settings = settings;
    this.#encoded = encoded;
    this.#sets = sets;
    this.#policies = policiesByService(model);
  }

  /** The policies whose filters are in the listeners of a sidecar, and the Services to which it sends what it tells. */
  of(
    service: Service,
    { outboundPort }: Sidecar,
  ): { readonly policies: readonly FilterPolicy[]; readonly collectors: ReadonlySet<string> } {
    const inbound = this.#policiesOf(service, "Inbound");
    const outbound = outboundPort === undefined ? [] : this.#policiesOf(service, "Outbound");
    return { policies: [...inbound, ...outbound], collectors: this.#telemetryOf(service).collectors };
  }

  make(service: Service, endpoint: Endpoint, sidecar: Sidecar): Resource[] {
    const { outboundPort } = sidecar;
    const listeners = [
      this.#listener("Inbound", service, sidecar, (policies, told) =>
        inboundListener(service, endpoint, sidecar, policies, this.#settings, told),
      ),
    ];
    if (outboundPort !== undefined) {
      const make: MakeListener = (policies, told) => outboundListener(sidecar, outboundPort, policies, told);
      listeners.push(this.#listener("Outbound", service, sidecar, make));
    }
    const { spec, origins, key } = this.#telemetryOf(service);
    const { prometheus } = spec;
    if (prometheus !== undefined) {
      const make = (): Resource => prometheusListener(prometheus, endpoint, sidecar);
      const made = this.#encoded.get(service, `Prometheus listener of ${sidecar.node}: ${key}`, make);
      listeners.push(this.#sets.from([service, ...origins], made));
    }
    return listeners;
  }

  #listener(direction: Direction, service: Service, { node }: Sidecar, make: MakeListener): Resource {
    const policies = this.#policiesOf(service, direction);
    const { spec, origins, key } = this.#telemetryOf(service);
    const what = `${direction} listener of ${node}: ${policies.map(referenceKey).join(" ")} ${key}`;
    const made = this.#encoded.get(service, what, () =>
      make(policies, managerTelemetry(spec, direction, service.metadata.name, this.#model)),
    );
    return this.#sets.from([service, ...policies, ...origins], made);
  }

  #policiesOf({ metadata }: Service, direction: Direction): readonly FilterPolicy[] {
    return (this.#policies.get(metadata.name) ?? []).filter(({ spec }) => spec.direction === direction);
  }

  #telemetryOf({ metadata: { name } }: Service): ServiceTelemetry {
    let telemetry = this.#telemetries.get(name);
    if (telemetry === undefined) this.#telemetries.set(name, (telemetry = telemetryOf(this.#model, name)));
    return telemetry;
  }
}

type Direction = FilterPolicy["spec"]["direction"];
type MakeListener = (policies: readonly FilterPolicy[], told: ManagerTelemetry) => Resource;

function policiesByService({ filterPolicies }: Model): ReadonlyMap<string, readonly FilterPolicy[]> {
  const found = new Map<string, FilterPolicy[]>();
  for (const policy of [...filterPolicies.values()].sort((a, b) => a.spec.order - b.spec.order || byName(a, b))) {
    for (const name of new Set(policy.spec.targetRefs.map((target) => target.name))) {
      const list = found.get(name);
      if (list === undefined) found.set(name, [policy]);
      else list.push(policy);
    }
  }
  return found;
}

function byName(a: FilterPolicy, b: FilterPolicy): number {
  return a.metadata.name < b.metadata.name ? -1 : 1;
}
