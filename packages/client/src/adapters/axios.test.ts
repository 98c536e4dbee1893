import { Readable } from 'node:stream';
import axios from 'axios';
import { describeAdapter } from './adapter-contract.test-support.ts';
import { callFailureOf, resilientAdapter } from './axios.ts';

for (const adapter of ['http', 'fetch'] as const)
  describeAdapter({
    name: `axios over ${adapter}`,
    callFailureOf,
    cancelled: /^CanceledError$/,
    open: (options) => {
      const api = axios.create({
        adapter: resilientAdapter(axios, { adapter, ...options }),
        responseType: 'text',
      });
      return {
        send: async ({ method, url, body, signal }) => {
          const { status, data } = await api.request<string>({
            method,
            url,
            data: adapter === 'http' && body instanceof ReadableStream ? Readable.from(body) : body,
            ...(signal === undefined ? {} : { signal }),
          });
          return { status, text: data };
        },
      };
    },
  });
