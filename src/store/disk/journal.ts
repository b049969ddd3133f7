import type { Change } from '../change.ts';
import type { Owner } from '../owner.ts';
import { StoreUnavailable } from '../unavailable.ts';

/** All changes of one mutation. */
export interface Mutation {
  readonly owner: Owner;
  readonly changes: readonly Change[];
}

/** What a journal does with mutations. */
export interface JournalOptions {
  /** Writes mutations in one transaction; done when that is durable, and rejects when nothing of it is stored. */
  write(mutations: readonly Mutation[]): Promise<void>;
  /** Told of each mutation once it is durable, in the order of the mutations. Must not throw. */
  publish(owner: Owner, changes: readonly Change[]): void;
  /** Takes back a mutation in memory; the last one first. */
  undo(owner: Owner, changes: readonly Change[]): void;
  /** Told once why nothing can be written any more. */
  onFailure(reason: unknown): void;
}

interface Batch {
  readonly mutations: Mutation[];
  /** Kept when all is durable and published. */
  readonly durable: Promise<void>;
}

/**
 * Brings mutations that were made in memory to disk. One batch is on its way at a time, and those that are made
 * meanwhile go together in the next one. When one batch cannot be written, all that is not durable is taken back.
 */
export class Journal {
  readonly #options: JournalOptions;
  /** The batch on its way to disk. */
  #current: Batch | null = null;
  /** The batch that mutations are added to. */
  #next: Batch | null = null;
  #failure: StoreUnavailable | null = null;

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  /** Why no mutation can be taken until a restart; null as long as they can. */
  get failure(): StoreUnavailable | null {
    return this.#failure;
  }

  /** Takes a mutation that was made in memory. */
  append(owner: Owner, changes: readonly Change[]): void {
    this.#next ??= this.#begin();
    this.#next.mutations.push({ owner, changes });
  }

  /**
   * Kept when all that was appended is durable; null when it is already.
   * @returns a promise that rejects with `StoreUnavailable` when it was taken back instead
   */
  pending(): Promise<void> | null {
    return (this.#next ?? this.#current)?.durable ?? null;
  }

  /** Takes no more mutations; done when those that it has are durable, or taken back. */
  async close(): Promise<void> {
    this.#failure ??= new StoreUnavailable('The server is shutting down: try again.');
    await this.pending()?.catch(() => {});
  }

  #begin(): Batch {
    const mutations: Mutation[] = [];
    // Never at once: mutations of the same moment go together.
    const durable = (this.#current?.durable ?? Promise.resolve()).then(() => this.#write(mutations));
    // Whoever waits hears of it; it is no error that nobody does.
    durable.catch(() => {});
    return { mutations, durable };
  }

  async #write(mutations: readonly Mutation[]): Promise<void> {
    const { write, publish } = this.#options;
    this.#current = this.#next;
    this.#next = null;
    try {
      await write(mutations);
    } catch (error) {
      throw this.#fail(error);
    }
    this.#current = null;
    for (const { owner, changes } of mutations) publish(owner, changes);
  }

  /** Takes back what is not durable. The batch that waits fails together with the one before it. */
  #fail(cause: unknown): StoreUnavailable {
    const { undo, onFailure } = this.#options;
    const lost = [this.#current, this.#next].flatMap((batch) => batch?.mutations ?? []);
    this.#failure = new StoreUnavailable('Nothing can be stored at the moment: try again later.', { cause });
    this.#current = this.#next = null;
    for (const { owner, changes } of lost.toReversed()) undo(owner, changes);
    onFailure(cause);
    return this.#failure;
  }
}
