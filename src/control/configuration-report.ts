import { descriptorsAdvice, descriptorsFewText } from '../core/descriptor-need.ts';
import { lowerFirst } from '#failures/first-letter.ts';
import type { EventSink } from '../core/event.ts';
import type { ShownConfiguration } from '../core/kept-configuration.ts';
import type { ReloadOutcome, ReloadRejection } from './gateway-status.ts';
import { descriptorLimit, descriptorsNeeded } from '../system/descriptors.ts';
import type { ActiveConfiguration } from './active-configuration.ts';
import type { ConfigurationHistory } from './configuration-history.ts';
import { ReturnedSettings } from './returned-settings.ts';

/** Reports the result of a reload as an event, keeps what was read, and returns the result to the requester. */
export class ConfigurationReport {
  readonly #events: EventSink;
  readonly #active: ActiveConfiguration;
  readonly #source: string | null;
  readonly #history: ConfigurationHistory;
  readonly #limit: number | null = descriptorLimit();
  readonly #settings = new ReturnedSettings();
  #warnedOf = 0;

  /** `source` is the path of the configuration file; null without a file. */
  constructor(events: EventSink, active: ActiveConfiguration, source: string | null, history: ConfigurationHistory) {
    this.#history = history;
    this.#events = events;
    this.#active = active;
    this.#source = source;
  }

  /** `shown`: what people may see of the file; null without one. */
  applied(
    actor: string,
    changed: readonly string[],
    shown: ShownConfiguration | null,
    overlay: readonly string[] = [],
  ): ReloadOutcome {
    const { contentHash, revision } = this.#active;
    const configuration = this.#history.applied(actor, { revision, contentHash, changed }, shown);
    const returned = this.#settings.apply(this.#active.configuration, contentHash, revision);
    const evidence = { contentHash, source: this.#source ?? 'command line', changed, configuration, returned };
    const whole = returned.find(({ part }) => part === 'everything');
    const same = whole === undefined ? '' : `; its settings are those of revision ${whole.revision}`;
    const reason = `revision ${revision} is active${same}`;
    this.#events.emit({ kind: 'configuration_applied', subject: 'gateway', reason, evidence, actor });
    this.#warnOfFewDescriptors();
    return { ok: true, revision, changed, overlay };
  }

  /** Warns at start, before the first burst of connections fails. */
  #warnOfFewDescriptors(): void {
    const needed = descriptorsNeeded(this.#active.configuration);
    if (this.#limit === null || needed <= this.#limit || needed === this.#warnedOf) return;
    this.#warnedOf = needed;
    const need = { limit: this.#limit, needed };
    this.#events.emit({
      kind: 'descriptors_few',
      subject: 'gateway',
      reason: `${descriptorsFewText(need)}: ${lowerFirst(descriptorsAdvice(need))}`,
      evidence: need,
    });
  }

  /** A reload that cannot be made now, whatever the file says, is not kept. */
  rejected(
    actor: string,
    { kind, errors }: Omit<ReloadRejection, 'ok'>,
    shown: ShownConfiguration | null = null,
  ): ReloadOutcome {
    const reason = `${rejections[kind]}${firstOf(errors)}; nothing has changed`;
    const configuration = kind === 'refused' ? null : this.#history.refused(actor, errors, shown);
    const evidence = { source: this.#source ?? 'none', errors, configuration };
    this.#events.emit({ kind: 'configuration_rejected', subject: 'gateway', reason, evidence, actor });
    return { ok: false, kind, errors };
  }
}

/** Errors that the sentence of an event has. All of them are in its evidence. */
const errorsShown = 3;

/** ': candor.yaml:3:5: … (…); …; and 2 more' */
function firstOf(errors: readonly string[]): string {
  const shown = errors.slice(0, errorsShown).map((error) => error.replace(/\.$/, ''));
  const left = errors.length - shown.length;
  return shown.length === 0 ? '' : `: ${[...shown, ...(left === 0 ? [] : [`and ${left} more`])].join('; ')}`;
}

const rejections: Readonly<Record<ReloadRejection['kind'], string>> = {
  invalid: 'the configuration was refused',
  refused: 'no configuration can be applied now',
  failed: 'the configuration could not be applied',
};
