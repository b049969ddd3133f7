/** An hour, in milliseconds: a limit that no test reaches, however slow the machine is. */
export const HOUR = 3_600_000;
