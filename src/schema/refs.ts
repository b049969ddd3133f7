import type { ObjectRef } from '@pothos/core';
import { PLAIN_TEXT } from '../lib/field-extensions.ts';
import type { RunPayloads } from '../store/execution.ts';
import type { Assistant, Run, Thread } from '../store/records.ts';
import { builder } from './builder.ts';

/** A GraphQL object type, by what its resolvers are given. */
export type Ref<T> = ObjectRef<typeof builder.$inferSchemaTypes, T>;

/** A record as an event shows it: with the payloads of right after the change. */
export interface WithPayloads {
  /** Those of the run, or of the one whose output a thread has as values. Default: they are read from the store. */
  readonly payloads?: RunPayloads;
}

/** A record of any resource. */
export type AnyResource = Assistant | (Thread & WithPayloads) | (Run & WithPayloads);

/** The resources by their GraphQL names, so that their files can refer to each other. */
export const AssistantRef = builder.objectRef<Assistant>('Assistant');
export const ThreadRef = builder.objectRef<Thread & WithPayloads>('Thread');
export const RunRef = builder.objectRef<Run & WithPayloads>('Run');

/** How the schema defines the id of a resource. */
export const RESOURCE_ID = {
  description: 'UUID v4 as 32 lowercase hex digits.',
  extensions: { [PLAIN_TEXT]: true },
};

/** A resource in English. */
export function wordsFor(resource: Ref<AnyResource>): { readonly noun: string; readonly article: string } {
  const noun = resource.name.toLowerCase();
  return { noun, article: noun === 'assistant' ? 'an' : 'a' };
}
