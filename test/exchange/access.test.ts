import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RouteId } from '../../src/core/endpoint.ts';
import type { RouteSpec } from '../../src/core/route-spec.ts';
import { packRanges, rangeOf } from '../../src/features/access/network-ranges.ts';
import type { AccessSpec, NetworkList } from '../../src/features/access/settings.ts';
import { signedTarget } from '../../src/features/signed-links/link.ts';
import { Http1World } from './http1-world.ts';
import type { ClientActor, WorldOptions } from './world.ts';

const nothing: AccessSpec = { networks: null, countries: null, userAgents: null, certificates: null, isDryRun: false };

function list(...networks: readonly string[]): NetworkList {
  const ranges = networks.flatMap((network) => rangeOf(network) ?? []);
  return { shown: networks.join(' '), count: ranges.length, packed: packRanges(ranges), version: '' };
}

function worldOf(features: NonNullable<RouteSpec['features']>, options: WorldOptions = {}): Http1World {
  const world = new Http1World({ routes: [{ features }], ...options });
  world.endpoint('a').onRequest = (request) => request.answer(200, 'ok');
  return world;
}

function asked(world: Http1World, headers: Record<string, string> = {}, target = '/'): ClientActor {
  const client = world.request({ target, headers });
  world.pass(200);
  return client;
}

/** Status, cause and evidence of the one request. */
function outcome(world: Http1World, client: ClientActor): readonly unknown[] {
  const { failure } = world.records[0] ?? {};
  if (failure == null) return [client.status];
  const evidence = failure.evidence as { readonly by?: string; readonly value?: string };
  return [client.status, failure.cause, evidence.by, evidence.value];
}

/** Of the other end of each connection. */
const peer = '192.0.2.7';
const trusted: WorldOptions = { trusted: true };
const deniedNetwork = [403, 'access_denied', 'network'];

describe('a route with rules by network', () => {
  const allow: AccessSpec = { ...nothing, networks: { allow: list('192.0.2.0/24'), deny: list('192.0.2.66') } };
  const deny: AccessSpec = { ...nothing, networks: { allow: null, deny: list('192.0.2.0/24', '2001:db8::/32') } };
  for (const [what, spec, forwarded, options, expected] of [
    ['lets in who is in an allowed network', allow, '192.0.2.7', trusted, [200]],
    ['refuses others', allow, '198.51.100.7', trusted, [...deniedNetwork, '198.51.100.7']],
    [
      'refuses what is denied, also within an allowed network',
      allow,
      '192.0.2.66',
      trusted,
      [...deniedNetwork, '192.0.2.66'],
    ],
    ['refuses a network', deny, '192.0.2.7', trusted, [...deniedNetwork, '192.0.2.7']],
    ['refuses a network of IPv6', deny, '2001:db8::1', trusted, [...deniedNetwork, '2001:db8::1']],
    ['lets in everybody else', deny, '198.51.100.7', trusted, [200]],
    // Spellings of one address.
    ['knows IPv4 in IPv6', deny, '::ffff:192.0.2.7', trusted, deniedNetwork],
    ['knows it in hexadecimal digits', deny, '::ffff:c000:207', trusted, deniedNetwork],
    ['knows it in brackets, with a port', deny, '[::ffff:192.0.2.7]:80', trusted, deniedNetwork],
    ['knows an address in capitals, not shortened', deny, '2001:0DB8:0:0:0:0:0:1', trusted, deniedNetwork],
    // What strangers say.
    ['does not believe X-Forwarded-For of a stranger', deny, '198.51.100.7', {}, [...deniedNetwork, peer]],
    [
      'takes the last stranger that a trusted peer names',
      allow,
      '192.0.2.9, 198.51.100.7',
      { trusted: peer },
      [...deniedNetwork, '198.51.100.7'],
    ],
  ] as const)
    it(what, () => {
      const world = worldOf({ access: spec }, options);
      const client = asked(world, { 'X-Forwarded-For': forwarded });
      const found = outcome(world, client);
      assert.deepEqual(found.slice(0, expected.length), expected);
      assert.equal(world.endpoint('a').arrived.length, client.status === 200 ? 1 : 0);
    });

  it('passes requests in a dry run, and counts them', () => {
    const world = worldOf({ access: { ...allow, isDryRun: true } });
    assert.equal(asked(world).status, 200);
  });
});

describe('a route with rules by program', () => {
  const spec: AccessSpec = {
    ...nothing,
    userAgents: { allow: null, deny: ['ai_crawlers', '*BadBot*', 'missing', 'exact/1.0'] },
  };
  const denied = [403, 'access_denied', 'user_agent'];
  for (const [userAgent, expected] of [
    ['Mozilla/5.0 Firefox/140.0', [200]],
    ['Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)', denied],
    ['mozilla/5.0 claudeBOT', denied],
    ['x badbot y', [...denied, 'x badbot y']],
    [`${'x'.repeat(5000)} badbot`, [...denied, 'x'.repeat(200)]],
    ['exact/1.0', denied],
    ['exact/1.0 ', denied],
    ['exact/1.01', [200]],
    ['', denied],
    [null, denied],
  ] as const)
    it(`decides about ${JSON.stringify(userAgent)?.slice(0, 60)}`, () => {
      const world = worldOf({ access: spec });
      const client = asked(world, userAgent === null ? {} : { 'User-Agent': userAgent });
      assert.deepEqual(outcome(world, client).slice(0, expected.length), expected);
    });
});

