import { Readable } from 'node:stream';
import got from 'got';
import { describeAdapter } from './adapter-contract.test-support.ts';
import { callFailureOf, resilientGot } from './got.ts';

describeAdapter({
  name: 'got',
  callFailureOf,
  cancelled: /^AbortError$/,
  open: (options) => {
    const client = got.extend(resilientGot(options));
    return {
      send: async ({ method, url, body, signal }) => {
        const { statusCode, body: text } = await client(url, {
          method,
          ...(signal === undefined ? {} : { signal }),
          ...(body === undefined ? {} : { body: typeof body === 'string' ? body : Readable.from(body) }),
        });
        return { status: statusCode, text };
      },
    };
  },
});
