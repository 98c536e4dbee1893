import { describe, it } from 'node:test';
import { cases } from './cases.ts';
import { heldCases } from './held-cases.ts';
import { retryCases } from './retry-cases.ts';
import { slowReaderCases } from './slow-reader-cases.ts';
import { slowUploadCases } from './slow-upload-cases.ts';
import { unreadBodyCases } from './unread-body-cases.ts';
import { Http1World } from './http1-world.ts';
import { StreamWorld } from './stream-world.ts';
import type { World, WorldOptions } from './world.ts';
import { sampled } from '../../src/testing/sweep.test-support.ts';

const all = [...cases, ...heldCases, ...slowReaderCases, ...slowUploadCases, ...retryCases, ...unreadBodyCases];

const worlds: readonly [name: string, create: (options?: WorldOptions) => World][] = [
  ['HTTP/1.1 over transports in memory', (options) => new Http1World(options)],
  ['HTTP/2 clients and HTTP/1.1 endpoints, in memory', (options) => new Http1World(options, { clients: 'h2' })],
  ['HTTP/1.1 clients and HTTP/2 endpoints, in memory', (options) => new Http1World(options, { endpoints: 'h2' })],
  [
    'HTTP/2 over transports in memory, on both sides',
    (options) => new Http1World(options, { clients: 'h2', endpoints: 'h2' }),
  ],
  ['multiplexed streams in memory', (options) => new StreamWorld(options)],
];

// Every case is tried with bytes, and a third of them in each of the other worlds.
for (const [index, [worldName, create]] of worlds.entries()) {
  describe(`an exchange between ${worldName}`, () => {
    for (const { name, options, onlyBytes, notOverHttp2, run } of index === 0 ? all : sampled(all, 3, index)) {
      if (onlyBytes !== undefined && create !== worlds[0]?.[1]) continue;
      if (notOverHttp2 !== undefined && /HTTP\/2 endpoints|HTTP\/2 over/.test(worldName)) continue;
      it(name, () => {
        const world = create(options);
        run(world);
        world.pass(100);
        world.verifyAtRest();
      });
    }
  });
}