describe('a route with rules by certificate', () => {
  it('refuses a client that has shown none', () => {
    const world = worldOf({ access: { ...nothing, certificates: { allow: [{ subject: 'CN=ada*' }], deny: null } } });
    const client = asked(world);
    assert.deepEqual(outcome(world, client), [403, 'access_denied', 'certificate', 'none']);
  });
});

describe('a route with signed links', () => {
  const linkKeys = ['k'.repeat(32)] as const;
  const spec = { linkKeys, methods: ['GET', 'HEAD'], isBoundToAddress: false };
  const linkOf = (world: Http1World, target: string, lifeS = 60): string =>
    signedTarget(target, Math.floor(world.clock.wallTime() / 1000) + lifeS, linkKeys[0], null);

  it('passes a link on as it is, until it expires', () => {
    const world = worldOf({ signed_links: spec });
    const target = linkOf(world, '/files/a.pdf');
    assert.equal(asked(world, {}, target).status, 200);
    assert.equal(world.endpoint('a').arrived[0]?.target, target);
    world.pass(60_000);
    assert.equal(asked(world, {}, target).status, 403);
    assert.match(JSON.stringify(world.records.at(-1)?.failure?.evidence), /the link has expired at/);
  });

  it('refuses another link, and writes nothing of the key', () => {
    const world = worldOf({ signed_links: spec });
    const client = asked(world, {}, linkOf(world, '/files/a.pdf').replace('a.pdf', 'b.pdf'));
    assert.deepEqual(outcome(world, client).slice(0, 2), [403, 'link_refused']);
    assert.ok(!JSON.stringify([client.body, world.records.map(({ failure }) => failure)]).includes(linkKeys[0]));
  });

  it('refuses to delete by a link that is to read', () => {
    const world = worldOf({ signed_links: spec });
    const client = world.request({ method: 'DELETE', target: linkOf(world, '/files/a.pdf') });
    world.pass(200);
    assert.deepEqual(outcome(world, client).slice(0, 2), [403, 'link_refused']);
  });
});

describe('a request that names a second URL, which another route has', () => {
  const inner: AccessSpec = { ...nothing, networks: { allow: list('198.51.100.0/24'), deny: null } };
  const outer: AccessSpec = { ...nothing, networks: { allow: list('192.0.2.0/24'), deny: null } };
  const at = (pathPrefix: string, access: AccessSpec | null, id: string): Partial<RouteSpec> => ({
    ...{ id: id as RouteId, match: { hosts: [], pathPrefix, methods: [] } },
    ...(access === null ? {} : { features: { access } }),
  });
  const many = (count: number): string => Array.from({ length: count }, (_, at) => `</${at}> (["1"])`).join(' ');
  const destination = (url: string): Record<string, string> => ({ Destination: url });
  for (const [what, outside, inside, headers, status] of [
    ['is refused where that has rules', null, inner, destination('/private/x'), 400],
    ['is refused where that has other rules', outer, inner, destination('http://example.org/private/x'), 400],
    ['is refused in each spelling of its path', null, inner, destination('/x/../%70rivate'), 400],
    [
      'is refused with another origin: applications may take the path alone',
      null,
      inner,
      destination('http://b.example/private'),
      400,
    ],
    ['is refused behind a host without a scheme', null, inner, destination('//example.org/private'), 400],
    ['is refused behind an empty host', null, inner, destination('///private'), 400],
    ['is refused among more than can be looked at', null, null, { If: many(65) }, 400],
    ['passes among as many as can be', null, null, { If: many(64) }, 200],
    ['is refused as one of several', null, inner, destination('/a, /private'), 400],
    ['is refused as a condition, which would tell what is there', null, inner, { If: '</private/x> (["1"])' }, 400],
    ['passes where that has the same rules', outer, { ...outer }, destination('/private/x'), 200],
    ['passes where that has none', outer, null, destination('/private/x'), 200],
    ['passes where that only tries its rules', null, { ...inner, isDryRun: true }, destination('/private/x'), 200],
    ['passes within its own route', null, inner, destination('/privateer'), 200],
  ] as const)
    it(what, () => {
      const world = new Http1World({ routes: [at('/private', inside, 'inner'), at('/', outside, 'outer')] });
      world.endpoint('a').onRequest = (request) => request.answer(200, 'ok');
      const client = world.request({ method: 'MOVE', target: '/a', headers });
      world.pass(200);
      assert.equal(client.status, status);
      assert.equal(world.endpoint('a').arrived.length, status === 200 ? 1 : 0);
    });
});
