export { obey, type Command, type CommandResult } from "./commands.ts";
export { activeRun, type RolloutRecord, type RecordEvent } from "./record.ts";
export { Rollouts, type RolloutsOptions } from "./rollouts.ts";
export { hasEnded, versionFor, type Phase, type Reason, type Run, type RunEvent } from "./run.ts";
export { MemoryRolloutStore, type RolloutStore } from "./store.ts";
export { versionOf, type Content, type Version } from "./version.ts";
