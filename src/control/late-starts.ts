import type { ApplicationStatus, InstanceStatus } from '../core/schemas/status.ts';
import { instancesText, replacementProgress } from './replacements.ts';

/** An instance that starts for longer than it may. */
interface LateStart {
  readonly application: string;
  readonly instance: string;
  /** One sentence. */
  readonly reason: string;
}

/**
 * Applications of which an instance is not ready in time, and no instance of an earlier configuration serves. Of one that ends meanwhile,
 * `CrashLoops` tells.
 */
export function lateStarts(applications: readonly ApplicationStatus[]): readonly LateStart[] {
  return applications.flatMap((application) => {
    const replacement = replacementProgress(application);
    if (replacement.state === 'done' || replacement.serving.length > 0) return [];
    const late = application.instances.find((one) => one.late);
    if (late === undefined) return [];
    const ready = application.instances.filter(({ phase }) => phase === 'ready').map(({ id }) => id);
    const meanwhile = ready.length > 0 ? instancesText(ready) : 'no other instance serves, and requests get a 503';
    return [{ application: application.id, instance: late.id, reason: `${lateText(late)}; ${meanwhile}.` }];
  });
}

/** 'web/1 is not ready after 60 s: GET / on port 41213 answered 500': the reason of a late instance begins so. */
export function lateText({ id, reason }: Pick<InstanceStatus, 'id' | 'reason'>): string {
  return `${id} is ${reason.replace(/\.$/, '')}`;
}
