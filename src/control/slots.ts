import * as net from "node:net";
import { createServer, isIPv6 } from "node:net";
import { getSystemErrorName } from "node:util";
import type { SocketAddress } from "../config/config.ts";
import { systemClock } from "../std/clock.ts";
import type { ListenerName } from "./edge.ts";

/** A socket that is bound but neither listens nor accepts in this process. */
export interface BoundHandle {
  readonly fd: number;
  close(): void;
  getsockname(out: { port?: number }): number;
}

/**
 * How workers come by their listening sockets.
 * - `handle_per_slot`: the primary binds one reusePort socket per worker slot and passes it down. The socket outlives its
 *   worker, so what the kernel queued on it is served by the next one. With plain per-worker reusePort a killed worker
 *   reset a few new connections and a stopped one 1,935 of 11,200 in 5 s; so none.
 * - `shared_handle`: no reusePort on this platform: one bound socket, passed to all.
 * - `worker_binds`: this Node cannot bind without listening: workers bind by themselves, with reusePort.
 */
export type SlotMode = "handle_per_slot" | "shared_handle" | "worker_binds";

/** The sockets of one listener, one place per worker slot. */
export interface ListenerSlots {
  readonly name: ListenerName;
  /** With the real port when 0 was asked for. */
  readonly address: SocketAddress;
  readonly asked: SocketAddress;
  /** Binds sockets for more slots than there are. Throws BindError; returns what lets go of them again. */
  reserve(slotCount: number): () => void;
  /** undefined: the worker binds `address` itself. */
  handle(slot: number): BoundHandle | undefined;
  /** Sockets of a version before that had more workers: what is queued there must be served, too. */
  surplus(slot: number): readonly { readonly slot: number; readonly handle: BoundHandle }[];
  /** What a later version inherits. */
  sockets(): readonly BequeathedSocket[];
  /** Our copies; the sockets live on in workers that have theirs open. */
  close(): void;
}

export interface WantedListener {
  readonly name: ListenerName;
  readonly address: SocketAddress;
}

/** Why an address cannot be had. `code` is the system's, such as EADDRINUSE. */
export class BindError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** A socket that another process gets as an open descriptor. */
export interface BequeathedSocket {
  /** "http", "telemetry", … */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly fd: number;
}

export interface SlotOptions {
  readonly mode?: SlotMode;
  /** Sockets of the version before: those of a wanted address are used, and no others but what is missing bound. */
  readonly inherited?: readonly InheritedSocket[];
  /** Listeners of this gateway that are open: what they hold is not somebody else's. */
  readonly besides?: readonly ListenerSlots[];
  /** How long a port in use is waited for: workers of a killed primary may still be closing it. */
  readonly portPatienceMs?: number;
}

/** A socket that the version before listens on; it goes on listening when that one ends. */
export interface InheritedSocket {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly handle: BoundHandle;
}

/** Binds every listener or none. Throws BindError. */
export async function openSlots(
  wanted: readonly WantedListener[],
  slotCount: number,
  options: SlotOptions = {},
): Promise<readonly ListenerSlots[]> {
  const { mode = detectSlotMode(), inherited = [], besides = [], portPatienceMs = 0 } = options;
  const isOurs = ({ port }: SocketAddress) => besides.some(({ address }) => address.port === port);
  const inheritedBy = ({ name, address }: WantedListener) =>
    inherited.filter((socket) => socket.name === name && isSame(socket, address));
  for (const listener of wanted) {
    if (inheritedBy(listener).length > 0 || isOurs(listener.address)) continue;
    await probeFree(listener.name, listener.address, portPatienceMs);
  }
  const opened: ListenerSlots[] = [];
  try {
    for (const listener of wanted)
      opened.push(bindListener(listener, slotCount, mode, inheritedBy(listener)));
    return opened;
  } catch (error) {
    for (const slots of opened) slots.close();
    throw error;
  }
}

/** Tries what this platform and this Node can do. */
export function detectSlotMode(): SlotMode {
  if (binder === undefined) return "worker_binds";
  const first = binder("127.0.0.1", 0, 4, undefined, reusePortFlag);
  if (typeof first === "number") return "shared_handle";
  const second = binder("127.0.0.1", portOf(first), 4, undefined, reusePortFlag);
  first.close();
  if (typeof second === "number") return "shared_handle";
  second.close();
  return "handle_per_slot";
}

