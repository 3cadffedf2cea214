import { concat, toBytes, toText } from "../bytes.ts";
import type { Vm } from "../vm.ts";
import type { WasiCalls } from "./types.ts";
import type { WasiImport } from "../abi/imports.ts";

/** Error numbers of WASI preview 1. */
const Errno = { Success: 0, Badf: 8, Fault: 21, Inval: 28, Noent: 44, Nosys: 52, Notdir: 54, Notsup: 58 } as const;

/** Envoy answers fd_readdir with this number, which is EEXIST in WASI. */
const READDIR_ERRNO = 20;

const STDOUT = 1;
const STDERR = 2;
const MAX_RANDOM_BYTES = 64 * 1024;
const RIGHT_FD_WRITE = 64n;

/** There are no files: what writes goes to the log, and what reads finds nothing. */
export const wasiCalls: WasiCalls<WasiImport> = {
  fd_write: (vm, fd, vectors, count, written) => writeLog(vm, fd, vectors, count, written),
  fd_pwrite: (vm, fd, vectors, count, _offset, written) => writeLog(vm, fd, vectors, count, written),
  fd_read: () => Errno.Nosys,
  fd_pread: () => Errno.Nosys,
  fd_seek: (vm) => complain(vm, "wasi_unstable fd_seek"),
  fd_close: (vm) => complain(vm, "wasi_unstable fd_close"),

  fd_fdstat_get(vm, fd, result) {
    if (!isStandard(fd)) return Errno.Badf;
    vm.memory.writeU64(result, 0n);
    vm.memory.writeU64(result + 8, RIGHT_FD_WRITE);
    vm.memory.writeU64(result + 16, 0n);
    return Errno.Success;
  },
  fd_fdstat_set_flags: () => Errno.Nosys,
  fd_fdstat_set_rights: (_vm, fd) => standardOnly(fd),
  fd_advise: () => Errno.Success,
  fd_allocate: (_vm, fd) => standardOnly(fd),
  fd_datasync: (_vm, fd) => standardOnly(fd),
  fd_sync: (_vm, fd) => standardOnly(fd),
  fd_tell(vm, fd, result) {
    if (!isStandard(fd)) return Errno.Badf;
    vm.memory.writeU64(result, 0n);
    return Errno.Success;
  },
  fd_filestat_get: () => Errno.Badf,
  fd_filestat_set_size: (_vm, fd) => standardOnly(fd),
  fd_filestat_set_times: (_vm, fd) => standardOnly(fd),
  fd_readdir(vm, _fd, _buffer, _length, _cookie, read) {
    vm.memory.writeU32(read, 0);
    return READDIR_ERRNO;
  },
  fd_renumber: (_vm, from, to) => (isStandard(from) && isStandard(to) ? Errno.Notsup : Errno.Badf),
  fd_prestat_get: () => Errno.Badf,
  fd_prestat_dir_name: () => Errno.Nosys,

  path_open: () => Errno.Noent,
  path_filestat_get: () => Errno.Notsup,
  path_filestat_set_times: () => Errno.Notsup,
  path_create_directory: () => Errno.Notsup,
  path_remove_directory: () => Errno.Notsup,
  path_unlink_file: () => Errno.Notsup,
  path_link: () => Errno.Notsup,
  path_readlink(vm, _fd, _path, _pathSize, _buffer, _length, read) {
    vm.memory.writeU32(read, 0);
    return Errno.Notsup;
  },
  path_rename: () => Errno.Notsup,
  path_symlink: () => Errno.Notsup,

  sock_accept(vm, _fd, _flags, result) {
    vm.memory.writeU64(result, 0n);
    return Errno.Notsup;
  },
  sock_recv(vm, _fd, _vectors, _count, _flags, read, flags) {
    vm.memory.writeU32(read, 0);
    vm.memory.writeU16(flags, 0);
    return Errno.Notsup;
  },
  sock_send(vm, _fd, _vectors, _count, _flags, written) {
    vm.memory.writeU32(written, 0);
    return Errno.Notsup;
  },
  sock_shutdown: () => Errno.Notsup,

  environ_sizes_get(vm, countPointer, sizePointer) {
    const variables = environment(vm);
    vm.memory.writeU32(countPointer, variables.length);
    vm.memory.writeU32(sizePointer, concat(...variables).length);
    return Errno.Success;
  },
  environ_get(vm, pointers, buffer) {
    let at = buffer;
    for (const [i, variable] of environment(vm).entries()) {
      vm.memory.writeU32(pointers + 4 * i, at);
      vm.memory.write(at, variable);
      at += variable.length;
    }
    return Errno.Success;
  },
  args_sizes_get(vm, countPointer, sizePointer) {
    vm.memory.writeU32(countPointer, 0);
    vm.memory.writeU32(sizePointer, 0);
    return Errno.Success;
  },
  args_get: () => Errno.Success,

  clock_time_get(vm, clock, _precision, result) {
    if (clock > 1) return Errno.Notsup;
    vm.memory.writeU64(result, clock === 0 ? vm.services.clock.realtime : vm.services.clock.monotonic);
    return Errno.Success;
  },
  clock_res_get(vm, clock, result) {
    if (clock > 1) return Errno.Notsup;
    vm.memory.writeU64(result, 1n);
    return Errno.Success;
  },
  random_get(vm, pointer, size) {
    if (size > MAX_RANDOM_BYTES) return Errno.Inval;
    const bytes = new Uint8Array(size);
    vm.services.random(bytes);
    vm.memory.write(pointer, bytes);
    return Errno.Success;
  },
  sched_yield: () => Errno.Success,
  poll_oneoff(vm, _subscriptions, _events, _count, result) {
    vm.memory.writeU32(result, 0);
    return Errno.Success;
  },

  /** It does not end the module. */
  proc_exit(vm) {
    complain(vm, "wasi_unstable proc_exit");
    return undefined;
  },
};

function environment(vm: Vm): Uint8Array[] {
  return [...vm.services.environment].map(([name, value]) => toBytes(`${name}=${value}\0`));
}

function isStandard(fd: number): boolean {
  return fd === STDOUT || fd === STDERR;
}

function standardOnly(fd: number): number {
  return isStandard(fd) ? Errno.Success : Errno.Badf;
}

function complain(vm: Vm, message: string): number {
  vm.report("trace", message);
  return Errno.Success;
}

function writeLog(vm: Vm, fd: number, vectors: number, count: number, written: number): number {
  if (!isStandard(fd)) return Errno.Badf;
  const parts: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    const size = vm.memory.readU32(vectors + 8 * i + 4);
    if (size === 0) continue;
    vm.services.quota.charge(size, "a line written to a file descriptor");
    parts.push(vm.memory.read(vm.memory.readU32(vectors + 8 * i), size));
  }
  const bytes = concat(...parts);
  if (bytes.length > 0) vm.logLine(fd === STDOUT ? 2 : 4, toText(bytes).replace(/\n$/, ""));
  vm.memory.writeU32(written, bytes.length);
  return Errno.Success;
}
