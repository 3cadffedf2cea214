import { furtherPorts, meansPort, meshOf, ownerOf, writtenService } from "../model/index.ts";
import type { HttpFilter } from "#gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import type { FilterPolicy, Mesh, ServedModel, Service, Sidecar } from "../model/index.ts";
import type { Resource } from "../xds/index.ts";
import { connectionLimits } from "./connection-limits.ts";
import type { Encoded } from "./encoded.ts";
import { filterReference, referenceKey, standIn } from "./filters.ts";
import { inboundListener, outboundListener, type ManagerOptions } from "./listeners.ts";
import type { TrustDomains } from "./mtls.ts";
import { prometheusListener } from "./prometheus.ts";
import { telemetryOf, type ServiceTelemetry } from "./service-telemetry.ts";
import type { Sets } from "./sets.ts";
import type { TranslationSettings } from "./settings.ts";
import { managerTelemetry } from "./telemetry.ts";
import type { SidecarPlace } from "./sidecar-places.ts";

/** The listeners of sidecars, with the filters that are in them and what they tell. */
export class SidecarListeners {
  readonly #model: ServedModel;
  readonly #mesh: Mesh | undefined;
  readonly #trustDomains: TrustDomains | undefined;
  readonly #settings: TranslationSettings;
  readonly #encoded: Encoded;
  readonly #sets: Sets;
  /** By Service, in the order in which requests pass them. */
  readonly #policies: ReadonlyMap<string, readonly FilterPolicy[]>;
  readonly #telemetries = new Map<string, ServiceTelemetry>();

  constructor(
    model: ServedModel,
    settings: TranslationSettings,
    trustDomains: TrustDomains | undefined,
    encoded: Encoded,
    sets: Sets,
  ) {
    this.#model = model;
    this.#mesh = meshOf(model);
    this.#trustDomains = trustDomains;
    this.#settings = settings;
    this.#encoded = encoded;
    this.#sets = sets;
    this.#policies = policiesByService(model);
  }

  /** The policies whose filters are in the listeners of a sidecar, and the Services to which it sends what it tells. */
  of({ service, sidecar, ports }: SidecarPlace): {
    readonly policies: readonly FilterPolicy[];
    readonly collectors: ReadonlySet<string>;
  } {
    const inbound = [service, ...ports.map((port) => port.service)].flatMap((one) => this.#policiesOf(one, "Inbound"));
    const outbound = sidecar.outboundPort === undefined ? [] : this.#policiesOf(service, "Outbound");
    return { policies: [...new Set([...inbound, ...outbound])], collectors: this.#telemetryOf(service).collectors };
  }

  /** @param runsFilters false where nothing but stand-ins can take the places of filters. */
  make(place: SidecarPlace, runsFilters: boolean): Resource[] {
    const { service, endpoint, sidecar } = place;
    const { outboundPort } = sidecar;
    const listeners = [place, ...place.ports].map((port) =>
      this.#listener("Inbound", port.service, port.sidecar, runsFilters, (filters, options) =>
        inboundListener(
          port.service,
          ...([port.endpoint, port.sidecar, filters, this.#settings, this.#trustDomains, options] as const),
        ),
      ),
    );
    if (outboundPort !== undefined) {
      const unknownHosts = this.#mesh?.spec.unknownHosts ?? "Refuse";
      const make: MakeListener = (filters, options) =>
        outboundListener(sidecar, outboundPort, filters, unknownHosts, options);
      listeners.push(this.#listener("Outbound", service, sidecar, runsFilters, make));
    }
    const { spec, origins, key } = this.#telemetryOf(service);
    const { prometheus } = spec;
    if (prometheus !== undefined) {
      const make = (): Resource => prometheusListener(prometheus, endpoint, sidecar);
      const made = this.#encoded.get(service, `Prometheus listener of ${sidecar.node}: ${key}`, make);
      listeners.push(this.#sets.from([writtenService(service), ...origins], made));
    }
    return listeners;
  }

  #listener(
    direction: Direction,
    service: Service,
    { node }: Sidecar,
    runsFilters: boolean,
    make: MakeListener,
  ): Resource {
    const policies = this.#policiesOf(service, direction);
    const { spec, origins, key } = this.#telemetryOf(service);
    const peers = this.#trustDomains?.hasAccounts === true ? " with accounts" : "";
    const what = `${direction} listener of ${node}: ${policies.map(referenceKey).join(" ")}${runsFilters ? "" : " stand-ins"}${peers} ${key}`;
    const made = this.#encoded.get(service, what, () =>
      make(policies.map(runsFilters ? filterReference : standIn), {
        ...managerTelemetry(spec, direction, ownerOf(service), this.#model),
        ...connectionLimits(this.#mesh?.spec.connections),
      }),
    );
    return this.#sets.from([writtenService(service), this.#mesh ?? [], ...policies, ...origins].flat(), made);
  }

  #policiesOf({ metadata }: Service, direction: Direction): readonly FilterPolicy[] {
    return (this.#policies.get(metadata.name) ?? []).filter(({ spec }) => spec.direction === direction);
  }

  #telemetryOf(service: Service): ServiceTelemetry {
    const name = ownerOf(service);
    let telemetry = this.#telemetries.get(name);
    if (telemetry === undefined) this.#telemetries.set(name, (telemetry = telemetryOf(this.#model, name)));
    return telemetry;
  }
}

type Direction = FilterPolicy["spec"]["direction"];
type MakeListener = (filters: readonly HttpFilter[], options: ManagerOptions) => Resource;

/** Of further ports by the names that these have in the model. */
function policiesByService({ filterPolicies, services }: ServedModel): ReadonlyMap<string, readonly FilterPolicy[]> {
  const further = furtherPorts(services);
  const found = new Map<string, FilterPolicy[]>();
  for (const policy of [...filterPolicies.values()].sort((a, b) => a.spec.order - b.spec.order || byName(a, b))) {
    const { direction, targetRefs } = policy.spec;
    const targets = targetRefs.flatMap((ref) => {
      const ports = [services.get(ref.name) ?? [], further.get(ref.name) ?? []].flat();
      // What a Service calls it calls from no port.
      return direction === "Outbound" ? [ref.name] : ports.filter((port) => meansPort(ref, port)).map(nameOf);
    });
    for (const name of new Set(targets)) {
      const list = found.get(name);
      if (list === undefined) found.set(name, [policy]);
      else list.push(policy);
    }
  }
  return found;
}

function nameOf({ metadata }: Service): string {
  return metadata.name;
}

function byName(a: FilterPolicy, b: FilterPolicy): number {
  return a.metadata.name < b.metadata.name ? -1 : 1;
}
