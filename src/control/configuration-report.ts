import { createHash } from 'node:crypto';
import { descriptorsAdvice, descriptorsFewText } from '../core/descriptor-need.ts';
import { lowerFirst } from '#failures/first-letter.ts';
import type { EventSink, ReturnedPart } from '../core/event.ts';
import type { ShownConfiguration } from '../core/kept-configuration.ts';
import type { ReloadOutcome, ReloadRejection } from './gateway-status.ts';
import { descriptorLimit, descriptorsNeeded } from '../system/descriptors.ts';
import type { ActiveConfiguration } from './active-configuration.ts';
import { EditedSource } from './edited-source.ts';
import type { ConfigurationHistory } from './configuration-history.ts';
import type { Configuration } from '../core/configuration.ts';

/** Parts that are compared one by one, by their key in candor.yaml. */
const partsOf = {
  applications: ({ applications }: Configuration) => applications,
  upstreams: ({ upstreams }: Configuration) => upstreams,
} as const;

/** Of each part: somebody who goes back goes back to one of the last. */
const keptMax = 20;

/** Parts that a configuration no longer has, and may have again. */
const removedMax = 1000;

interface KnownSettings {
  readonly hash: string;
  /** The last that had them. */
  readonly revision: number;
}

/**
 * The settings that this process has had, so that a change which takes back an earlier one can be told from a new one. Texts are not kept,
 * only their digests.
 */
export class ReturnedSettings {
  readonly #known = new Map<string, KnownSettings[]>();
  #parts: ReadonlyMap<string, string> = new Map();

  /** The parts that differ from the revision before, and are as in an earlier one. */
  apply(configuration: Configuration, contentHash: string, revision: number): readonly ReturnedPart[] {
    const parts = new Map<string, string>([['everything', contentHash]]);
    for (const [key, itemsOf] of Object.entries(partsOf))
      for (const item of itemsOf(configuration)) parts.set(`${key}: ${item.id}`, digestOf(item));
    const returned: ReturnedPart[] = [];
    for (const [part, hash] of parts) {
      const known = this.#known.get(part) ?? [];
      const found = known.find((one) => one.hash === hash);
      if (found !== undefined && this.#parts.get(part) !== hash) returned.push({ part, revision: found.revision });
      this.#known.set(part, [...known.filter((one) => one !== found), { hash, revision }].slice(-keptMax));
    }
    this.#parts = parts;
    if (this.#known.size > parts.size + removedMax)
      for (const part of this.#known.keys()) if (!parts.has(part)) this.#known.delete(part);
    return returned;
  }
}

function digestOf(item: unknown): string {
  return createHash('sha256').update(JSON.stringify(item)).digest('hex').slice(0, 16);
}

/** Reports the result of a reload as an event, keeps what was read, and returns the result to the requester. */
export class ConfigurationReport {
  readonly #events: EventSink;
  readonly #active: ActiveConfiguration;
  readonly #source: string | null;
  readonly #editedSource: EditedSource;
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
    this.#editedSource = new EditedSource(source);
  }

  /** The file was written since it was applied, and not as it was. */
  get isEdited(): boolean {
    return this.#editedSource.isEdited;
  }

  /** `shown`: what people may see of the file; null without one. */
  applied(
    actor: string,
    changed: readonly string[],
    shown: ShownConfiguration | null,
    overlay: readonly string[] = [],
  ): ReloadOutcome {
    const { contentHash, revision } = this.#active;
    this.#editedSource.noteApplied(shown?.original ?? null);
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
