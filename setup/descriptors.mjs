// Envoy's API types: from the descriptors in the xds-protos wheel to controlplane/gen.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { withLock } from "../controlplane/envoy-binary/cache.mjs";
import { root } from "./paths.mjs";
import { SetupError, python, run, step } from "./tools.mjs";
import { wheel } from "../controlplane/envoy-binary/wheel.mjs";

/** @typedef {import("@bufbuild/protobuf/wkt").FileDescriptorProto} FileDescriptorProto */
/** @typedef {import("@bufbuild/protobuf/wkt").DescriptorProto} DescriptorProto */

const version = "1.85.0";
const gen = join(root, "controlplane", "gen");

/** Makes controlplane/gen when it is missing or was made from other inputs. */
export async function descriptors() {
  const stamp = `xds-protos ${version}, protobuf-es ${protobufEsVersion()}, types alone\n`;
  const isCurrent = () => existsSync(join(gen, "STAMP")) && readFileSync(join(gen, "STAMP"), "utf8") === stamp;
  if (isCurrent()) return;
  mkdirSync(join(root, ".cache"), { recursive: true });
  await withLock(join(root, ".cache", "descriptors.lock"), async () => {
    if (isCurrent()) return;
    const folder = await wheel("xds-protos", version);
    step("generating Envoy's API types");
    const embedded = await run(python(), [join(root, "setup", "descriptors.py"), folder]);
    const scratch = mkdtempSync(join(root, "controlplane", "gen-"));
    try {
      await generate(embedded, scratch);
      writeFileSync(join(scratch, "STAMP"), stamp);
      rmSync(gen, { recursive: true, force: true });
      renameSync(scratch, gen);
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  });
}

function protobufEsVersion() {
  const file = join(root, "node_modules", "@bufbuild", "protobuf", "package.json");
  return /** @type {{ version: string }} */ (JSON.parse(readFileSync(file, "utf8"))).version;
}

/**
 * Writes the descriptor set and the generated code.
 * @param {Uint8Array} embedded What descriptors.py printed.
 * @param {string} folder
 */
async function generate(embedded, folder) {
  const { create, fromBinary, toBinary } = await import("@bufbuild/protobuf");
  const wkt = await import("@bufbuild/protobuf/wkt");
  const files = readFiles(embedded).map((data) => fromBinary(wkt.FileDescriptorProtoSchema, data));
  const present = new Set(files.map((file) => file.name));
  for (const value of Object.values(wkt)) {
    if (typeof value === "object" && "kind" in value && value.kind === "file" && !present.has(value.proto.name)) {
      files.push(value.proto);
    }
  }
  for (const file of files) file.messageType.forEach(fillJsonNames);
  const ordered = dependenciesFirst(files);
  const set = create(wkt.FileDescriptorSetSchema, { file: ordered });
  writeFileSync(join(folder, "descriptors.binpb"), toBinary(wkt.FileDescriptorSetSchema, set));

  const { CodeGeneratorRequestSchema, CodeGeneratorResponseSchema } = wkt;
  const request = create(CodeGeneratorRequestSchema, {
    parameter: "target=js+dts,import_extension=js",
    protoFile: ordered.map(typesAlone(ordered)),
    fileToGenerate: ordered.map((file) => file.name).filter((name) => !name.startsWith("google/protobuf/")),
  });
  const plugin = join(root, "node_modules", "@bufbuild", "protoc-gen-es", "bin", "protoc-gen-es");
  const output = await run(process.execPath, [plugin], { input: toBinary(CodeGeneratorRequestSchema, request) });
  const response = fromBinary(CodeGeneratorResponseSchema, output);
  if (response.error !== "") throw new SetupError(`protoc-gen-es: ${response.error}`);
  for (const file of response.file) {
    mkdirSync(dirname(join(folder, file.name)), { recursive: true });
    writeFileSync(join(folder, file.name), file.content);
  }
}

/**
 * @param {Uint8Array} data
 * @returns {Uint8Array[]}
 */
function readFiles(data) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const files = [];
  for (let at = 0; at < data.length;) {
    const end = at + 4 + view.getUint32(at, true);
    files.push(data.subarray(at + 4, end));
    at = end;
  }
  if (files.length === 0) throw new SetupError(`the wheel xds-protos ${version} holds no descriptors`);
  return files;
}

