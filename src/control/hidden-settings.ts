import type { Hiding } from '../schema/schema-parts.ts';

/**
 * How values of `Configuration` are hidden, by their keys: what the schema of the file says of them. It stands here once more because
 * the main thread does not load the schema; a test compares the two.
 */
export const hiddenSettings: ReadonlyMap<string, Hiding> = new Map<string, Hiding>([
  ['key', 'file'],
  ['directory', 'query'],
  ['fallback', 'query'],
  ['hmacKey', 'file'],
  ['ask', 'path'],
  ['dnsHook', 'command'],
  ['path', 'query'],
  ['headers', 'header'],
  ['expectHeaders', 'header'],
  ['expectBody', 'value'],
  ['value', 'value'],
  ['command', 'command'],
  ['environment', 'value'],
  ['set', 'header'],
  ['add', 'header'],
  ['tokens', 'hash'],
  ['hash', 'hash'],
  ['role', 'hash'],
  ['url', 'value'],
  ['token', 'value'],
  ['routingKey', 'value'],
  ['password', 'value'],
  ['endpoint', 'path'],
  ['resource', 'name'],
]);
