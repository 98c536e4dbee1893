import assert from 'node:assert/strict';
import { Deadlines } from '../core/deadline.ts';
import type { HealthChecker } from '../core/health-checker.ts';
import type { Clock } from '../core/time.ts';
import { systemClock } from '../testing/system.ts';
import { socketConnector } from '../transport/connect.ts';
import { createHealthChecker } from '../upstream/health-check.ts';

/** Checks over real sockets, as the gateway does. */
export function createSystemChecker(clock: Clock = systemClock): HealthChecker {
  const onUnclassified = ({ code }: { readonly code: string }): void => assert.fail(`unclassified: ${code}`);
  return createHealthChecker({ clock, deadlines: new Deadlines(clock), connector: socketConnector, onUnclassified });
}
