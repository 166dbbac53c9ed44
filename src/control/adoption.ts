import type { Log } from "./log.ts";
import type { ListenerSlots } from "./slots.ts";
import type { WorkerLink } from "./worker-link.ts";

/** A place for one worker, with sockets of its own that outlive it. */
export interface AdoptableSlot {
  readonly index: number;
  readonly worker: WorkerLink | undefined;
  /** False: there are fewer workers now, and its sockets are a neighbour's for good. */
  readonly wanted: boolean;
  /** Its sockets have been opened by somebody: from then on somebody must accept on them. */
  readonly opened: boolean;
  /** Workers of other slots that accept here too until the own worker is back. */
  readonly adopters: Set<WorkerLink>;
}

/**
 * Sees to it that every opened slot has somebody who accepts, and that adopters leave when its own worker is back. What
 * the kernel has queued on the socket of a dead or stopped worker is thereby served, not lost.
 */
export function adoptLostSlots(
  slots: readonly AdoptableSlot[],
  isServing: (worker: WorkerLink | undefined) => worker is WorkerLink,
  listeners: readonly ListenerSlots[],
  log: Log,
): void {
  for (const slot of slots) {
    if (isServing(slot.worker)) {
      for (const adopter of slot.adopters) closeSlot(listeners, slot.index, adopter);
      slot.adopters.clear();
    } else if (slot.opened && ![...slot.adopters].some(isServing)) {
      const neighbour = neighbourOf(slot, slots, isServing);
      if (neighbour === undefined) continue;
      slot.adopters.add(neighbour);
      openSlot(listeners, slot.index, neighbour);
      if (!slot.wanted) continue;
      log.warn(
        { "event.name": "zion.slot.adopted", slot: slot.index, by: neighbour.slot },
        "a neighbour serves the sockets of a worker that is gone or silent",
      );
    }
  }
}

/** Gives a worker the sockets of a slot, its own or a neighbour's. */
export function openSlot(
  listeners: readonly ListenerSlots[],
  index: number,
  worker: WorkerLink,
  type: "open" | "move" = "open",
): void {
  for (const { name, address, handle, surplus } of listeners) {
    for (const more of surplus(index))
      worker.send({ type: "open", listener: name, slot: more.slot, address: undefined }, more.handle);
    const bound = handle(index);
    const open = { type, listener: name, slot: index } as const;
    if (bound === undefined) {
      // Its own sockets are all it can have: an adopter's would take a share of new connections for nothing.
      if (worker.slot === index) worker.send({ ...open, address });
    } else if (worker.slot === index || bound !== handle(worker.slot)) {
      worker.send({ ...open, address: undefined }, bound);
    }
  }
}

/** Takes the sockets of a slot away from whoever accepts on them. */
export function closeSlot(listeners: readonly ListenerSlots[], index: number, worker: WorkerLink): void {
  moveSlot(listeners, [], index, worker);
}

/**
 * The sockets of a slot in place of others. A listener that only moves is not closed: the worker lets go of
 * the former socket once it listens on this one, so that somebody listens on a port that both have.
 */
export function moveSlot(
  gone: readonly ListenerSlots[],
  come: readonly ListenerSlots[],
  index: number,
  worker: WorkerLink,
): void {
  openSlot(come, index, worker, "move");
  for (const { name, surplus } of gone) {
    const own = come.some((listener) => listener.name === name) ? [] : [index];
    for (const slot of [...own, ...surplus(index).map((more) => more.slot)])
      worker.send({ type: "close", listener: name, slot });
  }
}

/** The next slot's worker that serves, so that two lost slots go to two neighbours. */
function neighbourOf(
  slot: AdoptableSlot,
  slots: readonly AdoptableSlot[],
  isServing: (worker: WorkerLink | undefined) => worker is WorkerLink,
): WorkerLink | undefined {
  for (let step = 1; step < slots.length; step++) {
    const { worker } = slots[(slot.index + step) % slots.length]!;
    if (isServing(worker)) return worker;
  }
  return undefined;
}
