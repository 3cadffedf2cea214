/**
 * The types of the engine's `WebAssembly`, as far as the host uses it. TypeScript has them only in its library for
 * browsers, which would also bring the whole DOM into scope.
 */

export type ExternKind = "function" | "table" | "memory" | "global" | "tag";

/** A compiled module; it has no members of its own. */
export type CompiledModule = object;

export interface Instance {
  readonly exports: Readonly<Record<string, unknown>>;
}

export interface Memory {
  readonly buffer: ArrayBuffer;
}

export type ImportObject = Record<string, Record<string, unknown>>;

interface Engine {
  readonly Module: {
    new (bytes: Uint8Array): CompiledModule;
    imports(
      module: CompiledModule,
    ): readonly { readonly module: string; readonly name: string; readonly kind: ExternKind }[];
  };
  readonly Instance: new (module: CompiledModule, imports: ImportObject) => Instance;
  readonly Memory: new (limits: { initial: number; maximum: number }) => Memory;
  readonly Table: new (limits: { element: "anyfunc"; initial: number; maximum?: number }) => object;
  readonly RuntimeError: ErrorConstructor;
  /** What a module throws by the exception handling proposal; not an Error. */
  readonly Exception: new (...args: never[]) => object;
  validate(bytes: Uint8Array): boolean;
  compile(bytes: Uint8Array): Promise<CompiledModule>;
}

export const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: Engine };
