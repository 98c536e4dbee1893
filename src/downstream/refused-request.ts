import { noContent, type RequestHead } from '../core/message.ts';
import { Http1Fields } from '../wire/http1-fields.ts';
import type { Http1RequestHead } from '../wire/http1-request-head.ts';

const noFields = new Http1Fields(Buffer.alloc(0), new Int32Array(0), 0, 0, 0);

/**
 * Stands for a request that could not be read, with what was read of it: its exchange is recorded like any other. In
 * properties and their order it is as what the parser makes, so that one that is refused makes no other slower.
 */
export function refusedRequest(method: string, target: string): RequestHead {
  const head: Http1RequestHead = {
    method,
    scheme: 'http',
    authority: '',
    target,
    version: 'HTTP/1.1',
    fields: noFields,
    framing: noContent,
    keepAlive: false,
    expectContinue: false,
    upgrade: null,
    takesTrailers: false,
  };
  return head;
}
