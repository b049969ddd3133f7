/** The package has no types of its own. */
declare module 'fs-native-extensions' {
  /** Locks a whole file that is open to be written, for as long as it stays open: false when another has it. */
  export function tryLock(fd: number): boolean;
  /** Locks a whole file that is open to be written, as soon as no other has it. Takes a thread of the pool until then. */
  export function waitForLock(fd: number): Promise<void>;
  /** Gives the lock back, for all who have the same opened file. */
  export function unlock(fd: number): void;
}
