import { fail, type Failure } from '#failures/failure.ts';
import type { Filter, FilterContext, FilterDecision, FilterResponseHead } from '../../core/filter.ts';
import type { CountedOutcomes } from '../worker-counted-outcomes.ts';
import { headerListOf, headerValueOf } from './header-value.ts';
import { groupsOf, lackOf } from './required.ts';
import { admitted, authenticationName, type AuthenticationSpec } from './settings.ts';
import { type SchemeCredentials, withholdCredentials } from './worker-scheme-credentials.ts';
import { faultOf, type PendingDecision, type SchemeDecision, type SchemePart } from './worker-scheme.ts';

/** Asks each scheme of the route until one knows the client. */
export class AuthenticationFilter implements Filter {
  readonly name = authenticationName;
  readonly stage = 'authentication';
  readonly spec: AuthenticationSpec;
  readonly rules: AuthenticationSpec;
  readonly schemes: readonly (readonly [name: string, part: SchemePart])[];
  readonly credentials: readonly SchemeCredentials[];
  readonly counts: CountedOutcomes;
  readonly #ofResponses: boolean;

  constructor(spec: AuthenticationSpec, schemes: ReadonlyMap<string, SchemePart>, counts: CountedOutcomes) {
    this.spec = this.rules = spec;
    this.schemes = [...schemes];
    this.credentials = this.schemes.flatMap(([, { credentials }]) => credentials ?? []);
    this.counts = counts;
    this.#ofResponses = this.schemes.some(([, part]) => part.onResponseHead !== undefined);
  }

  onRequestHead(exchange: FilterContext): FilterDecision {
    const run = new AuthenticationRun(this, exchange);
    const decision = run.next();
    if (decision === 'suspend' || this.#ofResponses) exchange.setState(this, run);
    return decision;
  }

  onResponseHead(exchange: FilterContext, head: FilterResponseHead): void {
    if (!this.#ofResponses) return;
    const run = exchange.getState(this) as AuthenticationRun | undefined;
    run?.admittedBy?.onResponseHead?.(exchange, head, run.note);
  }

  onSwitchHead(exchange: FilterContext, head: FilterResponseHead): void {
    this.onResponseHead(exchange, head);
  }

  onCancelled(exchange: FilterContext): void {
    (exchange.getState(this) as AuthenticationRun | undefined)?.cancel();
  }
}

/** One request on its way through the schemes. */
class AuthenticationRun {
  admittedBy: SchemePart | null = null;
  note: unknown;
  readonly #filter: AuthenticationFilter;
  readonly #exchange: FilterContext;
  #at = 0;
  #pending: PendingDecision | null = null;
  /** What each scheme has found wrong: a token may look like a key to another one. */
  readonly #because: string[] = [];
  /** Schemes whose credentials are not valid. */
  readonly #refused = new Set<SchemePart>();
  #failure: Failure | null = null;

  constructor(filter: AuthenticationFilter, exchange: FilterContext) {
    this.#filter = filter;
    this.#exchange = exchange;
  }

  next(): FilterDecision {
    const { schemes } = this.#filter;
    while (this.#at < schemes.length) {
      const [name, part] = schemes[this.#at++] as (typeof schemes)[number];
      const pending: PendingDecision = {
        onCancelled: null,
        settle: (later) => this.#settle(pending, name, part, later),
      };
      this.#pending = pending;
      const decision = part.authenticate(this.#exchange, pending);
      if (decision === null) return 'suspend';
      this.#pending = null;
      const end = this.#end(name, part, decision);
      if (end !== null) return end;
    }
    return this.#failure ?? this.#notAuthenticated();
  }

  cancel(): void {
    const pending = this.#pending;
    this.#pending = null;
    pending?.onCancelled?.();
  }

  #settle(pending: PendingDecision, name: string, part: SchemePart, decision: SchemeDecision): void {
    if (this.#pending !== pending) return;
    this.#pending = null;
    const end = this.#endLater(name, part, decision);
    if (end !== 'suspend') this.#exchange.resume(this.#filter, end);
  }

  /** What throws here would end the worker, and not the request. */
  #endLater(name: string, part: SchemePart, decision: SchemeDecision): FilterDecision {
    try {
      return this.#end(name, part, decision) ?? this.next();
    } catch (error) {
      return faultOf(error);
    }
  }

  /** Null: the next scheme is asked. */
  #end(name: string, part: SchemePart, decision: SchemeDecision): Exclude<FilterDecision, 'suspend'> | null {
    if (decision.kind === 'absent') return null;
    if (decision.kind === 'user') return this.#permit(name, part, decision);
    this.#filter.counts.add(`${name} ${decision.fault}`);
    if (decision.kind === 'answer') return decision.answer;
    if (decision.kind === 'failed') this.#failure ??= decision.failure;
    else {
      this.#because.push(decision.because);
      this.#refused.add(part);
    }
    return null;
  }

  #permit(
    name: string,
    part: SchemePart,
    { user, headerValues = [], note }: Extract<SchemeDecision, { kind: 'user' }>,
  ): 'continue' | Failure {
    const { spec, counts } = this.#filter;
    // A service may let in whom it does not name.
    if (user.name !== '') this.#exchange.noteUser(user);
    const lacks = lackOf(user, spec.require);
    if (lacks !== null) {
      counts.add(`${name} not_permitted`);
      const { asksFor, loginPath } = part;
      const evidence = { scheme: asksFor, user: user.name, lacks };
      return fail('not_permitted', 'filter', loginPath === undefined ? evidence : { ...evidence, loginPath });
    }
    counts.add(`${name} ${admitted}`);
    this.admittedBy = part;
    this.note = note;
    withholdCredentials(this.#exchange, part.credentials, this.#filter.credentials);
    for (const [header, value] of headerValues) this.#exchange.setRequestHeader(header, value);
    if (spec.userHeader !== null && user.name !== '')
      this.#exchange.setRequestHeader(spec.userHeader, headerValueOf(user.name));
    const groups = spec.groupsHeader === null ? [] : groupsOf(user.claims);
    if (spec.groupsHeader !== null && groups.length > 0)
      this.#exchange.setRequestHeader(spec.groupsHeader, headerListOf(groups));
    return 'continue';
  }

  #notAuthenticated(): Failure {
    const parts = this.#filter.schemes.map(([, part]) => part);
    if (this.#because.length === 0) this.#filter.counts.add(`${this.#filter.schemes[0]?.[0] ?? ''} missing`);
    return fail('not_authenticated', 'filter', {
      scheme: parts.map(({ asksFor }) => asksFor).join(' or '),
      fault: this.#because.join(', and ') || 'the request has none',
      challenge: parts.flatMap((part) => this.#challengeOf(part)).join(', '),
    });
  }

  /** Programs get a new token where theirs is not valid (RFC 6750 §3.1). */
  #challengeOf(part: SchemePart): readonly string[] {
    const { challenge } = part;
    if (challenge === '') return [];
    return [
      this.#refused.has(part) && challenge.startsWith('Bearer ') ? `${challenge}, error="invalid_token"` : challenge,
    ];
  }
}
