import { isOneOf, MapType, Status } from "../abi/enums.ts";
import type { HeaderMap } from "../header-map.ts";
import { decodePairs, encodePairs } from "../pairs.ts";
import type { Vm } from "../vm.ts";
import type { HostCalls } from "./types.ts";

/** Header and trailer maps. */
export const headerCalls: HostCalls<
  | "proxy_get_header_map_pairs"
  | "proxy_set_header_map_pairs"
  | "proxy_get_header_map_value"
  | "proxy_add_header_map_value"
  | "proxy_replace_header_map_value"
  | "proxy_remove_header_map_value"
  | "proxy_get_header_map_size"
> = {
  proxy_get_header_map_pairs(vm, type, pointer, size) {
    if (!isOneOf(MapType, type)) return Status.BadArgument;
    vm.give(encodePairs(vm.context.readableMap(type)?.pairs() ?? []), pointer, size);
    return Status.Ok;
  },

  proxy_set_header_map_pairs(vm, type, pointer, size) {
    if (!isOneOf(MapType, type)) return Status.BadArgument;
    const pairs = decodePairs(vm.memory.read(pointer, size));
    return change(vm, type, (map) => {
      map.clear();
      for (const [name, value] of pairs) map.add(name, value);
    });
  },

  // Envoy gives the first value of a repeated header, and no way to ask for the others.
  proxy_get_header_map_value(vm, type, namePointer, nameSize, pointer, size) {
    if (!isOneOf(MapType, type)) return Status.BadArgument;
    const name = vm.memory.read(namePointer, nameSize);
    const map = vm.context.readableMap(type);
    if (map === undefined) return vm.context.missingMap;
    const value = map.getBytes(name);
    if (value === undefined) return Status.NotFound;
    vm.give(value, pointer, size);
    return Status.Ok;
  },

  proxy_add_header_map_value(vm, type, namePointer, nameSize, valuePointer, valueSize) {
    if (!isOneOf(MapType, type)) return Status.BadArgument;
    const name = vm.memory.read(namePointer, nameSize);
    const value = vm.memory.read(valuePointer, valueSize);
    return change(vm, type, (map) => map.add(name, value));
  },

  proxy_replace_header_map_value(vm, type, namePointer, nameSize, valuePointer, valueSize) {
    if (!isOneOf(MapType, type)) return Status.BadArgument;
    const name = vm.memory.read(namePointer, nameSize);
    const value = vm.memory.read(valuePointer, valueSize);
    return change(vm, type, (map) => map.replace(name, value));
  },

  proxy_remove_header_map_value(vm, type, namePointer, nameSize) {
    if (!isOneOf(MapType, type)) return Status.BadArgument;
    const name = vm.memory.read(namePointer, nameSize);
    return change(vm, type, (map) => map.remove(name));
  },

  // Envoy asks for the map as one that may be changed, so the maps of a callout's response have no size.
  proxy_get_header_map_size(vm, type, result) {
    if (!isOneOf(MapType, type)) return Status.BadArgument;
    const map = vm.context.map(type);
    if (map === undefined) return Status.BadArgument;
    vm.memory.writeU32(result, map.byteSize);
    return Status.Ok;
  },
};

function change(vm: Vm, type: MapType, apply: (map: HeaderMap) => void): Status {
  const map = vm.context.map(type);
  if (map === undefined) return Status.BadArgument;
  apply(map);
  return Status.Ok;
}
