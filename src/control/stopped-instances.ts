import { lowerFirst } from '#failures/first-letter.ts';
import type { LiveInstance } from '../core/live-instance.ts';
import type { ProcessFigures } from '#failures/process-note.ts';
import { stoppedStep, stoppedText } from '#failures/process-text.ts';

/** The same instances; of those whose processes a signal has stopped it is said, also as the reason why they are not ready. */
export function withStopped(
  instances: readonly LiveInstance[],
  figuresOf: (instance: string) => Pick<ProcessFigures, 'stoppedPids'> | null,
): readonly LiveInstance[] {
  return instances.map((instance) => {
    const stoppedPids = figuresOf(instance.id)?.stoppedPids;
    if (stoppedPids === undefined) return instance;
    const { finding } = instance;
    const reason = stoppedText({ pids: stoppedPids, isWhole: true });
    const fix = lowerFirst(stoppedStep(stoppedPids).replace(/\.$/, ''));
    if (finding === null) return { ...instance, stoppedPids };
    return { ...instance, stoppedPids, reason: `its checks fail: ${reason}`, finding: { ...finding, reason, fix } };
  });
}
