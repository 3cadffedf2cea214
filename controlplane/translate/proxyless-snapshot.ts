import { meshOf, writtenService } from "../model/index.ts";
import type { Locality, ServedModel, ServedService, Resource as UserResource } from "../model/index.ts";
import { snapshotOf, TypeUrl } from "../xds/index.ts";
import type { Snapshot } from "../xds/index.ts";
import {
  nowhereCluster,
  nowhereEndpoints,
  proxylessCluster,
  proxylessEndpoints,
  proxylessListener,
  proxylessRoutes,
} from "./proxyless.ts";
import { routesByService } from "./route-configurations.ts";
import type { Sets } from "./sets.ts";

/** For a gRPC client without a sidecar: every Service. @param client where it is, if any Service is there too. */
export function proxylessSnapshot(
  model: ServedModel,
  sets: Sets,
  client: { readonly locality: Locality; readonly place: string } | undefined,
): Snapshot {
  const services = [...model.services.values()];
  const routesOf = routesByService(model);
  const originsOf = (service: ServedService): UserResource[] => [writtenService(service), meshOf(model) ?? []].flat();
  return snapshotOf([
    sets.shared(TypeUrl.listener, "proxyless", () =>
      services.map((service) => sets.from([writtenService(service)], proxylessListener(service))),
    ),
    sets.shared(TypeUrl.route, "proxyless", () =>
      services.map((service) => {
        const routes = routesOf.get(service.metadata.name) ?? [];
        return sets.from([...originsOf(service), ...routes], proxylessRoutes(service, routes, model));
      }),
    ),
    sets.shared(TypeUrl.cluster, "proxyless", () => [
      nowhereCluster,
      ...services.map((service) => sets.from(originsOf(service), proxylessCluster(service))),
    ]),
    sets.shared(TypeUrl.endpoint, `proxyless ${client?.place ?? ""}`, () => [
      nowhereEndpoints,
      ...services.flatMap((service) => {
        const endpoints = proxylessEndpoints(service, client ?? {});
        return endpoints === undefined ? [] : [sets.from([writtenService(service)], endpoints)];
      }),
    ]),
  ]);
}
