import type { AppliedMutation } from '../detail.ts';
import type { Owner } from '../owner.ts';
import { StoreUnavailable } from '../unavailable.ts';

/** A mutation of an owner's records. */
export interface OwnedMutation {
  readonly owner: Owner;
  readonly mutation: AppliedMutation;
}

/** What a journal calls. */
export interface JournalOptions {
  /** Writes mutations in one transaction; resolves when it is durable, and rejects when nothing is stored. */
  write(mutations: readonly OwnedMutation[]): Promise<void>;
  /** Called with each mutation after it is durable, in the order of the mutations. It must not throw. */
  publish(owner: Owner, mutation: AppliedMutation): void;
  /** Reverts a mutation in memory. Called with the latest one first. */
  revert(owner: Owner, mutation: AppliedMutation): void;
  /** Called once, when a write has failed: nothing is written any more. */
  onFailure(reason: unknown): void;
}

interface Batch {
  readonly mutations: OwnedMutation[];
  /** Resolves when all are durable and published. */
  readonly durable: Promise<void>;
}

/**
 * Writes mutations to disk after they were made in memory, by group commit: one batch is written at a time, and the
 * mutations made meanwhile are the next batch. When a batch cannot be written, all mutations that are not durable are
 * reverted.
 */
export class Journal {
  readonly #options: JournalOptions;
  /** The batch that is being written. */
  #current: Batch | null = null;
  /** The batch that mutations are added to. */
  #next: Batch | null = null;
  #failure: StoreUnavailable | null = null;

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  /** Why mutations are refused until a restart; null while they are accepted. */
  get failure(): StoreUnavailable | null {
    return this.#failure;
  }

  /** Adds a mutation that was made in memory. */
  append(owner: Owner, mutation: AppliedMutation): void {
    this.#next ??= this.#begin();
    this.#next.mutations.push({ owner, mutation });
  }

  /**
   * Resolves when all that was appended before is durable; null when it is already.
   * @returns a promise that rejects with `StoreUnavailable` when it was reverted instead
   */
  pending(): Promise<void> | null {
    return (this.#next ?? this.#current)?.durable ?? null;
  }

  /** Refuses further mutations; resolves when the appended ones are durable or reverted. */
  async close(): Promise<void> {
    this.#failure ??= new StoreUnavailable('The server is shutting down: try again.');
    await this.pending()?.catch(() => {});
  }

  #begin(): Batch {
    const mutations: OwnedMutation[] = [];
    // Asynchronous in any case, so that mutations of the same turn are written together.
    const durable = (this.#current?.durable ?? Promise.resolve()).then(() => this.#write(mutations));
    // Each mutation awaits it; without any, its rejection must not be unhandled.
    durable.catch(() => {});
    return { mutations, durable };
  }

  async #write(mutations: readonly OwnedMutation[]): Promise<void> {
    const { write, publish } = this.#options;
    this.#current = this.#next;
    this.#next = null;
    try {
      await write(mutations);
    } catch (error) {
      throw this.#fail(error);
    }
    this.#current = null;
    for (const { owner, mutation } of mutations) publish(owner, mutation);
  }

  /** Reverts what is not durable: the next batch fails together with the current one. */
  #fail(cause: unknown): StoreUnavailable {
    const { revert, onFailure } = this.#options;
    const lost = [this.#current, this.#next].flatMap((batch) => batch?.mutations ?? []);
    this.#failure = new StoreUnavailable('Nothing can be stored at the moment: try again later.', { cause });
    this.#current = this.#next = null;
    for (const { owner, mutation } of lost.toReversed()) revert(owner, mutation);
    onFailure(cause);
    return this.#failure;
  }
}
