import { PLAIN_TEXT } from '../lib/field-extensions.ts';
import { builder } from './builder.ts';

builder.scalarType('DateTime', {
  description: 'An instant: RFC 3339, UTC, millisecond precision.',
  specifiedByURL: 'https://scalars.graphql.org/andimarek/date-time',
  serialize: (instant) => instant,
  extensions: { [PLAIN_TEXT]: true },
});
