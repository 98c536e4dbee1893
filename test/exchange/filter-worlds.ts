import { it } from 'node:test';
import type { Filter } from '../../src/core/filter.ts';
import { Http1World } from './http1-world.ts';
import { StreamWorld } from './stream-world.ts';
import type { World, WorldOptions } from './world.ts';

export const worlds: readonly [name: string, create: (options?: WorldOptions) => World][] = [
  ['HTTP/1.1 over transports in memory', (options) => new Http1World(options)],
  ['multiplexed streams in memory', (options) => new StreamWorld(options)],
];

/** Promises that hold in a world with these filters, which is at rest in the end. */
type Holds = (
  name: string,
  filters: () => readonly Filter[],
  run: (world: World, filters: readonly Filter[]) => void,
  options?: WorldOptions,
) => void;

export function holdsIn(create: (options?: WorldOptions) => World): Holds {
  return (name, filters, run, options = {}) => {
    void it(name, () => {
      const made = filters();
      const world = create({ ...options, filters: made });
      run(world, made);
      world.pass(200);
      world.verifyAtRest();
    });
  };
}
