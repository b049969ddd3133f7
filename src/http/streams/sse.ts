import { BodyPart, createFrame, type StreamFormat } from './stream-format.ts';

/**
 * Server-Sent Events, in the distinct connections mode of graphql-sse:
 * https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md#distinct-connections-mode
 */
export const SSE: StreamFormat = {
  contentType: 'text/event-stream; charset=utf-8',
  start: ':\n\n',
  ping: new BodyPart(':\n\n'),
  end: 'event: complete\ndata:\n\n',
  frame: createFrame('event: next\ndata: ', '\n\n'),
};
