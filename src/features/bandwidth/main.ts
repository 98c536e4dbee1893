import { RateMemory } from '../rate-limits/main-table.ts';
import { mainFeature, type MainPart } from '../main-feature.ts';
import { bandwidthName, type BandwidthSpec, burstOf, countedBytes } from './settings.ts';

/** Routes at once that have a limit of their own, with ample room. */
const entries = 4096;

/** Gives workers the memory in which they count what a route has sent. It says nothing to the next process: a burst is over in a moment. */
export const bandwidth = mainFeature<BandwidthSpec, MainPart<BandwidthSpec>>({
  name: bandwidthName,
  start({ clock, random }) {
    let memory: RateMemory | null = null;
    return {
      use() {},
      forWorkers(spec) {
        const { routeBytesPerS } = spec;
        if (routeBytesPerS === null) return spec;
        memory ??= new RateMemory({ clock, random, stateFolder: null, entries });
        const rate = { requests: Math.ceil(routeBytesPerS / countedBytes), periodMs: 1000, written: '' };
        const number = memory.numberOf({ rate, burst: burstOf(routeBytesPerS) });
        return { ...spec, shared: { rates: memory.memory, number } };
      },
    };
  },
});
