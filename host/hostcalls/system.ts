import { LogLevel, Status } from "../abi/enums.ts";
import { toText } from "../bytes.ts";
import type { HostCalls } from "./types.ts";

/** The log, the clock and what toolchains add. */
export const systemCalls: HostCalls<
  | "proxy_log"
  | "proxy_get_log_level"
  | "proxy_set_tick_period_milliseconds"
  | "proxy_get_current_time_nanoseconds"
  | "pthread_equal"
  | "emscripten_notify_memory_growth"
> = {
  proxy_log(vm, level, pointer, size) {
    if (level > LogLevel.critical) return Status.BadArgument;
    vm.logLine(level, toText(vm.memory.read(pointer, size)));
    return Status.Ok;
  },

  proxy_get_log_level(vm, result) {
    vm.memory.writeU32(result, LogLevel[vm.services.log.level]);
    return Status.Ok;
  },

  proxy_set_tick_period_milliseconds(vm, milliseconds) {
    vm.context.root?.setTickPeriod(milliseconds);
    return Status.Ok;
  },

  proxy_get_current_time_nanoseconds(vm, result) {
    vm.memory.writeU64(result, vm.services.clock.realtime);
    return Status.Ok;
  },

  pthread_equal: (_vm, left, right) => (left === right ? 1 : 0),

  emscripten_notify_memory_growth: () => undefined,
};
