import { create, toBinary } from "@bufbuild/protobuf";
import { anyPack, durationFromMs } from "@bufbuild/protobuf/wkt";
import type { Any } from "@bufbuild/protobuf/wkt";
import { TypedExtensionConfigSchema } from "#gen/envoy/config/core/v3/extension_pb.js";
import { RBAC_Action } from "#gen/envoy/config/rbac/v3/rbac_pb.js";
import { RBACSchema } from "#gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.js";
import { WasmSchema } from "#gen/envoy/extensions/filters/http/wasm/v3/wasm_pb.js";
import type { HttpFilter } from "#gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { HttpFilterSchema } from "#gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { FailurePolicy } from "#gen/envoy/extensions/wasm/v3/wasm_pb.js";
import type { FilterPolicy, FilterPolicySpec } from "../model/index.ts";
import { contentHash, createStagedResource, encodeAny } from "../xds/index.ts";
import type { Resource } from "../xds/index.ts";
import { fromAds, packText, typeUrlOf } from "./messages.ts";
import type { ModuleRef, TranslationSettings } from "./settings.ts";

/**
 * How long a warming listener waits for a filter before the stand-in takes its place. It must be longer than the time in
 * which delivery may still send the form that a warming listener needs (DEFAULT_DELIVERY.warmingWindowMs).
 */
const initialFetchTimeoutMs = 15_000;

const failurePolicies: Readonly<Record<FilterPolicySpec["failurePolicy"], FailurePolicy>> = {
  FailReload: FailurePolicy.FAIL_RELOAD,
  FailClosed: FailurePolicy.FAIL_CLOSED,
  FailOpen: FailurePolicy.FAIL_OPEN,
};

/**
 * The place of a policy's filter in a listener. The filter itself comes by ECDS under the name of the policy, so a change
 * of the filter never touches the listener and its connections. Until the filter is there, and if it never comes, a
 * native filter stands in: one that refuses every request, or for FailOpen one that does nothing.
 */
export function filterReference({ metadata, spec }: FilterPolicy): HttpFilter {
  return create(HttpFilterSchema, {
    name: metadata.name,
    configType: {
      case: "configDiscovery",
      value: {
        configSource: fromAds(initialFetchTimeoutMs),
        defaultConfig: spec.failurePolicy === "FailOpen" ? passAll : denyAll,
        applyDefaultConfigWithoutWarming: false,
        // Envoy refuses any type that is not listed, the stand-in's too.
        typeUrls: [typeUrlOf(WasmSchema), typeUrlOf(RBACSchema)],
      },
    },
  });
}

/** What is in that place for good where an Envoy cannot run the filter. */
export function standIn({ metadata, spec }: FilterPolicy): HttpFilter {
  const value = spec.failurePolicy === "FailOpen" ? passAll : denyAll;
  return create(HttpFilterSchema, { name: metadata.name, configType: { case: "typedConfig", value } });
}

/** Equal for policies that have the same place in a listener. */
export function referenceKey({ metadata, spec }: FilterPolicy): string {
  return `${metadata.name} ${spec.failurePolicy === "FailOpen" ? "open" : "closed"}`;
}

/** RBAC without rules enforces nothing. */
const passAll: Any = anyPack(RBACSchema, create(RBACSchema));

const denyAll: Any = anyPack(
  RBACSchema,
  create(RBACSchema, {
    rules: {
      action: RBAC_Action.DENY,
      policies: {
        "filter-not-there": {
          permissions: [{ rule: { case: "any", value: true } }],
          principals: [{ identifier: { case: "any", value: true } }],
        },
      },
    },
  }),
);

/** The filter of a policy, as ECDS delivers it, in the stages that remote code needs (see xds/delivery.ts). */
export function extensionConfig(policy: FilterPolicy, module: ModuleRef, settings: TranslationSettings): Resource {
  const { name } = policy.metadata;
  const typeUrl = typeUrlOf(TypedExtensionConfigSchema);
  const encode = (attempt: number, nackOnCodeCacheMiss: boolean): Uint8Array =>
    encodeAny(typeUrl, wasmExtension(policy, module, settings, attempt, nackOnCodeCacheMiss));
  const base = contentHash(encode(0, true));
  return createStagedResource(name, typeUrl, base, {
    module: module.sha256,
    variant: (n) => ({ version: n === 0 ? base : `${base}+${n}`, body: encode(n, true) }),
    warming: { version: `${base}+w`, body: encode(0, false) },
  });
}

function wasmExtension(
  { metadata, spec }: FilterPolicy,
  { sha256 }: ModuleRef,
  settings: TranslationSettings,
  attempt: number,
  nackOnCodeCacheMiss: boolean,
): Uint8Array {
  const uri = `http://${settings.modulesAuthority}/modules/${sha256}.wasm`;
  const wasm = create(WasmSchema, {
    config: {
      name: metadata.name,
      rootId: spec.rootId ?? spec.module,
      failurePolicy: failurePolicies[spec.failurePolicy],
      ...(spec.configuration === undefined ? {} : { configuration: packText(JSON.stringify(spec.configuration)) }),
      vm: {
        case: "vmConfig",
        value: {
          // Shared data lives as long as the VM id: it survives a change of the configuration, but is not read by a
          // module that may lay it out in another way.
          vmId: `${metadata.name}-${sha256.slice(0, 8)}`,
          runtime: "envoy.wasm.runtime.v8",
          code: {
            specifier: {
              case: "remote",
              value: {
                httpUri: {
                  // Envoy takes bytes that it has rejected for no change, so each attempt has bytes of its own.
                  uri: attempt === 0 ? uri : `${uri}?attempt=${attempt}`,
                  httpUpstreamType: { case: "cluster", value: settings.modulesCluster },
                  timeout: durationFromMs(10_000),
                },
                sha256,
                retryPolicy: {
                  numRetries: 2,
                  retryBackOff: { baseInterval: durationFromMs(500), maxInterval: durationFromMs(2000) },
                },
              },
            },
          },
          nackOnCodeCacheMiss,
          ...(spec.vmConfiguration === undefined ? {} : { configuration: packText(textOf(spec.vmConfiguration)) }),
        },
      },
    },
  });
  const message = create(TypedExtensionConfigSchema, { name: metadata.name, typedConfig: anyPack(WasmSchema, wasm) });
  return toBinary(TypedExtensionConfigSchema, message);
}

function textOf(value: NonNullable<FilterPolicySpec["vmConfiguration"]>): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
