// Paths of properties as the host reads them: parts in UTF-8 with a zero byte between each and the next.

/** A path whose parts are ASCII and stand between dots: `request.headers`. */
export function dottedPath(path: string): StaticArray<u8> {
  const bytes = new StaticArray<u8>(path.length);
  for (let i = 0; i < path.length; ++i) {
    const code = path.charCodeAt(i);
    unchecked((bytes[i] = <u8>(code == 0x2e ? 0 : code)));
  }
  return bytes;
}

/** The path with one more part, which may be any text without a zero. */
export function childPath(path: StaticArray<u8>, part: string): StaticArray<u8> {
  const start = path.length ? path.length + 1 : 0;
  const child = new StaticArray<u8>(start + String.UTF8.byteLength(part));
  memory.copy(changetype<usize>(child), changetype<usize>(path), path.length);
  String.UTF8.encodeUnsafe(
    changetype<usize>(part),
    part.length,
    changetype<usize>(child) + start,
    false,
    String.UTF8.ErrorMode.REPLACE,
  );
  return child;
}
