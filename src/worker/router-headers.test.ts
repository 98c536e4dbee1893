import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RouteMatch } from '../core/route-spec.ts';
import { HeadStorage } from '../wire/head-storage.ts';
import { RequestHeadParser } from '../wire/request-head.ts';
import { requestLimits } from '../wire/request-limits.test-support.ts';
import type { Route } from '../exchange/ports.ts';
import { createRouter } from './router.ts';

describe('a route that wants a header is chosen', () => {
  for (const [what, lines, matched] of [
    ['by a header that goes on', ['X-Beta: 1'], ['present', 'value']],
    ['by its value alone, if it wants one', ['X-Beta: 2'], ['present']],
    ['by all lines of it', ['X-Beta: 1', 'x-beta: 1'], ['present']],
    ['by a header that this gateway reads too', ['Upgrade: websocket', 'Connection: Upgrade'], ['upgrade']],
    ['not by a header that Connection nominates', ['X-Beta: 1', 'Connection: x-beta'], []],
    ['not by one that Connection nominated before', ['Connection: keep-alive, X-BETA', 'X-Beta: 1'], []],
    ['not by a header of another name', ['X-Beta2: 1'], []],
  ] as const) {
    test(what, () => {
      const bytes = Buffer.from(['GET / HTTP/1.1', 'Host: a', ...lines, '', ''].join('\r\n'), 'latin1');
      const parser = new RequestHeadParser(requestLimits, new HeadStorage());
      parser.push(bytes, 0, bytes.length);
      const head = parser.head;
      assert.ok(head !== null);
      const wanted: readonly { id: string; name: string; value: string | null }[] = [
        { id: 'present', name: 'x-beta', value: null },
        { id: 'value', name: 'x-beta', value: '1' },
        { id: 'upgrade', name: 'upgrade', value: 'websocket' },
      ];
      const found = wanted.filter(({ id, name, value }) => {
        const tests = [value === null ? { kind: 'present' as const } : { kind: 'is' as const, value }];
        const match: RouteMatch = {
          hosts: [],
          pathPrefix: '/',
          methods: [],
          conditions: [{ kind: 'header', name, tests }],
        };
        return createRouter([{ match, route: { id } as unknown as Route }]).route(head) !== null;
      });
      assert.deepEqual(
        found.map(({ id }) => id),
        matched,
      );
    });
  }
});
