import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { noListener, SessionStream } from './session-stream.ts';

/** What the client says, in its request and later; what the response says, null: before it; the urgency; whether it can be used in parts. */
type Row = readonly [
  client: string,
  response: string | null,
  later: string | null,
  urgency: number,
  isIncremental: boolean,
];

const rows: readonly Row[] = [
  ['', null, null, 3, false],
  ['u=1, i', null, null, 1, true],
  ['u=1,i=?0', null, null, 1, false],
  ['u=9, i=1', null, null, 3, false],
  ['U=1, I', null, null, 3, false],
  ['u=1, i', null, '', 3, false],
  ['u=1', 'u=5', null, 5, false],
  ['u=1', 'i', null, 1, true],
  ['u=1, i', 'i=?0', null, 1, false],
  ['u=1, i', '', null, 1, true],
  ['u=1, i', 'u=high', null, 1, true],
  ['u=1', 'u=5', 'u=0, i', 5, true],
  ['u=1', 'i', 'u=6', 6, true],
];

describe('the priority of a stream (RFC 9218)', () => {
  for (const [client, response, later, urgency, isIncremental] of rows) {
    const says = [
      `of "${client}"`,
      ...(response === null ? [] : [`with "${response}" of the response`]),
      ...(later === null ? [] : [`then "${later}"`]),
    ];
    it(`${says.join(', ')} is ${urgency}${isIncremental ? ', in parts' : ''}`, () => {
      const stream = new SessionStream(1, 0, 0, noListener);
      stream.prioritize(client);
      if (response !== null) stream.mergePriority(response);
      if (later !== null) stream.prioritize(later);
      assert.deepEqual([stream.urgency, stream.incremental], [urgency, isIncremental]);
    });
  }
});
