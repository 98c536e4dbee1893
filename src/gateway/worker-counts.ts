import { noCounts, type WorkerCounts } from '../core/counters.ts';

/** Counts of which the exchanges under way lie in shared memory, where main still finds them when the thread is gone. */
export function sharedCounts(worker: number, exchangesActive: SharedArrayBuffer): WorkerCounts {
  const active = new Int32Array(exchangesActive);
  return Object.defineProperty(noCounts(worker), 'exchangesActive', {
    enumerable: true,
    get: () => active[0],
    set: (value: number) => {
      active[0] = value;
    },
  });
}

/** `counts` with the totals of `gone` added, which had the same place before. Of what is open now `gone` has nothing. */
export function addTotals(counts: WorkerCounts, gone: WorkerCounts): WorkerCounts {
  return {
    ...counts,
    clientConnectionsTotal: counts.clientConnectionsTotal + gone.clientConnectionsTotal,
    clientConnectionsRefused: counts.clientConnectionsRefused + gone.clientConnectionsRefused,
    refusedAtMax: counts.refusedAtMax + gone.refusedAtMax,
    refusedAtAddressMax: counts.refusedAtAddressMax + gone.refusedAtAddressMax,
    refusedUncounted: counts.refusedUncounted + gone.refusedUncounted,
    refusedWithoutDescriptor: counts.refusedWithoutDescriptor + gone.refusedWithoutDescriptor,
    refusedWithoutMemory: counts.refusedWithoutMemory + gone.refusedWithoutMemory,
    descriptorsScarce: counts.descriptorsScarce + gone.descriptorsScarce,
    closedForDescriptors: counts.closedForDescriptors + gone.closedForDescriptors,
    upstreamConnectionsTotal: counts.upstreamConnectionsTotal + gone.upstreamConnectionsTotal,
    upstreamReusesTotal: counts.upstreamReusesTotal + gone.upstreamReusesTotal,
    staleReusesAvoided: counts.staleReusesAvoided + gone.staleReusesAvoided,
    staleReusesRepeated: counts.staleReusesRepeated + gone.staleReusesRepeated,
    staleReusesFailed: counts.staleReusesFailed + gone.staleReusesFailed,
    recordsDropped: counts.recordsDropped + gone.recordsDropped,
    unclassifiedTotal: counts.unclassifiedTotal + gone.unclassifiedTotal,
  };
}
