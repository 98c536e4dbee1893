import type { Fields, RequestHead } from '../core/message.ts';
import { noContent } from '../core/message.ts';

const noFields: Fields = { get: () => null, has: () => false, hasId: () => false, each() {}, writeTo() {} };

/** Stands for a request that could not be read, with what was read of it: its exchange is recorded like any other. */
export function refusedRequest(method: string, target: string): RequestHead {
  return {
    method,
    scheme: 'http',
    authority: '',
    target,
    version: 'HTTP/1.1',
    fields: noFields,
    framing: noContent,
    upgrade: null,
    takesTrailers: false,
  };
}
