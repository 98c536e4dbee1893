import type { Cause } from '#failures/failure.ts';
import type { ReleaseArm } from '../core/release.ts';
import type { ArmTraffic } from './arm-traffic.ts';

export const names = { old: 'r12', fresh: 'r13' };

interface Traffic extends Partial<Omit<ArmTraffic, 'failures'>> {
  readonly failures?: Partial<Record<Cause, number>>;
}

export function traffic(arm: ReleaseArm, requests: number, { failures = {}, ...rest }: Traffic = {}): ArmTraffic {
  const causes = new Map(Object.entries(failures) as [Cause, number][]);
  return { ...{ route: 'shop', arm, requests, failures: causes, serverErrors: 0, late: 0 }, ...rest };
}
