/**
 * The messages of a conversation as a tree: each has a parent, or is a first one. One branch is shown at a time, from a
 * first message to a leaf. Nothing here recurses, so a conversation may have any length.
 */

export interface Node {
  readonly id: string;
  /** The previous message; null for a first one. */
  readonly parent: string | null;
  /** Milliseconds since 1970. Siblings are ordered by it. */
  readonly created: number;
}

export class Tree<T extends Node> {
  private readonly nodes = new Map<string, T>();
  private readonly children = new Map<string | null, T[]>();
  /** For each parent the child that was shown last. */
  private readonly shownChild = new Map<string | null, string>();
  private end: string | null = null;

  /**
   * @param nodes in any order; those without a path to a first message (a missing parent, a cycle) are left out
   * @param leaf a message of the branch to show; if it is missing, the newest message
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

  /** The last message of the shown branch; null if the tree is empty. */
  get leaf(): string | null {
    return this.end;
  }

  /** All messages, parents before children. */
  all(): T[] {
    const all = [...(this.children.get(null) ?? [])];
    for (const { id } of all) all.push(...(this.children.get(id) ?? []));
    return all;
  }

  get(id: string): T | undefined {
    return this.nodes.get(id);
  }

  /** The shown branch, from the first message to the leaf. */
  branch(): T[] {
    return this.path(this.end);
  }

  /** The path from a first message to this one. */
  path(id: string | null): T[] {
    const path: T[] = [];
    for (let node = this.at(id); node; node = this.at(node.parent)) path.push(node);
    return path.reverse();
  }

  /** All children of the same parent, this message included, oldest first. */
  siblings(id: string): readonly T[] {
    const node = this.nodes.get(id);
    return node ? (this.children.get(node.parent) ?? []) : [];
  }

  /**
   * Adds a message below its parent and shows the branch that ends with it.
   * @throws if it exists already or its parent does not
   */
  add(node: T): void {
    if (this.nodes.has(node.id)) throw new Error(`message ${node.id} is there already`);
    if (node.parent !== null && !this.nodes.has(node.parent)) throw new Error(`message ${node.parent} is not there`);
    this.put(node);
    this.switchTo(node.id);
  }

  /** Shows the branch through this message, continued by the children that were shown last, else by the newest. */
  switchTo(id: string): void {
    if (!this.nodes.has(id)) return;
    let end = id;
    for (let child = this.next(end); child; child = this.next(end)) end = child.id;
    this.end = end;
    for (let node = this.at(end); node; node = this.at(node.parent)) this.shownChild.set(node.parent, node.id);
  }

  /** Removes a message and its descendants. @returns all of them, this one first */
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
      this.shownChild.delete(each.id);
    }
    const rest = siblings.filter((sibling) => sibling !== node);
    this.children.set(node.parent, rest);
    if (this.shownChild.get(node.parent) === id) this.shownChild.delete(node.parent);
    if (!onBranch) return gone;
    // A neighbour is shown instead; without one the branch ends at the parent.
    const neighbour = rest[Math.min(at, rest.length - 1)];
    this.end = node.parent;
    if (neighbour) this.switchTo(neighbour.id);
    return gone;
  }

  private at(id: string | null): T | undefined {
    return id === null ? undefined : this.nodes.get(id);
  }

  private next(id: string): T | undefined {
    const shown = this.shownChild.get(id);
    return (shown !== undefined && this.nodes.get(shown)) || this.children.get(id)?.at(-1);
  }

  private put(node: T): void {
    this.nodes.set(node.id, node);
    const siblings = this.children.get(node.parent) ?? [];
    const at = siblings.findLastIndex((sibling) => sibling.created <= node.created) + 1;
    this.children.set(node.parent, siblings.toSpliced(at, 0, node));
  }
}
