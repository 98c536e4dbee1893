import { Readable } from 'node:stream';
import { Agent, request } from 'undici';
import { describeAdapter } from './adapter-contract.test-support.ts';
import { callFailureOf, resilientDispatch } from './undici.ts';

describeAdapter({
  name: 'undici',
  callFailureOf,
  cancelled: /^AbortError$/,
  open: (options) => {
    const agent = new Agent();
    const dispatcher = agent.compose(resilientDispatch(options));
    return {
      send: async ({ method, url, body, signal }) => {
        const response = await request(url, {
          dispatcher,
          method,
          ...(signal === undefined ? {} : { signal }),
          ...(body === undefined ? {} : { body: typeof body === 'string' ? body : Readable.from(body) }),
        });
        const text = await response.body.text();
        // undici gives a failed response like any other one.
        if (response.statusCode >= 400) throw Object.assign(new Error(text), response);
        return { status: response.statusCode, text };
      },
      close: () => agent.destroy(),
    };
  },
});
