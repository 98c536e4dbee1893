import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, test } from 'node:test';
import pino from 'pino';
import winston from 'winston';
import { FakeKitClock } from './fake-clock.test-support.ts';
import { labelConsole, logFields, winstonFields } from './log-fields.ts';
import { ServedRequest } from './request-context.ts';

const headers = {
  'x-request-id': 'id-1',
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
};
const request = new ServedRequest({ headers }, new FakeKitClock());
const fields = { request_id: 'id-1', trace_id: '4bf92f3577b34da6a3ce929d0e0e4736' };

function writtenInto(): { readonly stream: Writable; readonly line: () => any } {
  let text = '';
  const stream = new Writable({
    write(bytes, _, done) {
      text += String(bytes);
      done();
    },
  });
  return { stream, line: () => JSON.parse(text.trim().split('\n').at(-1) ?? '') };
}

describe('a line that is written for a request has its ids', () => {
  test('of pino', () => {
    const { stream, line } = writtenInto();
    const log = pino({ mixin: logFields }, stream);
    request.run(() => log.info({ order: 7 }, 'paid'));
    const { request_id, trace_id, order, msg } = line();
    assert.deepEqual({ request_id, trace_id, order, msg }, { ...fields, order: 7, msg: 'paid' });
    log.info('outside');
    assert.equal('request_id' in line(), false);
  });

  test('of winston', () => {
    const { stream, line } = writtenInto();
    const { combine, json } = winston.format;
    const log = winston.createLogger({
      format: combine(winstonFields, json()),
      transports: [new winston.transports.Stream({ stream })],
    });
    request.run(() => log.info('paid', { order: 7 }));
    assert.deepEqual(line(), { ...fields, level: 'info', message: 'paid', order: 7 });
    log.info('outside');
    assert.equal('request_id' in line(), false);
  });

  test('of the console, behind what the application has written', () => {
    const calls: unknown[][] = [];
    const write = (...args: unknown[]): void => void calls.push(args);
    const target = { debug: write, log: write, info: write, warn: write, error: write };
    const restore = labelConsole(target);
    request.run(() => target.log('paid %d', 7));
    target.error('outside');
    restore();
    request.run(() => target.warn('restored'));
    const ids = `request_id=id-1 trace_id=${fields.trace_id}`;
    assert.deepEqual(calls, [['paid %d', 7, ids], ['outside'], ['restored']]);
  });
});
