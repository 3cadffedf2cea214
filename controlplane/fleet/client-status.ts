import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";

import { UpdateFailureStateSchema } from "#gen/envoy/admin/v3/config_dump_shared_pb.js";
import type { NodeSchema } from "#gen/envoy/config/core/v3/base_pb.js";
import {
  type ClientConfig,
  type ClientConfig_GenericXdsConfigSchema,
  ClientConfigSchema,
  ConfigStatus,
} from "#gen/envoy/service/status/v3/csds_pb.js";

import type { NodeInfo, ResourceStatus } from "../xds/index.ts";
import type { NodeView } from "./fleet.ts";

type Config = MessageInitShape<typeof ClientConfig_GenericXdsConfigSchema>;

/** Where a node stands, as CSDS words it: one entry for each resource of each type. */
export function clientConfig({ node, types }: Pick<NodeView, "node" | "types">): ClientConfig {
  return create(ClientConfigSchema, {
    node: nodeOf(node),
    genericXdsConfigs: types.flatMap(({ typeUrl, resources }) => resources.map((status) => configOf(typeUrl, status))),
  });
}

function configOf(typeUrl: string, status: ResourceStatus): Config {
  const { name, acked, acceptedAt, rejection } = status;
  return {
    typeUrl,
    name,
    versionInfo: acked ?? "",
    configStatus: configStatus(status),
    ...(acceptedAt === null ? {} : { lastUpdated: timestampFromMs(acceptedAt) }),
    ...(rejection === null
      ? {}
      : {
          errorState: create(UpdateFailureStateSchema, {
            details: rejection.message,
            versionInfo: rejection.version,
            lastUpdateAttempt: timestampFromMs(rejection.time),
          }),
        }),
  };
}

function configStatus({ state, sent, acked, rejection }: ResourceStatus): ConfigStatus {
  switch (state) {
    case "synced":
      return ConfigStatus.SYNCED;
    case "rejected":
      return ConfigStatus.ERROR;
    case "not-requested":
      return ConfigStatus.NOT_SENT;
    case "prewarming":
      return ConfigStatus.STALE;
    case "pending":
      // What was last sent is what it holds or refused: what it is to have now has not gone out.
      return sent === acked || sent === rejection?.version ? ConfigStatus.NOT_SENT : ConfigStatus.STALE;
  }
}

function nodeOf(node: NodeInfo): MessageInitShape<typeof NodeSchema> {
  return {
    id: node.id,
    cluster: node.cluster,
    metadata: node.metadata,
    locality: { ...node.locality },
    userAgentName: node.userAgentName,
    userAgentVersionType: { case: "userAgentVersion", value: node.userAgentVersion },
    clientFeatures: [...node.features],
  };
}
