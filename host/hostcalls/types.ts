import type { Arguments, EnvImport, ENV_IMPORTS, WASI_IMPORTS, WasiImport } from "../abi/imports.ts";
import type { Signature } from "../abi/signature.ts";
import type { Vm } from "../vm.ts";

type Implementation<S extends Signature> = (
  vm: Vm,
  ...args: Arguments<S["params"]>
) => S["results"] extends readonly [] ? undefined : number;

/**
 * The implementations of some imports, with exactly the types of the table in abi/imports.ts. An `i32` arrives as an
 * unsigned number. An InvalidMemoryAccess that they throw becomes the status of that name.
 */
export type HostCalls<K extends EnvImport> = { readonly [N in K]: Implementation<(typeof ENV_IMPORTS)[N]> };

/** The same for WASI; an InvalidMemoryAccess becomes the errno EFAULT. */
export type WasiCalls<K extends WasiImport> = { readonly [N in K]: Implementation<(typeof WASI_IMPORTS)[N]> };
