/**
 * Measures what 10,000 routes cost an exchange: `node bench/many-routes.ts [rounds]`. 9,000 prefixes, 800 exact paths, 100 globs and 100
 * regular expressions are spread over 200 hosts. Whole exchanges are played in memory; each kind of request has the best of several rounds in CPU
 * time, and is compared with the same exchange among ten routes.
 */
import { loadPatterns } from '../src/core/pattern.ts';
import type { PathMatch } from '../src/core/path-match.ts';
import { literalPrefix } from '../src/core/path-match.ts';
import type { RouteSpec } from '../src/core/route-spec.ts';
import type { RouteId } from '../src/core/endpoint.ts';
import type { CostlessTransport } from './costless-transport.ts';
import { benchRoute, requestBytes, responseBytes } from './fixtures.ts';
import { startInMemoryGateway } from './in-memory-gateway.ts';

const rounds = Number(process.argv[2] ?? 12);
const perRound = 20_000;
const hosts = 200;

function routeOf(host: number, path: PathMatch): RouteSpec {
  const paths = path.kind === 'prefix' ? {} : { paths: [path] };
  const match = { hosts: [`h${host}.example.org`], pathPrefix: literalPrefix(path), ...paths, methods: [] };
  return { ...benchRoute, id: `${host} ${path.kind} ${path.text}` as RouteId, match };
}

/** In the order of kinds, so that prefixes do not stand before all others. */
function manyRoutes(): RouteSpec[] {
  const all = Array.from({ length: hosts }, (_, host) => host);
  const half = all.filter((host) => host % 2 === 0);
  return [
    ...half.map((host) => routeOf(host, { kind: 'pattern', text: '(?i)^/items/[0-9]+/(edit|show)$' })),
    ...half.map((host) => routeOf(host, { kind: 'glob', text: '/**.php' })),
    ...all.flatMap((host) => [0, 1, 2, 3].map((n) => routeOf(host, { kind: 'exact', text: `/page-${n}` }))),
    ...all.flatMap((host) =>
      Array.from({ length: 45 }, (_, n) => routeOf(host, { kind: 'prefix', text: n === 44 ? '/' : `/app-${n}/v1` })),
    ),
  ];
}

/** For any host: requests among them name as many hosts. */
const tenRoutes = Array.from({ length: 10 }, (_, n) => {
  const route = routeOf(0, { kind: 'prefix', text: n === 9 ? '/' : `/app-${n}/v1` });
  return { ...route, match: { ...route.match, hosts: [] } };
});

/** CPU microseconds of an exchange, the hosts of whose requests change each time. */
function measure(routes: readonly RouteSpec[], targetOf: (turn: number) => string): number {
  const gateway = startInMemoryGateway({ routes });
  const text = requestBytes.toString('latin1');
  const requests = Array.from({ length: 100 }, (_, turn) => {
    const host = `h${2 * turn}.example.org`;
    return Buffer.from(text.replace('/articles/latest?page=2', targetOf(turn)).replace('www.example.org', host));
  });
  const client = gateway.connect();
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    for (let turn = 0; turn < perRound; turn++) {
      const asked = gateway.send(client, requests[turn % requests.length] as Buffer);
      gateway.answer(asked as CostlessTransport, responseBytes);
    }
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / perRound);
  }
  return best;
}

await loadPatterns();
const many = manyRoutes();
const ten = measure(tenRoutes, (turn) => `/app-${turn % 9}/v1/users?page=2`);
console.log(`ten routes: ${ten.toFixed(2)} µs an exchange; ${many.length} routes:`);
for (const [what, targetOf] of [
  ['a prefix', (turn: number) => `/app-${turn % 44}/v1/users?page=2`],
  ['an exact path', (turn: number) => `/page-${turn % 4}?page=2`],
  ['a glob', (turn: number) => `/blog/page-${turn}.php?page=2`],
  ['a regular expression', (turn: number) => `/items/${turn}/edit?page=2`],
  ['the last route of the host', (turn: number) => `/items/${turn}/list/of/many/things.html?page=2`],
] as const) {
  const cost = measure(many, targetOf);
  console.log(`  ${what.padEnd(28)} ${cost.toFixed(2)} µs, ${(cost / ten).toFixed(2)} times as much`);
}
