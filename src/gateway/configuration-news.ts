import type { EventSink } from '../core/event.ts';
import type { ReloadOutcome, ReloadRejection } from './control.ts';
import { descriptorLimit, descriptorsNeeded } from './descriptors.ts';
import type { InForce } from './in-force.ts';

/** Tells what became of a configuration, and answers whoever asked for it. */
export class ConfigurationNews {
  readonly #events: EventSink;
  readonly #inForce: InForce;
  readonly #source: string | null;
  readonly #limit: number | null = descriptorLimit();
  #toldOf = 0;

  /** `source` is the configuration file's path; null without one. */
  constructor(events: EventSink, inForce: InForce, source: string | null) {
    this.#events = events;
    this.#inForce = inForce;
    this.#source = source;
  }

  applied(actor: string, changed: readonly string[]): ReloadOutcome {
    const { contentHash, revision } = this.#inForce;
    const evidence = { contentHash, source: this.#source ?? 'command line', changed };
    const reason = `revision ${revision} is in force`;
    this.#events.tell({ kind: 'configuration_applied', subject: 'gateway', reason, evidence, actor });
    this.#warnOfFewDescriptors();
    return { ok: true, revision, changed };
  }

  /** Better said now than found out in the first rush. */
  #warnOfFewDescriptors(): void {
    const needed = descriptorsNeeded(this.#inForce.configuration);
    if (this.#limit === null || needed <= this.#limit || needed === this.#toldOf) return;
    this.#toldOf = needed;
    this.#events.tell({
      kind: 'descriptors_few',
      subject: 'gateway',
      reason: `this process may open ${this.#limit} files (ulimit -n), and client.connections_max with the connections to endpoints may take ${needed}: raise the one (LimitNOFILE= in a unit) or lower the other`,
      evidence: { limit: this.#limit, needed },
    });
  }

  rejected(actor: string, { kind, complaints }: Omit<ReloadRejection, 'ok'>): ReloadOutcome {
    const reason = `${rejections[kind]}; nothing has changed`;
    const evidence = { source: this.#source ?? 'none', complaints };
    this.#events.tell({ kind: 'configuration_rejected', subject: 'gateway', reason, evidence, actor });
    return { ok: false, kind, complaints };
  }
}

const rejections: Readonly<Record<ReloadRejection['kind'], string>> = {
  complaints: 'the configuration was refused',
  refused: 'no configuration is taken now',
  failed: 'the configuration could not be taken',
};
