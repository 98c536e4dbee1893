import type { LogFormatName } from '../core/log-formats.ts';
import { combinedLines } from './combined-format.ts';

/** Makes the lines of a log out of whole lines of records. */
export const logLines: Readonly<Record<LogFormatName, (records: Uint8Array) => Uint8Array>> = {
  json: (records) => records,
  combined: combinedLines,
};
