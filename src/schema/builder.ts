import SchemaBuilder from '@pothos/core';
import type { StoredJson } from '../lib/stored-json.ts';
import type { Context } from './context.ts';
import type { JsonObject } from '../store/records.ts';

/** The builder that every file of the schema adds to. Fields are non-null unless they say otherwise. */
export const builder = new SchemaBuilder<{
  Context: Context;
  DefaultFieldNullability: false;
  Scalars: {
    ID: { Input: string; Output: string };
    DateTime: { Input: never; Output: string };
    JSONObject: { Input: JsonObject; Output: JsonObject | StoredJson };
  };
}>({ defaultFieldNullability: false });
