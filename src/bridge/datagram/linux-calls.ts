/** An address in this process's memory; below 2⁵³ on every 64-bit Linux. */
export type Address = number;

/**
 * The system calls that the Linux network makes, each with plain numbers: a number crosses the
 * language border several times cheaper than an object. All return −1 on failure.
 */
export type LinuxCalls = {
  readonly socket: (domain: number, type: number, protocol: number) => number;
  readonly bind: (fd: number, name: Address, nameBytes: number) => number;
  readonly connect: (fd: number, name: Address, nameBytes: number) => number;
  readonly getsockname: (fd: number, name: Address, nameBytes: Address) => number;
  readonly setsockopt: (
    fd: number,
    level: number,
    option: number,
    value: Address,
    valueBytes: number,
  ) => number;
  readonly recv: (fd: number, into: Address, intoBytes: number, flags: number) => number;
  readonly recvfrom: (
    fd: number,
    into: Address,
    intoBytes: number,
    flags: number,
    name: Address,
    nameBytes: Address,
  ) => number;
  readonly send: (fd: number, data: Address, dataBytes: number, flags: number) => number;
  readonly sendto: (
    fd: number,
    data: Address,
    dataBytes: number,
    flags: number,
    name: Address,
    nameBytes: number,
  ) => number;
  readonly ioctl: (fd: number, request: number, argument: Address) => number;
  readonly clockGetTime: (clock: number, into: Address) => number;
  readonly close: (fd: number) => number;
  readonly epollCreate: (flags: number) => number;
  readonly epollControl: (epoll: number, operation: number, fd: number, event: Address) => number;
  readonly epollWait: (
    epoll: number,
    events: Address,
    maxEvents: number,
    timeoutMs: number,
  ) => number;
  /** The error number of the call before. */
  readonly errno: () => number;
  /** Where the bytes stand. They must be in an `ArrayBuffer` of their own, kept alive by the caller. */
  readonly addressOf: (bytes: ArrayBuffer) => Address;
};

/** Why the fast network cannot be used here; the sentence is for the log. */
export type Unavailable = { readonly unavailable: string };

type SystemCall = (...numbers: readonly number[]) => number;

/** Loads the C library's functions; never rejects. */
export async function loadLinuxCalls(): Promise<LinuxCalls | Unavailable> {
  if (process.platform !== 'linux') return { unavailable: `not on ${process.platform}` };
  if (process.arch !== 'x64' && process.arch !== 'arm64') {
    return { unavailable: `not on ${process.arch} processors` };
  }
  try {
    const { default: koffi } = await import('koffi');
    const libc = koffi.load('libc.so.6');
    // `intptr_t` and `size_t` take numbers; results of these calls fit an int.
    const declare = (name: string, ...types: readonly string[]): SystemCall =>
      libc.func(name, 'int', [...types]);
    return {
      socket: declare('socket', 'int', 'int', 'int'),
      bind: declare('bind', 'int', 'intptr_t', 'int'),
      connect: declare('connect', 'int', 'intptr_t', 'int'),
      getsockname: declare('getsockname', 'int', 'intptr_t', 'intptr_t'),
      setsockopt: declare('setsockopt', 'int', 'int', 'int', 'intptr_t', 'int'),
      recv: declare('recv', 'int', 'intptr_t', 'size_t', 'int'),
      recvfrom: declare('recvfrom', 'int', 'intptr_t', 'size_t', 'int', 'intptr_t', 'intptr_t'),
      send: declare('send', 'int', 'intptr_t', 'size_t', 'int'),
      sendto: declare('sendto', 'int', 'intptr_t', 'size_t', 'int', 'intptr_t', 'int'),
      // With numbers only, functions of variable arguments are called as any others on these processors.
      ioctl: declare('ioctl', 'int', 'ulong', 'intptr_t'),
      clockGetTime: declare('clock_gettime', 'int', 'intptr_t'),
      close: declare('close', 'int'),
      epollCreate: declare('epoll_create1', 'int'),
      epollControl: declare('epoll_ctl', 'int', 'int', 'int', 'intptr_t'),
      epollWait: declare('epoll_wait', 'int', 'intptr_t', 'int', 'int'),
      errno: () => koffi.errno(),
      addressOf: (bytes) => Number(koffi.address(bytes)),
    };
  } catch (error) {
    return { unavailable: error instanceof Error ? error.message : String(error) };
  }
}
