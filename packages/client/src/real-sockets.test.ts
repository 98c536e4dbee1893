import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  answer,
  type Fault,
  type FaultOrigin,
  refusingAddress,
  reset,
  send,
  startFaultOrigin,
} from '../../../src/testing/testing.ts';
import { GatewayError } from './gateway-error.ts';
import { createFetch } from './resilient-fetch.ts';
import { failureOf } from './resilient-call.ts';

/** Real sockets and the platform's fetch: what the codes of Node's errors mean, and what the origin sees of retries. */
let origin: FaultOrigin;
before(async () => {
  origin = await startFaultOrigin({
    faults: [
      fault('cut', () => [send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234'), reset]),
      fault('reset', () => [reset]),
      fault('busy', () => answer('503 Service Unavailable', 'busy', ['Retry-After: 0'])),
      fault('garbage', () => [send('SSH-2.0-OpenSSH_9.6\r\n')]),
    ],
  });
});
after(() => origin.close());

function fault(name: string, script: Fault['script']): Fault {
  return { name, does: name, faulty: true, begins: 'body', script };
}

const quick = { retry: { baseMs: 1 }, timeouts: { overallMs: 5000 } };

async function thrownBy(call: Promise<Response>): Promise<GatewayError> {
  const error: unknown = await call.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof GatewayError);
  return error;
}

describe('over real sockets', () => {
  const rows: readonly (readonly [fault: string, method: string, sent: number, shape: string, cause: string])[] = [
    ['reset', 'GET', 3, 'reset', 'reset_before_response'],
    ['reset', 'POST', 1, 'reset', 'reset_before_response'],
    ['garbage', 'GET', 1, 'garbage', 'response_not_http'],
  ];
  for (const [fault, method, sent, shape, cause] of rows) {
    test(`${method} ${fault} is sent ${sent === 1 ? 'once' : `${sent} times`}, and is ${cause}`, async () => {
      const id = `${fault}-${method}`;
      const fetch = createFetch(quick);
      const body = method === 'GET' ? null : 'text';
      const error = await thrownBy(
        fetch(`${origin.url}/fault/${fault}`, { method, body, headers: { 'x-fault-id': id } }),
      );
      assert.deepEqual([error.shape, error.cause, origin.count(id)], [shape, cause, sent]);
      assert.equal(error.mayHaveBeenExecuted, true);
    });
  }

  test('a body that is cut is asked for again, and after that an error of the reader', async () => {
    const fetch = createFetch(quick);
    const response = await fetch(`${origin.url}/fault/cut`, { headers: { 'x-fault-id': 'cut' } });
    await assert.rejects(response.text(), (error) => error instanceof GatewayError && error.shape === 'reset');
    assert.equal(origin.count('cut'), 3);
  });

  test('the connection of an answer that was retried is used again', async () => {
    const fetch = createFetch(quick);
    const before = origin.connectionsAccepted;
    const response = await fetch(`${origin.url}/fault/busy`);
    assert.equal(failureOf(response)?.status, 503);
    await response.text();
    assert.ok(origin.connectionsAccepted - before <= 1);
  });

  test('a POST to a port on which nothing listens was not sent', async () => {
    const refusing = await refusingAddress();
    try {
      const error = await thrownBy(
        createFetch({ retry: false })(`http://${refusing.host}:${refusing.port}/`, { method: 'POST', body: 'a' }),
      );
      assert.deepEqual(
        [error.cause, error.delivery, error.mayHaveBeenExecuted],
        ['connect_refused', 'not_sent', false],
      );
    } finally {
      await refusing.close();
    }
  });

  test('a body of a few hundred kilobytes passes whole', async () => {
    const response = await createFetch()(`${origin.url}/bytes/300000`);
    assert.equal((await response.arrayBuffer()).byteLength, 300_000);
    assert.equal(response.url, `${origin.url}/bytes/300000`);
  });
});
