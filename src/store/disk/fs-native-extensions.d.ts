/** The package has no types of its own. */
declare module 'fs-native-extensions' {
  /** Locks a whole file that is open to be written, for as long as it stays open: false when another has it. */
  export function tryLock(fd: number): boolean;
  /** Gives the lock back, for all who have the same opened file. */
  export function unlock(fd: number): void;
}
