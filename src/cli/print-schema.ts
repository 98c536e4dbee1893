import { jsonSchema } from '../config/json-schema.ts';
import { printJson } from './ask-commands.ts';
import type { ProcessContext } from './process-context.ts';

/** Prints the JSON Schema of the configuration, for editors. */
export function printSchema(context: ProcessContext): void {
  printJson(jsonSchema(), context);
}
