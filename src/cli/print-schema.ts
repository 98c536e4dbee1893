import { jsonSchema } from '../config/json-schema.ts';
import { escapeInvisible } from '#failures/invisible-characters.ts';
import type { ProcessContext } from './process-context.ts';

/** Prints the JSON Schema of the configuration, for editors. Its keywords are JSON Schema's, so they keep their case. */
export function printSchema(context: ProcessContext): void {
  context.stdout.write(`${escapeInvisible(JSON.stringify(jsonSchema(), null, 2))}\n`);
}