/**
 * A second gateway on the same port would bind silently because of reusePort, and take half of the connections. An
 * exclusive bind, which fails when anybody listens, tells an accidental second start from the first.
 */
async function probeFree(name: ListenerName, address: SocketAddress, patienceMs: number): Promise<void> {
  const { host, port } = address;
  if (port === 0) return;
  const untilMs = systemClock.nowMs() + patienceMs;
  for (;;) {
    const code = await tryBind(address);
    if (code === undefined) return;
    if (code !== "EADDRINUSE" || systemClock.nowMs() >= untilMs) throw bindError(name, host, port, code);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The system's code for why not. */
function tryBind({ host, port }: SocketAddress): Promise<string | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "EUNKNOWN"));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

function isSame(socket: InheritedSocket, { host, port }: SocketAddress): boolean {
  return socket.host === host && (port === 0 || socket.port === port);
}

function bindListener(
  { name, address }: WantedListener,
  slotCount: number,
  mode: SlotMode,
  inherited: readonly InheritedSocket[],
): ListenerSlots {
  if (mode === "worker_binds") {
    const nothing = () => {};
    return {
      name,
      address,
      asked: address,
      reserve: () => nothing,
      handle: () => undefined,
      surplus: () => [],
      sockets: () => [],
      close: nothing,
    };
  }

  const handles: BoundHandle[] = inherited.map(({ handle }) => handle);
  const closeFrom = (first: number) => {
    for (const handle of handles.splice(first)) handle.close();
  };
  const perSlot = mode === "handle_per_slot";
  let port = handles[0] === undefined ? address.port : portOf(handles[0]);
  /** Slots that have a worker, or had one. */
  let slots = 0;

  const reserve = (count: number): (() => void) => {
    const before = { handles: handles.length, slots };
    for (let slot = handles.length; slot < (perSlot ? count : 1); slot++) {
      const handle = bind(address.host, port, perSlot ? reusePortFlag : 0);
      if (typeof handle === "number") {
        closeFrom(before.handles);
        throw bindError(name, address.host, port, getSystemErrorName(handle));
      }
      handles.push(handle);
      port = portOf(handle);
    }
    slots = Math.max(slots, count);
    return () => {
      closeFrom(before.handles);
      slots = before.slots;
    };
  };

  reserve(slotCount);
  return {
    name,
    address: { host: address.host, port },
    asked: address,
    reserve,
    handle: (slot) => handles[perSlot ? slot : 0],
    surplus: (slot) =>
      handles.flatMap((handle, index) =>
        perSlot && index >= slots && index % slots === slot ? [{ slot: index, handle }] : [],
      ),
    sockets: () => handles.map(({ fd }) => ({ name, host: address.host, port, fd })),
    close: () => closeFrom(0),
  };
}

function bindError(name: ListenerName, host: string, port: number, code: string): BindError {
  const shown = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
  const hint = hints[code] ?? `the system says ${code}`;
  return new BindError(code, `cannot listen on ${shown} (${name}): ${hint}`);
}

const hints: Readonly<Record<string, string>> = {
  EADDRINUSE: "another process, perhaps another zion, listens on this port (EADDRINUSE)",
  EADDRNOTAVAIL: "no interface of this machine has this address (EADDRNOTAVAIL)",
  EACCES: "ports below 1024 need CAP_NET_BIND_SERVICE (EACCES)",
};

type Binder = (
  host: string | undefined,
  port: number | undefined,
  family: 4 | 6 | undefined,
  fd: number | undefined,
  flags: number,
) => BoundHandle | number;

/** Node's own way to bind without listening, used by its cluster module. Not documented, hence the feature test. */
const binder = (net as unknown as { readonly _createServerHandle?: Binder })._createServerHandle;
/** UV_TCP_REUSEPORT */
const reusePortFlag = 2;

function bind(host: string, port: number, flags: number): BoundHandle | number {
  return binder!(host, port, isIPv6(host) ? 6 : 4, undefined, flags);
}

/** The socket behind a descriptor that this process was started with. */
export function handleOf(fd: number): BoundHandle {
  const handle = binder!(undefined, undefined, undefined, fd, 0);
  if (typeof handle === "number") throw new Error(`descriptor ${fd}: ${getSystemErrorName(handle)}`);
  return handle;
}

function portOf(handle: BoundHandle): number {
  const name: { port?: number } = {};
  handle.getsockname(name);
  return name.port ?? 0;
}
