import { SERVED_TYPES, TypeUrl, typeNameOf } from "../xds/index.ts";

const services: Readonly<Record<string, string>> = {
  CDS: TypeUrl.cluster,
  EDS: TypeUrl.endpoint,
  LDS: TypeUrl.listener,
  ECDS: TypeUrl.extensionConfig,
  RDS: TypeUrl.route,
  SDS: TypeUrl.secret,
};

/** The URL of a type that is called `Cluster`, `cluster`, `CDS`, or by its whole name; undefined for what is no type that is served. */
export function typeUrlOf(text: string): string | undefined {
  const wanted = text.toLowerCase();
  const service = Object.entries(services).find(([name]) => name.toLowerCase() === wanted);
  if (service !== undefined) return service[1];
  return SERVED_TYPES.find((typeUrl) => {
    const whole = typeUrl.slice(typeUrl.indexOf("/") + 1);
    return [typeUrl, whole, typeNameOf(typeUrl)].some((name) => name.toLowerCase() === wanted);
  });
}

/** What {@link typeUrlOf} takes, for messages. */
export const typeNames = SERVED_TYPES.map(typeNameOf);
