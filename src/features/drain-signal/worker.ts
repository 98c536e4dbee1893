import type { Filter, FilterContext, FilterResponseHead } from '../../core/filter.ts';
import type { DrainSignalSpec } from '../../core/upstream-spec.ts';
import { isDrainSignal } from '../../policy/drain-signal.ts';
import { type FeaturePart, workerFeature } from '../worker-feature.ts';
import { type DrainReport, drainSignalName } from './settings.ts';

interface DrainPart extends FeaturePart {
  /** Endpoints that have said it, until the main thread is told. */
  readonly draining: Set<string>;
}

/** An application that repeats the headers of requests must not say by that what a client has written: requests lose the header. */
export const drainSignal = workerFeature<DrainSignalSpec, DrainPart>({
  name: drainSignalName,
  prepare(_, spec, ports, previous) {
    const draining = previous?.draining ?? new Set<string>();
    const filter = drainSignalFilter(spec, (endpoint) => {
      draining.add(endpoint);
      ports.onUrgent();
    });
    return {
      draining,
      hooks: { filters: [filter], requestHeadersRemoved: [spec.header] },
      report(): DrainReport | null {
        if (draining.size === 0) return null;
        const endpoints = [...draining];
        draining.clear();
        return { endpoints };
      },
    };
  },
});

/** Hears in responses that an endpoint wants no new requests, and keeps that from clients. `onSignal` is given the id of the endpoint. */
function drainSignalFilter(spec: DrainSignalSpec, onSignal: (endpoint: string) => void): Filter {
  const receive = ({ endpoint }: FilterContext, head: FilterResponseHead): void => {
    const value = head.get(spec.header);
    if (value === null) return;
    head.remove(spec.header);
    if (endpoint !== null && isDrainSignal(value, spec)) onSignal(endpoint);
  };
  return { name: drainSignalName, stage: 'rewrite', onResponseHead: receive, onSwitchHead: receive };
}
