import { EventType } from '@ag-ui/core';
import { expect, it } from 'vitest';
import { LIFECYCLE_EVENT_TYPES, WORKER_EVENT_TYPES } from '../../../src/client/event-types.ts';

it("should know all of AG-UI's event types", () => {
  const known = [...WORKER_EVENT_TYPES, ...LIFECYCLE_EVENT_TYPES];
  expect(known.toSorted()).toEqual(Object.values(EventType).toSorted());
});
