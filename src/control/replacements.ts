import { reasonBesideState } from '../core/reason-beside-state.ts';
import type { ApplicationStatus, InstanceStatus } from '../core/schemas/status.ts';

/** Progress of the new instances of a changed application. */
type Replacement =
  | { readonly state: 'done' }
  /** `waiting`: new instances that are not ready yet. */
  | {
      readonly state: 'starting';
      readonly waiting: readonly InstanceStatus[];
      readonly serving: readonly InstanceStatus[];
    }
  | { readonly state: 'failing'; readonly failed: InstanceStatus; readonly serving: readonly InstanceStatus[] };

/** `serving`: the instances of the earlier configuration that serve meanwhile. */
export function replacementProgress({ command, wanted, instances }: ApplicationStatus): Replacement {
  // A gateway of another version does not say which instances will be replaced.
  const isOld = ({ earlierCommand }: InstanceStatus): boolean => (earlierCommand ?? null) !== null;
  const serving = instances.filter((one) => isOld(one) && (one.phase === 'ready' || one.phase === 'failing'));
  const current = instances.filter((one) => !isOld(one));
  const failed = current.find((one) => one.phase === 'backing_off' || (one.phase !== 'ready' && one.restarts > 0));
  if (failed !== undefined) return { state: 'failing', failed, serving };
  // A removed application has no command. An application with a fixed port starts after the old instance has ended.
  const isOver =
    command.length === 0 || wanted === 0 || (current.length > 0 && current.every(({ phase }) => phase === 'ready'));
  const waiting = current.filter(({ phase }) => phase === 'starting');
  return isOver && serving.length === 0 ? { state: 'done' } : { state: 'starting', waiting, serving };
}

/** What an application's new instances lack while its old ones serve. */
interface FailedReplacement {
  readonly application: string;
  /** The first new instance that fails, or that was reported not to be ready. */
  readonly instance: string;
  /** One sentence. */
  readonly reason: string;
}

/** Applications whose new instances fail while the old ones serve. `isTroubled`: whether an instance that starts was reported not to be ready. */
export function failedReplacements(
  applications: readonly ApplicationStatus[],
  isTroubled: (instance: string) => boolean,
): readonly FailedReplacement[] {
  return applications.flatMap((application) => {
    const replacement = replacementProgress(application);
    if (replacement.state === 'done' || replacement.serving.length === 0) return [];
    const { id } = application;
    const serving = servingText(replacement.serving);
    if (replacement.state === 'failing')
      return [
        { application: id, instance: replacement.failed.id, reason: `${id}: ${failedText(replacement)}; ${serving}.` },
      ];
    const waiting = replacement.waiting.find((one) => isTroubled(one.id));
    if (waiting === undefined) return [];
    return [{ application: id, instance: waiting.id, reason: `${id}: ${waitingText(waiting)}; ${serving}.` }];
  });
}

/** 'the new instance web/2 is not ready: exited with code 3'. */
export function failedText({ failed }: Extract<Replacement, { state: 'failing' }>): string {
  return `the new instance ${failed.id} is not ready: ${failed.reason.replace(/\.$/, '')}`;
}

/** 'the new instance web/2 is not ready yet: GET / on port 41213 answered 500'. */
export function waitingText({ id, reason }: Pick<InstanceStatus, 'id' | 'reason'>): string {
  return `the new instance ${id} is not ready yet: ${reasonBesideState('starting', reason.replace(/\.$/, ''))}`;
}

/** 'web/1 of the earlier configuration serves'. */
export function servingText(serving: readonly InstanceStatus[]): string {
  return instancesText(
    serving.map(({ id }) => id),
    ' of the earlier configuration',
  );
}

/** 'web/1 serves', 'web/1, web/2, web/3 and 2 more serve'. */
export function instancesText(names: readonly string[], which = ''): string {
  const [shown, more] = [names.slice(0, namedMax).join(', '), names.length - namedMax];
  const verb = names.length === 1 ? 'serves' : 'serve';
  return `${shown}${more > 0 ? ` and ${more} more` : ''}${which} ${verb}`;
}

const namedMax = 3;
