import { BodyPart, createFrame, type StreamFormat } from './stream-format.ts';

/**
 * Multipart, as Apollo's clients have it by default:
 * https://www.apollographql.com/docs/graphos/routing/operations/subscriptions/multipart-protocol
 * A part ends with the delimiter of the next one: clients read it only then.
 */
export const MULTIPART: StreamFormat = {
  contentType: 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0',
  start: '\r\n--graphql',
  ping: new BodyPart('\r\nContent-Type: application/json\r\n\r\n{}\r\n--graphql'),
  end: '--\r\n',
  frame: createFrame('\r\nContent-Type: application/json\r\n\r\n{"payload":', '}\r\n--graphql'),
};
