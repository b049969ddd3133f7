import { type BaseEvent, EventType } from '@ag-ui/client';
import type { AgUiEvent } from '../client/event-types.ts';

/** An event as AG-UI's client types it. The client itself checks the fields. */
export function toBaseEvent(event: AgUiEvent): BaseEvent {
  if (isBaseEvent(event)) return event;
  throw new TypeError(`This version of @ag-ui/client knows no events of the type ${event.type}.`);
}

const TYPES: ReadonlySet<string> = new Set(Object.values(EventType));

function isBaseEvent(event: AgUiEvent): event is AgUiEvent & BaseEvent {
  return TYPES.has(event.type);
}
