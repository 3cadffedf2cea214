import { Status } from "../abi/enums.ts";
import { WASI_MODULES, type EnvImport, type WasiImport } from "../abi/imports.ts";
import { InvalidMemoryAccess } from "../memory.ts";
import type { Vm } from "../vm.ts";
import { WebAssembly, type CompiledModule, type ImportObject } from "../webassembly.ts";
import { bufferCalls } from "./buffers.ts";
import { outgoingCalls } from "./calls.ts";
import { grpcCalls } from "./grpc.ts";
import { headerCalls } from "./headers.ts";
import { metricCalls } from "./metrics.ts";
import { sharedCalls } from "./shared.ts";
import { streamCalls } from "./streams.ts";
import { systemCalls } from "./system.ts";
import type { HostCalls } from "./types.ts";
import { wasiCalls } from "./wasi.ts";

const envCalls: HostCalls<EnvImport> = {
  ...systemCalls,
  ...headerCalls,
  ...bufferCalls,
  ...streamCalls,
  ...sharedCalls,
  ...metricCalls,
  ...outgoingCalls,
  ...grpcCalls,
};

const WASI_EFAULT = 21;
const WASI_ENOTCAPABLE = 76;

type Value = number | bigint;
type Call = (vm: Vm, ...args: readonly Value[]) => number | undefined;

/** The import object of a virtual machine: what the module asks for of what the host offers. */
export function hostImports(vm: Vm, module: CompiledModule): ImportObject {
  const imports: ImportObject = {};
  for (const item of WebAssembly.Module.imports(module)) {
    if (item.kind !== "function") continue;
    const call = bind(vm, item.module, item.name);
    if (call !== undefined) (imports[item.module] ??= {})[item.name] = call;
  }
  return imports;
}

function bind(vm: Vm, module: string, name: string): ((...args: readonly Value[]) => number | undefined) | undefined {
  if (module === "env" && Object.hasOwn(envCalls, name)) {
    const known = name as EnvImport;
    // The table's types hold for each call by itself; together they have only this type in common.
    return wrap(vm, known, envCalls[known] as Call, Status.InvalidMemoryAccess, Status.InternalFailure);
  }
  if ((WASI_MODULES as readonly string[]).includes(module) && Object.hasOwn(wasiCalls, name)) {
    const known = name as WasiImport;
    return wrap(vm, known, wasiCalls[known] as Call, WASI_EFAULT, WASI_ENOTCAPABLE);
  }
  return undefined;
}

function wrap(vm: Vm, name: EnvImport | WasiImport, call: Call, fault: number, incapable: number) {
  const { capabilities } = vm.services;
  const isCapability = name !== "pthread_equal" && name !== "emscripten_notify_memory_growth";
  if (capabilities !== undefined && isCapability && !capabilities.has(name)) {
    return (): number => {
      vm.enter(name);
      const kind = incapable === WASI_ENOTCAPABLE ? "WASI" : "proxy-wasm";
      vm.report("error", `Attempted call to restricted ${kind} capability: ${name}`);
      return incapable;
    };
  }
  return (...args: readonly Value[]): number | undefined => {
    vm.enter(name);
    try {
      return call(vm, ...args.map((value) => (typeof value === "number" ? value >>> 0 : value)));
    } catch (error) {
      if (error instanceof InvalidMemoryAccess) return fault;
      throw error;
    }
  };
}
