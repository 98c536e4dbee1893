import type { EndpointId, UpstreamId } from '../../core/endpoint.ts';
import type { DrainSignalSpec } from '../../core/upstream-spec.ts';
import { mainFeature, type MainPart } from '../main-feature.ts';
import { type DrainReport, drainSignalName } from './settings.ts';

export const drainSignal = mainFeature<DrainSignalSpec, MainPart<DrainSignalSpec>>({
  name: drainSignalName,
  start: ({ endpoints }) => ({
    use() {},
    onReports(reports) {
      for (const [scope, report] of Object.entries(reports))
        for (const endpoint of (report as DrainReport).endpoints)
          endpoints.onDrainSignal(scope.slice('upstream '.length) as UpstreamId, endpoint as EndpointId);
    },
  }),
});
