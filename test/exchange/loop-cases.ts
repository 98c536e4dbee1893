import assert from 'node:assert/strict';
import type { RouteId } from '../../src/core/endpoint.ts';
import type { Case } from './cases.ts';
import type { ArrivedRequest, World } from './world.ts';

/** Which headers of hops an application passes on. */
type Carry = (arrived: ArrivedRequest) => Readonly<Record<string, string>>;

const via: Carry = (arrived) => ({ Via: arrived.header('via') ?? '' });
const cdnLoop: Carry = (arrived) => ({ 'CDN-Loop': arrived.header('cdn-loop') ?? '' });
const both: Carry = (arrived) => ({ ...via(arrived), ...cdnLoop(arrived) });
/** As an intermediary that knows no parameters. */
const names: Carry = (arrived) => ({ 'CDN-Loop': (arrived.header('cdn-loop') ?? '').replace(/;[^,]*/g, '') });

interface Journey {
  readonly name: string;
  /** An application makes the second request for the first one, and so on. */
  readonly targets: readonly string[];
  readonly carry: Carry;
  /** The last one is refused; absent: none. */
  readonly refused?: { readonly seenIn: 'Via' | 'CDN-Loop'; readonly passage: number };
}

const journeys: readonly Journey[] = [
  { name: 'a second and a third passage by other routes are served', targets: ['/a', '/b', '/c'], carry: both },
  { name: 'a fourth passage is served', targets: ['/a', '/b', '/c', '/d'], carry: both },
  {
    name: 'the same route again is a loop at the first return',
    targets: ['/a', '/a/x'],
    carry: both,
    refused: { seenIn: 'CDN-Loop', passage: 2 },
  },
  {
    name: 'the same route again is a loop where the application drops Via',
    targets: ['/a', '/a'],
    carry: cdnLoop,
    refused: { seenIn: 'CDN-Loop', passage: 2 },
  },
  {
    name: 'two routes that lead to each other are a loop when the first one comes again',
    targets: ['/a', '/b', '/a'],
    carry: both,
    refused: { seenIn: 'CDN-Loop', passage: 3 },
  },
  {
    name: 'a fifth passage is refused, by whatever routes',
    targets: ['/a', '/b', '/c', '/d', '/e'],
    carry: both,
    refused: { seenIn: 'Via', passage: 5 },
  },
  {
    name: 'a loop of two routes ends after four exchanges where the application drops CDN-Loop',
    targets: ['/a', '/b', '/a', '/b', '/a'],
    carry: via,
    refused: { seenIn: 'Via', passage: 5 },
  },
  {
    name: 'a loop of one route ends after four exchanges where the application drops Via and parameters',
    targets: ['/a', '/a', '/a', '/a', '/a'],
    carry: names,
    refused: { seenIn: 'CDN-Loop', passage: 5 },
  },
];

function travels(world: World, { targets, carry, refused }: Journey): void {
  const { arrived } = world.endpoint('a');
  world.endpoint('a').onRequest = (request) => request.answer(200);
  let headers = {};
  const statuses = targets.map((target) => {
    const client = world.request({ target, headers });
    world.pass(10);
    const last = arrived.at(-1);
    if (last !== undefined) headers = carry(last);
    return client.status;
  });
  const served = targets.map(() => 200);
  assert.deepEqual(statuses, refused === undefined ? served : served.with(-1, 502));
  const forwarded = statuses.filter((status) => status === 200).length;
  assert.equal(arrived.length, forwarded);
  if (refused === undefined) return;
  const { failure, route } = world.records.at(-1) ?? {};
  const { name, passage, limit } = (failure?.evidence ?? {}) as Readonly<Record<string, unknown>>;
  assert.deepEqual(
    [failure?.cause, name, passage, limit, route],
    ['loop_detected', refused.seenIn, refused.passage, 4, `route${targets.at(-1)?.slice(0, 2)}`],
  );
}

const routes = ['/a', '/b', '/c', '/d', '/e'].map((pathPrefix) => ({
  id: `route${pathPrefix}` as RouteId,
  match: { hosts: [], pathPrefix, methods: [] },
}));

/** A client's own members, and the statuses of its requests. */
const forged: readonly [headers: Readonly<Record<string, string>>, status: number][] = [
  [{ Via: '1.1 edge' }, 200],
  [{ 'CDN-Loop': 'other.example, Edge; trace=1' }, 200],
  [{ 'CDN-Loop': 'edge; route=AAAAAAAA, edge; route="' }, 200],
  [{ 'CDN-Loop': 'edge, edge', Via: '1.1 edge, 1.1 edge, 1.1 edge' }, 200],
  [{ 'CDN-Loop': 'edge, edge;x, EDGE; route=1, edge' }, 502],
  [{ Via: '1.1 edge, 1.1 edge, 1.1 (edge), 1.0 Edge, 2 edge' }, 502],
];

export const loopCases: readonly Case[] = [
  ...journeys.map((journey) => ({
    name: `a request that comes back: ${journey.name}`,
    options: { routes },
    run: (world: World): void => travels(world, journey),
  })),
  ...forged.map(([headers, status]) => ({
    name: `a request that names the gateway itself is counted as its passages, and the next hop is told them: ${JSON.stringify(headers)}`,
    run(world: World): void {
      world.endpoint('a').onRequest = (request) => request.answer(200);
      const client = world.request({ headers });
      world.pass(10);
      assert.equal(client.status, status);
      const [arrived] = world.endpoint('a').arrived;
      for (const [name, value] of Object.entries(headers))
        if (status === 200) assert.ok(arrived?.header(name.toLowerCase())?.startsWith(`${value}, `));
      assert.equal(arrived === undefined, status === 502);
    },
  })),
  ...[true, false].map((tells) => ({
    name: `a loop is not multiplied by retries for a status, where the application ${tells ? 'passes Proxy-Status on' : 'hides Proxy-Status: only the first passage retries'}`,
    options: { routes: routes.slice(0, 4), retry: { statuses: [502, 503], attemptsMax: 3 } },
    run(world: World): void {
      const { arrived } = world.endpoint('a');
      const waiting: (() => boolean)[] = [];
      world.endpoint('a').onRequest = (request) => {
        // The application forwards each request to the next route, and what it is answered back.
        const next = { '/a': '/b', '/b': '/c', '/c': '/d', '/d': '/a' }[request.target] ?? '/a';
        let made: ReturnType<World['request']> | null = null;
        waiting.push(() => {
          made ??= world.request({ target: next, headers: both(request) });
          if (made.state === 'open') return false;
          const status = made.header('proxy-status');
          request.answer(made.status, '', tells && status !== null ? { 'Proxy-Status': status } : {});
          return true;
        });
      };
      const client = world.request({ target: '/a' });
      for (let step = 0; step < 400 && client.state === 'open'; step++) {
        world.pass(10);
        for (const answers of waiting.splice(0)) if (!answers()) waiting.push(answers);
      }
      assert.equal(client.status, 502);
      assert.equal(arrived.length, tells ? 4 : 12);
    },
  })),
  {
    name: 'what stands for a route in CDN-Loop does not tell its name',
    options: { routes },
    run(world) {
      world.endpoint('a').onRequest = (request) => request.answer(200);
      for (const target of ['/a', '/b']) world.request({ target });
      world.pass(10);
      const [first = '', second = ''] = world.endpoint('a').arrived.map((request) => request.header('cdn-loop') ?? '');
      assert.match(first, /^edge; route=[\w-]{8}$/);
      assert.notEqual(first, second);
    },
  },
];
