import type { RecordFields } from '../core/record-defaults.ts';
import { jsonOf } from './json-text.ts';

/** `,"client":{…},"tls":{…}`: these members of a line, if it has them. */
export function membersOf(lean: RecordFields, keys: readonly string[]): Buffer {
  const present = keys.filter((key) => key in lean);
  return Buffer.from(present.map((key) => `,"${key}":${jsonOf(lean[key])}`).join(''), 'latin1');
}
