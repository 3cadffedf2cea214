// A mark-and-sweep collector for callback borders.
//
// Every callback is a top-level entry into the module: when the outermost one returns, nothing lives on the stack, so
// globals and pinned objects are all the roots there are and no shadow stack is needed. Objects are in one singly linked
// list, which costs an allocation two stores. The size of what was allocated since the last collection decides when to
// collect again (`__collectIfDue`), so memory stays within a constant and twice the live heap.

import { BLOCK_OVERHEAD, OBJECT, OBJECT_MAXSIZE, OBJECT_OVERHEAD, TOTAL_OVERHEAD } from "rt/common";
import { E_ALLOCATION_TOO_LARGE } from "util/error";

// gcInfo links an object on the heap to the next, and a visited static object to the next of those.
// gcInfo2 is zero for an object not seen yet; else MARKED and, while it waits for its members' visit, the next such object.
// @ts-ignore: decorator
@inline const MARKED: u32 = 1;

/** Least number of bytes to allocate between two collections. */
// @ts-ignore: decorator
@inline const MIN_THRESHOLD: usize = 256 * 1024;

let objects: usize = 0;
let waiting: usize = 0;
let statics: usize = 0;
let allocated: usize = 0;
let threshold: usize = MIN_THRESHOLD;

let pins: usize = 0;
let pinsLength: usize = 0;
let pinsCapacity: usize = 0;

// @ts-ignore: decorator
@global @unsafe
export function __new(size: usize, id: i32): usize {
  if (size > OBJECT_MAXSIZE) throw new Error(E_ALLOCATION_TOO_LARGE);
  const object = changetype<OBJECT>(__alloc(OBJECT_OVERHEAD + size) - BLOCK_OVERHEAD);
  object.rtId = id;
  object.rtSize = <u32>size;
  object.gcInfo = <u32>objects;
  object.gcInfo2 = 0;
  objects = changetype<usize>(object);
  allocated += size + TOTAL_OVERHEAD;
  return changetype<usize>(object) + TOTAL_OVERHEAD;
}

// @ts-ignore: decorator
@global @unsafe
export function __renew(oldPointer: usize, size: usize): usize {
  const old = changetype<OBJECT>(oldPointer - TOTAL_OVERHEAD);
  if (oldPointer >= __heap_base && size <= (old.mmInfo & ~3) - OBJECT_OVERHEAD) {
    old.rtSize = <u32>size;
    return oldPointer;
  }
  // The list is singly linked, so an object cannot leave its place in it: the old one is left to the next collection.
  const pointer = __new(size, old.rtId);
  memory.copy(pointer, oldPointer, min(size, <usize>old.rtSize));
  return pointer;
}

// @ts-ignore: decorator
@global @unsafe
export function __link(parent: usize, child: usize, expectMultiple: bool): void {
  // Nothing to do: marking never runs beside the program.
}

// @ts-ignore: decorator
@global @unsafe
export function __visit(pointer: usize, cookie: u32): void {
  if (!pointer) return;
  const object = changetype<OBJECT>(pointer - TOTAL_OVERHEAD);
  if (object.gcInfo2) return;
  object.gcInfo2 = (<u32>waiting) | MARKED;
  waiting = changetype<usize>(object);
}

// @ts-ignore: decorator
@global @unsafe
export function __pin(pointer: usize): usize {
  if (!pointer) return pointer;
  if (pinsLength == pinsCapacity) {
    pinsCapacity = max<usize>(16, pinsCapacity * 2);
    const size = pinsCapacity * sizeof<usize>();
    pins = pins ? __realloc(pins, size) : __alloc(size);
  }
  store<usize>(pins + pinsLength++ * sizeof<usize>(), pointer);
  return pointer;
}

// @ts-ignore: decorator
@global @unsafe
export function __unpin(pointer: usize): void {
  for (let i: usize = 0; i < pinsLength; ++i) {
    const slot = pins + i * sizeof<usize>();
    if (load<usize>(slot) != pointer) continue;
    store<usize>(slot, load<usize>(pins + --pinsLength * sizeof<usize>()));
    return;
  }
}

// @ts-ignore: decorator
@global @unsafe
export function __collect(): void {
  __visit_globals(0);
  for (let i: usize = 0; i < pinsLength; ++i) __visit(load<usize>(pins + i * sizeof<usize>()), 0);
  mark();
  const live = sweep();
  allocated = 0;
  threshold = max(MIN_THRESHOLD, live);
}

/** Collects when enough was allocated since the last collection. To be called with no callback on the stack. */
// @ts-ignore: decorator
@global @unsafe
export function __collectIfDue(): void {
  if (allocated >= threshold) __collect();
}

function mark(): void {
  while (waiting) {
    const object = changetype<OBJECT>(waiting);
    waiting = object.gcInfo2 & ~MARKED;
    object.gcInfo2 = MARKED;
    if (changetype<usize>(object) < __heap_base) {
      object.gcInfo = <u32>statics;
      statics = changetype<usize>(object);
    }
    __visit_members(changetype<usize>(object) + TOTAL_OVERHEAD, 0);
  }
  while (statics) {
    const object = changetype<OBJECT>(statics);
    statics = object.gcInfo;
    object.gcInfo = 0;
    object.gcInfo2 = 0;
  }
}

/** Frees what was not marked. Returns the size of what stays, in bytes. */
function sweep(): usize {
  let live: usize = 0;
  let previous: usize = 0;
  let current = objects;
  while (current) {
    const object = changetype<OBJECT>(current);
    const next = <usize>object.gcInfo;
    if (object.gcInfo2) {
      object.gcInfo2 = 0;
      live += <usize>object.rtSize + TOTAL_OVERHEAD;
      previous = current;
    } else {
      if (previous) changetype<OBJECT>(previous).gcInfo = <u32>next;
      else objects = next;
      __free(current + BLOCK_OVERHEAD);
    }
    current = next;
  }
  return live;
}
