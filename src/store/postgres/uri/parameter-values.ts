import { refuseParameter } from './uri-error.ts';

/** The values of a connection URI, by libpq's keywords. */
export type ParameterValues = ReadonlyMap<string, string>;

/** The value of a parameter; null where it is not given, or empty. */
export function valueOf(values: ParameterValues, keyword: string): string | null {
  return values.get(keyword) || null;
}

/**
 * The value of a parameter that accepts a few.
 * @param defaultValue Default: the first accepted one.
 * @throws ConnectionUriError for any other value
 */
export function choiceOf<const T extends string>(
  values: ParameterValues,
  keyword: string,
  accepted: readonly T[],
  defaultValue = accepted[0],
): T {
  const value = values.get(keyword);
  const choice = value === undefined ? defaultValue : accepted.find((one) => one === value);
  return choice ?? refuseParameter(keyword, `it is one of ${accepted.join(', ')}`);
}

/**
 * A number of seconds; null where it is not given.
 * @throws ConnectionUriError for anything but a whole number in the range
 */
export function secondsOf(values: ParameterValues, keyword: string, min: number, max: number): number | null {
  const text = values.get(keyword);
  if (text === undefined) return null;
  const seconds = /^\d{1,6}$/.test(text) ? Number(text) : -1;
  if (seconds >= min && seconds <= max) return seconds;
  return refuseParameter(keyword, `it is a whole number of seconds from ${min} to ${max}`);
}
