import type { Outcome } from '../store/outcome.ts';
import type { Owner } from '../store/owner.ts';
import type { Claim, ClaimRequest } from '../store/queue.ts';
import { noteClaims, releaseClaims } from './claimed-runs.ts';
import type { ClaimWaiter } from './claim-waiters.ts';
import type { WaitingRequest } from './waiting-request.ts';
import type { Wait, WakeListener } from './waits.ts';

type Claims = Outcome<readonly Claim[]>;

/**
 * Claims runs as soon as there are some; none once the wait is over.
 * @throws the reason why the request was stopped: runs that were claimed meanwhile are released
 */
export function waitForClaims(request: WaitingRequest, worker: Owner, wanted: ClaimRequest): Promise<Claims> {
  const wait = request.waits.begin(worker, wanted.waitSeconds, request);
  return new Promise((resolve, reject) => {
    new WaitingClaim(request, worker, wanted, wait, resolve, reject).claim();
  });
}

/** A class, and no async function: thousands of claims may wait, and each of its parts would take more memory. */
class WaitingClaim implements ClaimWaiter, WakeListener {
  readonly #request: WaitingRequest;
  readonly #worker: Owner;
  readonly #wanted: ClaimRequest;
  readonly #wait: Wait;
  readonly #resolve: (outcome: Claims) => void;
  readonly #reject: (error: unknown) => void;
  #wasWoken = false;

  constructor(
    request: WaitingRequest,
    worker: Owner,
    wanted: ClaimRequest,
    wait: Wait,
    resolve: (outcome: Claims) => void,
    reject: (error: unknown) => void,
  ) {
    this.#request = request;
    this.#worker = worker;
    this.#wanted = wanted;
    this.#wait = wait;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  get graphIds(): readonly string[] {
    return this.#wanted.graphIds;
  }

  get owner(): Owner | null {
    return this.#wanted.allOwners ? null : this.#worker;
  }

  wake(): void {
    this.#wasWoken = true;
    this.#wait.wake();
  }

  onWoken(): void {
    const { stopped } = this.#request;
    if (stopped === null) this.claim();
    else this.#fail(stopped);
  }

  claim(): void {
    const { claimWaiters, stores } = this.#request;
    claimWaiters.add(this);
    try {
      const outcome = stores.queue.claim(this.#worker, this.#wanted);
      if (!(outcome instanceof Promise)) return this.#onClaimed(outcome);
      void outcome.then(
        (claimed) => this.#onClaimed(claimed),
        (error) => this.#fail(error),
      );
    } catch (error) {
      this.#fail(error);
    }
  }

  #onClaimed(outcome: Claims): void {
    const request = this.#request;
    noteClaims(request, this.#worker, outcome);
    const isEmpty = 'value' in outcome && outcome.value.length === 0;
    if (isEmpty && !this.#wait.isOver) return this.#wait.onceWoken(this);
    const { stopped } = request;
    if (stopped !== null) return void releaseClaims(request).then(() => this.#fail(stopped));
    this.#end();
    this.#resolve(outcome);
  }

  #fail(error: unknown): void {
    this.#end();
    this.#reject(error);
  }

  #end(): void {
    const { claimWaiters } = this.#request;
    claimWaiters.remove(this);
    this.#wait.end();
    // There may be more runs than this call has claimed.
    if (this.#wasWoken) claimWaiters.wakeOneOfEach(new Set(this.graphIds));
  }
}
