import { workerFeature } from '../../../src/features/worker-feature.ts';

/** A request ends the thread that serves it, which no route of a real gateway can do. */
export const endWorker = workerFeature({
  name: 'end_worker',
  prepare: () => ({
    hooks: {
      filters: [
        {
          name: 'end_worker',
          onRequestHead() {
            setImmediate(() => process.exit(1));
            return 'suspend';
          },
        },
      ],
    },
  }),
});
