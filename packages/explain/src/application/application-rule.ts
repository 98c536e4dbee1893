import type { ProxyErrorType } from '../../../failures/src/proxy-error.ts';
import type { ApplicationEventKind, ApplicationProduct, Fix } from '../finding.ts';

/** One message of a program on the application's side, and what it says happened. */
export interface ApplicationRule {
  /**
   * Matches the message without the time and the names before it. The groups `process`, `unit`, `cgroup`, `container` and
   * `pod` name the application, `listen` is the address at which it listens; the groups `pid` and `why` are for the
   * sentence.
   */
  readonly form: RegExp;
  /** Null: a message that says nothing went wrong, and is no event. */
  readonly kind: ApplicationEventKind | null;
  /** `{process}` stands for the group of that name, or for nothing. */
  readonly sentence: string;
  readonly fix: Fix | null;
  /** What the gateway in front sees, if the line names the request; in a log of its own it counts as an event all the same. */
  readonly seen?: ProxyErrorType;
  /** Whether it is about one worker of a server that has several. */
  readonly isWorker?: boolean;
}

/** The messages of one program. */
export interface ApplicationLog {
  readonly product: ApplicationProduct;
  /** For people: "php-fpm log". */
  readonly format: string;
  /** Words of which each message has one. Looking for them is cheaper than trying all forms. */
  readonly needs: RegExp;
  /** The name of the application if no group gives one: gunicorn serves whatever it serves. */
  readonly names: readonly string[];
  readonly rules: readonly ApplicationRule[];
}

export const rule = (
  kind: ApplicationEventKind | null,
  form: RegExp,
  sentence: string,
  fix: string | null = null,
  snippet: string | null = null,
): ApplicationRule => ({ form, kind, sentence, fix: fix === null ? null : { text: fix, snippet } });

/** A rule about one request. */
export const seenAs = (type: ProxyErrorType, one: ApplicationRule): ApplicationRule => ({ ...one, seen: type });

/** A rule about one worker of several. */
export const ofWorker = (one: ApplicationRule): ApplicationRule => ({ ...one, isWorker: true });
