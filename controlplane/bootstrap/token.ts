import { create, createRegistry, toJsonString } from "@bufbuild/protobuf";
import { anyPack, type Any } from "@bufbuild/protobuf/wkt";
import {
  ApiVersion,
  ConfigSourceSchema,
  PathConfigSourceSchema,
  type ConfigSource,
} from "#gen/envoy/config/core/v3/config_source_pb.js";
import { CredentialInjectorSchema } from "#gen/envoy/extensions/filters/http/credential_injector/v3/credential_injector_pb.js";
import { UpstreamCodecSchema } from "#gen/envoy/extensions/filters/http/upstream_codec/v3/upstream_codec_pb.js";
import {
  HttpFilterSchema,
  type HttpFilter,
} from "#gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { GenericSchema } from "#gen/envoy/extensions/http/injected_credentials/generic/v3/generic_pb.js";
import { SecretSchema } from "#gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js";
import { DiscoveryResponseSchema } from "#gen/envoy/service/discovery/v3/discovery_pb.js";
import { TOKEN_HEADER } from "../security/index.ts";

/** Where a sidecar finds the token that says who it is, which is renewed while it runs. */
export interface TokenFiles {
  /** The folder of both. Envoy watches it, and reads them anew when something in it is replaced, as Kubernetes does it. */
  readonly folder: string;
  /** The name in it of the token, which is nothing but the token. */
  readonly token: string;
  /** The name in it of what {@link tokenSecret} makes. */
  readonly secret: string;
}

const TOKEN_SECRET = "meshwright-token";

/** The file that tells Envoy where the token is. */
export function tokenSecret({ folder, token }: Pick<TokenFiles, "folder" | "token">): string {
  const secret = create(SecretSchema, {
    name: TOKEN_SECRET,
    type: {
      case: "genericSecret",
      value: { secret: { specifier: { case: "filename", value: `${folder}/${token}` } } },
    },
  });
  const response = create(DiscoveryResponseSchema, { resources: [anyPack(SecretSchema, secret)] });
  return toJsonString(DiscoveryResponseSchema, response, { registry: createRegistry(SecretSchema) });
}

/** The filters of a cluster of which each request carries the token, whatever in Envoy it comes from. */
export function tokenFilters({ folder, secret }: TokenFiles): HttpFilter[] {
  const generic = create(GenericSchema, {
    header: TOKEN_HEADER,
    credential: { name: TOKEN_SECRET, sdsConfig: fromFolder(folder, secret) },
  });
  const injector = create(CredentialInjectorSchema, {
    overwrite: true,
    credential: { name: "envoy.http.injected_credentials.generic", typedConfig: anyPack(GenericSchema, generic) },
  });
  return [
    filter("envoy.filters.http.credential_injector", anyPack(CredentialInjectorSchema, injector)),
    filter("envoy.filters.http.upstream_codec", anyPack(UpstreamCodecSchema, create(UpstreamCodecSchema))),
  ];
}

function fromFolder(folder: string, name: string): ConfigSource {
  const source = create(PathConfigSourceSchema, { path: `${folder}/${name}`, watchedDirectory: { path: folder } });
  const configSourceSpecifier = { case: "pathConfigSource", value: source } as const;
  return create(ConfigSourceSchema, { resourceApiVersion: ApiVersion.V3, configSourceSpecifier });
}

function filter(name: string, value: Any): HttpFilter {
  return create(HttpFilterSchema, { name, configType: { case: "typedConfig", value } });
}
