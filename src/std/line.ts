/** A member of a `Line`, which it is linked to by its neighbours: undefined at the ends, and outside. The line's to set. */
export interface LineMember<M> {
  before: M | undefined;
  behind: M | undefined;
}

/**
 * Members in the order in which they came; each in one line at a time. For those that come and go with every request or
 * connection, where a Set costs V8 its old space: it makes a new table for every few of them, and once it lies in old space
 * each table does from its birth, and keeps what stood in it alive until the whole heap is marked. Measured: 2 MB a second
 * of tables under 25,000 bodies a second (bench/results/profiles.md).
 */
export class Line<M extends LineMember<M>> {
  size = 0;
  #first: M | undefined = undefined;
  #last: M | undefined = undefined;

  get first(): M | undefined {
    return this.#first;
  }

  has(member: M): boolean {
    return member.before !== undefined || this.#first === member;
  }

  /** Puts it at the end. Nothing if it is in the line. */
  add(member: M): void {
    if (this.has(member)) return;
    const last = this.#last;
    member.before = last;
    if (last === undefined) this.#first = member;
    else last.behind = member;
    this.#last = member;
    this.size++;
  }

  /** False: it is not in the line. */
  delete(member: M): boolean {
    if (!this.has(member)) return false;
    const { before, behind } = member;
    if (before === undefined) this.#first = behind;
    else before.behind = behind;
    if (behind === undefined) this.#last = before;
    else behind.before = before;
    // One that is gone must not keep its neighbours alive.
    member.before = undefined;
    member.behind = undefined;
    this.size--;
    return true;
  }

  /** All of now. Whoever walks over it may change the line. */
  all(): M[] {
    const members: M[] = [];
    for (let member = this.#first; member !== undefined; member = member.behind) members.push(member);
    return members;
  }
}
