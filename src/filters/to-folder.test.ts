import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { FilterContext } from '../core/filter.ts';
import { toFolder } from './to-folder.ts';

for (const [path, query, location] of [
  ['/a', '', '/a/'],
  ['/a/b', '?x=1&y=%20', '/a/b/?x=1&y=%20'],
  ['/a%2Fb', '?', '/a%2Fb/?'],
  ['/\\host.example', '', '/%5Chost.example/'],
  ['/a\r\nX-A: b', '?\r\nX-A: b', '/a%0D%0AX-A:%20b/?%0D%0AX-A:%20b'],
  ['/"><script>', '?"><script>', '/%22%3E%3Cscript%3E/?%22%3E%3Cscript%3E'],
  ['/\xc3\xbc', '?\xc3\xbc#x', '/%C3%BC/?%C3%BC%23x'],
] as const)
  it(`${JSON.stringify(path + query)} is led to ${location}`, () => {
    const context = { path, request: { target: path + query } } as unknown as FilterContext;
    const { status, headers } = toFolder(context);
    assert.deepEqual([status, headers.find(([name]) => name === 'Location')?.[1]], [308, location]);
  });