/**
 * The embedded descriptors lack json_name, which protobuf-es reads: protoc's rule is lowerCamelCase.
 * @param {DescriptorProto} message
 */
function fillJsonNames(message) {
  for (const field of message.field) {
    if (field.jsonName === "") field.jsonName = field.name.replace(/_+(.)?/g, (_, next = "") => next.toUpperCase());
  }
  message.nestedType.forEach(fillJsonNames);
}

/**
 * What the types of a file are, without options that only validators and linters of protobuf read, and without the imports that
 * are for those: nearly each file imports the same four of them. A program reads the files that it imports each time it starts, and
 * protobuf-es goes through the imports of imports once for each way that leads to them. Who needs the options reads descriptors.binpb.
 * @param {readonly FileDescriptorProto[]} files
 * @returns {(file: FileDescriptorProto) => FileDescriptorProto}
 */
function typesAlone(files) {
  const homes = new Map(files.flatMap((file) => typesOf(file).map((type) => [type, file.name])));
  return (file) => {
    const copy = withoutExtensions(file);
    delete copy.options;
    const used = new Set(referencesOf(copy).map((type) => homes.get(type)));
    used.delete(file.name);
    copy.dependency = files.map(({ name }) => name).filter((name) => used.has(name));
    copy.publicDependency = [];
    copy.weakDependency = [];
    return copy;
  };
}

/**
 * Full names of the messages and enums of a file, as references write them.
 * @param {FileDescriptorProto} file
 */
function typesOf({ package: scope, messageType, enumType }) {
  /** @type {(around: string, messages: readonly DescriptorProto[], enums: readonly { name: string }[]) => string[]} */
  const named = (around, messages, enums) => [
    ...enums.map(({ name }) => `${around}.${name}`),
    ...messages.flatMap((one) => [
      `${around}.${one.name}`,
      ...named(`${around}.${one.name}`, one.nestedType, one.enumType),
    ]),
  ];
  return named(scope === "" ? "" : `.${scope}`, messageType, enumType);
}

/**
 * The types that fields, extensions and methods refer to.
 * @param {FileDescriptorProto | DescriptorProto} scope
 * @returns {string[]}
 */
function referencesOf(scope) {
  const fields = [...("field" in scope ? scope.field : []), ...scope.extension];
  const methods = "service" in scope ? scope.service.flatMap(({ method }) => method) : [];
  return [
    ...fields.flatMap(({ typeName, extendee }) => [typeName, extendee]),
    ...methods.flatMap(({ inputType, outputType }) => [inputType, outputType]),
    ...("messageType" in scope ? scope.messageType : scope.nestedType).flatMap(referencesOf),
  ];
}

/**
 * A copy without unknown fields, which is what options are here that extend those of protobuf.
 * @template T
 * @param {T} value
 * @returns {T}
 */
function withoutExtensions(value) {
  if (Array.isArray(value)) return /** @type {T} */ (value.map(withoutExtensions));
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  const known = Object.entries(value).filter(([key]) => key !== "$unknown");
  return /** @type {T} */ (Object.fromEntries(known.map(([key, of]) => [key, withoutExtensions(of)])));
}

/**
 * @param {FileDescriptorProto[]} files
 */
function dependenciesFirst(files) {
  const byName = new Map(files.map((file) => [file.name, file]));
  const done = new Set();
  /** @type {typeof files} */
  const ordered = [];
  /** @param {string} name */
  const visit = (name) => {
    const file = byName.get(name);
    if (file === undefined || done.has(name)) return;
    done.add(name);
    file.dependency.forEach(visit);
    ordered.push(file);
  };
  [...byName.keys()].sort().forEach(visit);
  return ordered;
}
