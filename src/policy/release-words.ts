import type { Cause } from '#failures/failure.ts';
import { digits } from '#failures/quantity-text.ts';
import type { JudgedEvent, ReleaseArm } from '../core/release.ts';
import type { ArmSum } from './arm-traffic.ts';
import type { EvidenceKind } from './evidence-streams.ts';

/** What is compared, and the requests of both. */
interface ComparedArms extends Readonly<Record<ReleaseArm, ArmSum>> {
  readonly names: Readonly<Record<ReleaseArm, string>>;
  readonly route: string | null;
  readonly kind: EvidenceKind;
  readonly event: JudgedEvent;
  readonly cause: Cause | null;
}

/** Of both kinds of errors the one that is more of them. */
export function errorEventOf({ failures, serverErrors }: ArmSum): JudgedEvent {
  return failures >= serverErrors && failures > 0 ? 'failure' : 'server_error';
}

/** '9 of 12 requests of r13 failed (response_head_timeout), 0 of 230 of r12'. */
export function comparedText({ old, fresh, names, route, kind, event, cause }: ComparedArms): string {
  const isBoth = kind === 'error' && fresh.failures > 0 && fresh.serverErrors > 0;
  const countsOf = (arm: ArmSum): string => `${digits(arm.countOf(kind))} of ${digits(arm.requests)}`;
  const where = route === null ? '' : ` on route ${route}`;
  const failed = `failed${cause === null ? '' : ` (${cause})`}`;
  const did = { failure: failed, server_error: 'were answered with 5xx', late: 'were late' };
  const happened = isBoth ? `${failed} or ${did.server_error}` : did[event];
  return `${countsOf(fresh)} requests of ${names.fresh}${where} ${happened}, ${countsOf(old)} of ${names.old}`;
}
