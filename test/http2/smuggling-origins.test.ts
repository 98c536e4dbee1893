import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type AttackOriginKind, originKinds } from '../attacks/smuggling/origins.ts';
import { startFromYaml, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { data, headersFrame, requestHeaders } from './frames.ts';
import { nghttpd } from './nghttpd-origin.ts';
import { RawHttp2 } from './raw-http2.ts';
import { type Http2Payload, http2Payloads } from './smuggling-payloads.ts';
import { sampled } from '../../src/testing/sweep.test-support.ts';

// The payloads of `smuggling.test.ts` before servers of other projects, which are as lenient as they can be.

/** `npm test` sends all of them in `smuggling.test.ts` alone. */
const payloads = sampled(http2Payloads, 2);

/** Sends the payload, and a request behind it over the same connection to the endpoint. */
async function attack(
  kind: AttackOriginKind,
  gateway: YamlGateway,
  { name, headers, body, status, reaches }: Http2Payload,
): Promise<void> {
  const line = new RawHttp2(gateway.connect());
  try {
    line.begin();
    line.send(headersFrame(1, headers, body === undefined));
    if (body !== undefined) line.send(data(1, body, true));
    const answer = await line.answer(1);
    if (reaches === null) assert.equal(answer?.status, status, name);
    line.send(headersFrame(3, requestHeaders({ ':path': '/next' })));
    const next = await line.answer(3);
    assert.equal(next?.status, 200, name);
    // Where it cannot say the id of a request, it answers each with a body of its own.
    if (kind === nghttpd) assert.equal(next.body.toString(), 'next', `${name}: the response of another request`);
    else
      assert.equal(
        next.headers.get('x-echo'),
        next.headers.get('x-request-id'),
        `${name}: the response of another request`,
      );
  } finally {
    line.close();
  }
}

/** The requests that `kind` has counted, without HTTP version, in order of their text. */
async function seenBy(kind: AttackOriginKind): Promise<string[]> {
  const origin = await kind.start();
  const gateway = await startFromYaml(
    `upstreams: { app: { endpoints: "127.0.0.1:${origin.port}", http2: ${kind === nghttpd}, check: none, connections: { max: 1 } } }`,
  );
  try {
    for (const payload of payloads) await attack(kind, gateway, payload);
  } finally {
    await gateway.stop();
    await origin.stop();
  }
  assert.deepEqual(origin.violations(), []);
  const seen = origin.seen();
  assert.equal(new Set(seen.map(({ id }) => id)).size, seen.length, 'each request has an id of its own');
  return seen.map(({ method, target }) => `${method} ${target}`).sort();
}

const expected = payloads
  .flatMap(({ reaches }) => [...(reaches === null ? [] : [reaches.replace(/ HTTP.*/, '')]), 'GET /next'])
  .sort();

describe('smuggling over HTTP/2', { timeout: 120_000 }, () => {
  for (const kind of [...originKinds, nghttpd])
    test(`reaches ${kind.name} with no request but those that the gateway took`, {
      skip: kind.missing ?? false,
    }, async () => {
      assert.deepEqual(await seenBy(kind), expected);
    });
});
