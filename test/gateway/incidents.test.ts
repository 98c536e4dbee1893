import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IncidentStatus } from '../../src/core/schemas/incidents.ts';
import { freePort } from '../free-port.ts';
import { ok, RawOrigin } from './raw-origin.ts';
import { startFromYaml, until } from './start-from-yaml.ts';

test('refused connections are an incident within seconds, with the address that nothing listens at', async () => {
  const port = await freePort();
  const edge = await startFromYaml(`
upstreams: { app: { endpoints: "127.0.0.1:${port}", check: none, outlier_detection: none } }
routes: [{ path: /, to: app }]
`);
  try {
    await until('an incident is open', async () => {
      await edge.get('/');
      return edge.eventsOf('incident_opened').length > 0;
    });
    const [event] = edge.eventsOf('incident_opened');
    assert.equal(event?.subject, 'upstream:app');
    assert.equal(event.evidence.cause, 'connect_refused');
    const [incident] = edge.gateway.incidents() as [IncidentStatus];
    assert.deepEqual([incident.id, incident.shape, incident.resolvedAt], [1, 'unreachable', null]);
    assert.ok(incident.failed >= 3 && incident.failed <= incident.requests, `${incident.failed}`);
    // A request and its attempt are one failure.
    assert.equal(incident.causes[0]?.count, Math.max(incident.failed, incident.attemptsFailed));
    assert.equal(incident.suspects[0]?.name, 'nothing_listens');
    assert.equal(incident.endpoints[0]?.endpoint, `app/127.0.0.1:${port}`);
    assert.deepEqual(
      edge.gateway.status().incidents.map(({ id }) => id),
      [1],
    );
  } finally {
    await edge.stop();
  }
});

test('the search for the requests of an incident finds as many as it counts, where no endpoint is left', async () => {
  const origins = [await RawOrigin.start(() => ok('here')), await RawOrigin.start(() => ok('here'))];
  const edge = await startFromYaml(`
upstreams:
  pair: { endpoints: [${origins.map(({ address }) => `"${address}"`).join(', ')}], when_none_ready: { wait: none } }
routes: [{ path: /, to: pair }]
store: { path: ./store }
`);
  const ofPair = () => edge.gateway.incidents()[0];
  const failedOf = (cause: string) => ofPair()?.causes.find((one) => one.cause === cause)?.failed ?? 0;
  try {
    await until('both have answered', async () => {
      assert.equal((await edge.get('/')).status, 200);
      return origins.every(({ requests }) => requests.length > 0);
    });
    for (const origin of origins) await origin.close();
    await until('requests have failed in both ways', async () => {
      await Promise.all(Array.from({ length: 5 }, () => edge.get('/')));
      return failedOf('no_endpoint_ready') >= 10 && (ofPair()?.causes.length ?? 0) > 1;
    });
    await until('the search finds as many as the incident counts', async () => {
      const { failed = 0, requestsQuery: query = '' } = ofPair() ?? {};
      const found = await edge.gateway.searchExchanges({ query, limit: 1000, cursor: null, after: null });
      assert.equal(found.kind, 'page', JSON.stringify(found));
      return found.kind === 'page' && found.exchanges.length === failed;
    });
  } finally {
    await edge.stop();
  }
});

test('answered requests are no incident', async () => {
  const edge = await startFromYaml(`routes: [{ path: /, respond: { status: 200, body: here } }]`);
  try {
    for (let count = 0; count < 20; count++) await edge.get('/');
    await until('the requests are counted', () => edge.counts().ended >= 20);
    assert.deepEqual(edge.gateway.incidents(), []);
  } finally {
    await edge.stop();
  }
});

test('an incident shows what the application answers, the first answer and the newest, without secrets', async () => {
  let count = 0;
  const body = () => `{"error":"no database","count":${(count += 1)},"password":"hunter2"}`;
  const answer = (text: string) =>
    `HTTP/1.1 500 No\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
  const origin = await RawOrigin.start(() => answer(body()));
  const edge = await startFromYaml(`
upstreams: { app: { endpoints: "${origin.address}", check: none, outlier_detection: none } }
routes: [{ path: /, to: app }]
`);
  const excerpts = () => edge.gateway.incidents()[0]?.excerpts ?? [];
  try {
    await until('an incident is open, and a newer answer is known', async () => {
      assert.equal((await edge.get('/')).status, 500);
      return excerpts().length === 2;
    });
    const [first, newest] = excerpts();
    assert.deepEqual(first, {
      ...{ source: 'response', at: first?.at, isFirst: true, where: `app/${origin.address}`, route: '/', status: 500 },
      lines: ['{"error":"no database","count":1,"password":"…"}'],
    });
    assert.equal(newest?.isFirst, false);
    assert.doesNotMatch(newest.lines.join(), /"count":1,|hunter2/);
  } finally {
    await edge.stop();
    await origin.close();
  }
});
