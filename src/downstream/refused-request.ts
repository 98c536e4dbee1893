import { type HttpVersion, noContent, type RequestHead } from '../core/message.ts';
import { Http1Fields } from '../wire/http1-fields.ts';
import type { Http1RequestHead } from '../wire/http1-request-head.ts';

const noFields = new Http1Fields(Buffer.alloc(0), new Int32Array(0), 0, 0, 0);

/**
 * Stands for a request that could not be read, with the method and target as far as they were read: its exchange is
 * recorded like any other. Its properties stand in the order in which the parser sets them, so that V8 gives both one
 * hidden class.
 */
export function refusedRequest(
  method: string,
  target: string,
  scheme: 'http' | 'https',
  version: HttpVersion = 'HTTP/1.1',
): RequestHead {
  const head: Http1RequestHead = {
    method,
    scheme,
    authority: '',
    target,
    version,
    fields: noFields,
    framing: noContent,
    keepAlive: false,
    expectContinue: false,
    upgrade: null,
    takesTrailers: false,
  };
  return head;
}
