import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Failure, fail } from '#failures/failure.ts';
import type { Delivery } from '#failures/shape.ts';
import { failureOfStopped } from './instance-exit.ts';

const cut = fail('closed_before_response', 'response', { address: '127.0.0.1:3000', reused: false, idleMs: 0 });
const late = fail('response_head_timeout', 'response', { address: '127.0.0.1:3000', limitMs: 1000 });
const stopped = { replacedBy: 'web/2' };

describe('a failure at an instance', () => {
  for (const [what, failure, by, delivery, expected] of [
    ["that the gateway has stopped is the gateway's doing", cut, stopped, 'sent_unknown', 'drained'],
    ['that ended by itself stays what it is', cut, undefined, 'sent_unknown', 'closed_before_response'],
    ['that the request never reached stays what it is', cut, stopped, 'not_sent', 'closed_before_response'],
    ['that no exit explains stays what it is', late, stopped, 'sent_unknown', 'response_head_timeout'],
  ] as const)
    it(what, () => {
      const exit = { atInstant: 0, code: null, signal: 'SIGTERM', outOfMemory: false, lastLine: null };
      const attempt = {
        exit: by === undefined ? exit : { ...exit, stopped: by },
        status: 0,
        delivery: delivery as Delivery,
      };
      assert.equal(failureOfStopped(failure as Failure, attempt).cause, expected);
    });
});
