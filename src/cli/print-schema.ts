import { jsonSchema } from '../config/json-schema.ts';
import { printJson } from './ask-commands.ts';
import type { Surroundings } from './surroundings.ts';

/** Prints the JSON Schema of the configuration, for editors. */
export function printSchema(around: Surroundings): void {
  printJson(jsonSchema(), around);
}
