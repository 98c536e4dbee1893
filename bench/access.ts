/**
 * What a look-up of an address costs in a list of networks, and the signature of a link, in nanoseconds of processor time: `node bench/access.ts [networks]`.
 */
import { NetworkRanges, type NetworkRange, packRanges, rangeOf } from '../src/features/access/network-ranges.ts';
import { linkProblem, signedTarget } from '../src/features/signed-links/link.ts';
import { isInFolder } from '../src/features/signed-links/worker-folder.ts';
import { SeededRandom } from '../src/testing/testing.ts';
import { measure } from './measure-call.ts';

const count = Number(process.argv[2] ?? 100_000);
const random = new SeededRandom('networks');
const below = (max: number): number => Math.floor(random.next() * max);
const ipv4 = (): string => [below(223) + 1, below(256), below(256), below(256)].join('.');
const ipv6 = (): string => `2001:${[1, 2, 3, 4, 5, 6, 7].map(() => below(65_536).toString(16)).join(':')}`;

const ranges: NetworkRange[] = [];
for (let at = 0; at < count; at++) {
  const range = rangeOf(at % 4 === 0 ? `${ipv6()}/48` : `${ipv4()}/24`);
  if (range !== null) ranges.push(range);
}
const before = process.cpuUsage();
const list = new NetworkRanges(packRanges(ranges));
console.log(
  `${list.count} ranges of ${count} networks, packed in ${(process.cpuUsage(before).user / 1000).toFixed(0)} ms of the processor`,
);

const asked = { 'IPv4 in the list': ipv4, 'IPv6 in the list': ipv6 };
for (const [name, make] of Object.entries(asked)) {
  const addresses = Array.from({ length: 1024 }, make);
  let [at, found] = [0, 0];
  measure(name, 0, () => {
    if (list.has(addresses[at++ & 1023] as string)) found++;
  });
  if (found < 0) console.log(found);
}

const key = 'k'.repeat(64);
const target = signedTarget('/files/2026/invoice-4711.pdf', 2_000_000_000, key, null);
measure(
  'a signed link, one key',
  target.length,
  () => void linkProblem(target, [key], { nowS: 1_700_000_000, address: null, isIn: isInFolder }),
);
