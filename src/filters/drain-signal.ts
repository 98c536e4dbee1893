import type { DrainSignalSpec } from '../core/upstream-spec.ts';
import type { Filter, FilterContext, FilterResponseHead } from '../core/filter.ts';
import { isDrainSignal } from '../policy/drain-signal.ts';

/** Hears in responses that an endpoint wants no new requests, and keeps that from clients. `onSignal` is given the id of the endpoint. */
export function drainSignalFilter(spec: DrainSignalSpec, onSignal: (endpoint: string) => void): Filter {
  const receive = ({ endpoint }: FilterContext, head: FilterResponseHead): void => {
    const value = head.get(spec.header);
    if (value === null) return;
    head.remove(spec.header);
    if (endpoint !== null && isDrainSignal(value, spec)) onSignal(endpoint);
  };
  return { name: 'drain_signal', onResponseHead: receive, onSwitchHead: receive };
}
