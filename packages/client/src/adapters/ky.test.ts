import ky from 'ky';
import { describeAdapter } from './adapter-contract.test-support.ts';
import { callFailureOf, resilientKy } from './ky.ts';

describeAdapter({
  name: 'ky',
  callFailureOf,
  cancelled: /^AbortError$/,
  // Requests of ky are Request objects, whose small bodies the client keeps.
  streamBytes: 100_000,
  open: (options) => {
    const client = ky.create(resilientKy(options));
    return {
      send: async ({ method, url, body, signal }) => {
        const response = await client(url, {
          method,
          ...(signal === undefined ? {} : { signal }),
          ...(body === undefined ? {} : { body, duplex: 'half' }),
        });
        return { status: response.status, text: await response.text() };
      },
    };
  },
});
