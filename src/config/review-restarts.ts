/** Restarts that take longer than requests wait for them. */
import { restartDelayMsMax } from '../core/restart-delay.ts';
import { defaults } from './defaults.ts';
import type { Draft } from './draft.ts';
import type { ErrorCollector } from './error-collector.ts';
import { ms } from '../schema/fallback.ts';
import type { Path } from '../schema/findings.ts';

export function reviewRestarts(draft: Draft, collector: ErrorCollector): void {
  for (const [name, { restart, instances, when_none_ready }] of draft.applications) {
    const path: Path = ['applications', name];
    const firstMs = ms(restart?.first_delay, defaults.restart.firstDelay);
    const maxMs = ms(restart?.max_delay, defaults.restart.maxDelay);
    if (restart?.first_delay !== undefined && firstMs > maxMs) {
      collector.warnAtKey(
        [...path, 'restart', 'first_delay'],
        `no delay is so long: "max_delay" is shorter (${defaults.restart.maxDelay.written} without one)`,
        'make "max_delay" longer, or this shorter',
      );
    }
    if ((instances ?? 1) > 1 || when_none_ready?.wait === null) continue;
    const waitMs = ms(when_none_ready?.wait, defaults.whenNoneReady.wait);
    const longestMs = restartDelayMsMax({ failures: Number.MAX_SAFE_INTEGER, failedStarts: 0 }, { firstMs, maxMs });
    if (longestMs < waitMs) continue;
    const isFirst = restart?.first_delay !== undefined && firstMs >= waitMs;
    const key: Path = isFirst ? ['restart', 'first_delay'] : ['when_none_ready', 'wait'];
    collector.warnAtKey(
      [...path, ...key],
      `its only instance may start again ${longestMs / 1000} s after it ended, and requests wait ${waitMs / 1000} s for it (when_none_ready.wait): those that come meanwhile may fail`,
      isFirst ? 'make it shorter, or have two instances' : 'make it longer, or have two instances',
    );
  }
}
