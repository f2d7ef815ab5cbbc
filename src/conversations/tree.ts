/**
 * The messages of a conversation, as a tree: each follows one other, or is a first one. One branch is read at a time, from
 * a first message to a leaf; the others stay. Nothing here recurses: a conversation may be as long as it likes.
 */

export interface Node {
  readonly id: string;
  /** The message before this one; null for a first one. */
  readonly parent: string | null;
  /** Milliseconds since 1970: siblings are in this order. */
  readonly created: number;
}

export class Tree<T extends Node> {
  private readonly nodes = new Map<string, T>();
  private readonly children = new Map<string | null, T[]>();
  /** The child that was read last, of those that were passed. */
  private readonly read = new Map<string | null, string>();
  private end: string | null = null;

  /**
   * @param nodes in any order; those that hang on nothing (their parent is missing, or they follow themselves) are left out.
   * @param leaf a message of the branch to read; where it is missing, the newest.
   */
  static of<T extends Node>(nodes: readonly T[], leaf: string | null): Tree<T> {
    const tree = new Tree<T>();
    const waiting = new Map<string | null, T[]>();
    for (const node of nodes) waiting.set(node.parent, [...(waiting.get(node.parent) ?? []), node]);
    const next: (string | null)[] = [null];
    for (const parent of next)
      for (const node of waiting.get(parent) ?? [])
        if (!tree.nodes.has(node.id)) {
          tree.put(node);
          next.push(node.id);
        }
    const newest = [...tree.nodes.values()].reduce<T | null>((a, b) => (a && a.created > b.created ? a : b), null);
    const wanted = (leaf !== null && tree.nodes.get(leaf)) || newest;
    if (wanted) tree.switchTo(wanted.id);
    return tree;
  }

  get size(): number {
    return this.nodes.size;
  }

  /** The last message of the branch that is read; null where there is none. */
  get leaf(): string | null {
    return this.end;
  }

  /** Parents before what follows them. */
  all(): T[] {
    const all = [...(this.children.get(null) ?? [])];
    for (const { id } of all) all.push(...(this.children.get(id) ?? []));
    return all;
  }

  get(id: string): T | undefined {
    return this.nodes.get(id);
  }

  /** The branch that is read: from the first message to the leaf. */
  branch(): T[] {
    return this.path(this.end);
  }

  /** From the first message to this one. */
  path(id: string | null): T[] {
    const path: T[] = [];
    for (let node = this.at(id); node; node = this.at(node.parent)) path.push(node);
    return path.reverse();
  }

  /** All messages at the same place, this one too, the oldest first. */
  siblings(id: string): readonly T[] {
    const node = this.nodes.get(id);
    return node ? (this.children.get(node.parent) ?? []) : [];
  }

  /** Adds a message that follows one that is there, or a first one; the branch that ends with it is read from now on. */
  add(node: T): void {
    if (this.nodes.has(node.id)) throw new Error(`message ${node.id} is there already`);
    if (node.parent !== null && !this.nodes.has(node.parent)) throw new Error(`message ${node.parent} is not there`);
    this.put(node);
    this.switchTo(node.id);
  }

  /** Reads the branch through this message: on from it, as it was read last, or by the newest where it never was. */
  switchTo(id: string): void {
    if (!this.nodes.has(id)) return;
    let end = id;
    for (let child = this.next(end); child; child = this.next(end)) end = child.id;
    this.end = end;
    for (let node = this.at(end); node; node = this.at(node.parent)) this.read.set(node.parent, node.id);
  }

  /** Takes a message away, and all that follow it. @returns those, this one first */
  remove(id: string): T[] {
    const node = this.nodes.get(id);
    if (!node) return [];
    const siblings = this.siblings(id);
    const at = siblings.indexOf(node);
    const gone = [node];
    for (const { id: parent } of gone) gone.push(...(this.children.get(parent) ?? []));
    const onBranch = gone.some((each) => each.id === this.end);
    for (const each of gone) {
      this.nodes.delete(each.id);
      this.children.delete(each.id);
      this.read.delete(each.id);
    }
    const rest = siblings.filter((sibling) => sibling !== node);
    this.children.set(node.parent, rest);
    if (this.read.get(node.parent) === id) this.read.delete(node.parent);
    if (!onBranch) return gone;
    // Its neighbour is read instead; without one the branch ends before it.
    const neighbour = rest[Math.min(at, rest.length - 1)];
    this.end = node.parent;
    if (neighbour) this.switchTo(neighbour.id);
    return gone;
  }

  private at(id: string | null): T | undefined {
    return id === null ? undefined : this.nodes.get(id);
  }

  private next(id: string): T | undefined {
    const read = this.read.get(id);
    return (read !== undefined && this.nodes.get(read)) || this.children.get(id)?.at(-1);
  }

  private put(node: T): void {
    this.nodes.set(node.id, node);
    const siblings = this.children.get(node.parent) ?? [];
    const at = siblings.findLastIndex((sibling) => sibling.created <= node.created) + 1;
    this.children.set(node.parent, siblings.toSpliced(at, 0, node));
  }
}
