import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseConfiguration } from './parse.ts';
import { suggestForShortForm } from './explain-short-form.ts';

const endpoint = '"127.0.0.1:3000"';

describe('what is suggested in place of a short form is accepted', () => {
  for (const [path, word] of [
    [['otlp'], 'http://127.0.0.1:4318'],
    [['admin'], '127.0.0.1:9901'],
    [['admin'], './candor.sock'],
    [['timeouts'], '30s'],
    [['drain'], '30s'],
    [['websocket'], '60s'],
    [['dns'], '127.0.0.53'],
    [['dns'], '::1'],
    [['store', 'keep'], '7d'],
    [['store', 'keep'], '2GiB'],
    [['upstreams', 'app', 'connections'], '50'],
    [['upstreams', 'app', 'when_none_ready'], '10s'],
  ] as const)
    test(`${path.join('.')}: ${word}`, () => {
      const suggested = suggestForShortForm(path, word);
      const written = /^write (\{.*\})$/.exec(suggested ?? '')?.[1];
      assert.ok(written !== undefined, String(suggested));
      const [section, ...rest] = path;
      const inner = rest.toReversed().reduce((text: string, key) => `{ ${key}: ${text} }`, written);
      const upstreams =
        section === 'upstreams'
          ? inner.replace('{ app: {', `{ app: { endpoints: ${endpoint},`)
          : `{ app: ${endpoint} }`;
      const yaml = `upstreams: ${upstreams}\n${section === 'upstreams' ? '' : `${section}: ${inner}\n`}`;
      const parsed = parseConfiguration(yaml, {
        file: 'candor.yaml',
        directory: '/etc',
        environment: {},
        hostname: 'gw',
      });
      const errors = parsed.ok ? [] : parsed.errors.map(({ message }) => message);
      // Over TCP the admin API needs a token as well.
      assert.deepEqual(
        errors.filter((error) => !error.includes('token')),
        [],
      );
    });
});
