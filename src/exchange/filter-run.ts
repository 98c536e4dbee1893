import type { AttemptFacts, ClientFacts, SessionChange, User } from '../core/exchange.ts';
import type { EndpointRelease } from '../core/endpoint-release.ts';
import { fail, type Failure } from '#failures/failure.ts';
import type {
  BodySink,
  Filter,
  FilterAnswer,
  FilterContext,
  FilterDecision,
  FilterPipeline,
  FilterSource,
  ResponseReplacement,
} from '../core/filter.ts';
import {
  chunkedBody,
  hasNoBody,
  noBody,
  type OutgoingResponse,
  type RequestHead,
  type ResponseHead,
} from '../core/message.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';
import type { VariableSource } from '../core/variables.ts';
import { assertHeader, EditedResponse } from './edited-response.ts';
import { BodyReplacement, replacing } from './body-replacement.ts';
import { filterFault } from './filter-fault.ts';
import { type BodyEnds, FilteredBodies } from './filtered-bodies.ts';
import { isExtendedConnect } from './forward.ts';
import type { Route } from './ports.ts';
import { RequestHeaderChanges } from './request-header-changes.ts';
import { plainPath } from '../wire/plain-path.ts';

/** The exchange, as the run of its filters sees it. */
export interface FilteredExchange extends BodyEnds, VariableSource {
  readonly request: RequestHead;
  readonly serving: { readonly stopping: boolean };
  /** The route, once it has been found. */
  requireRoute(): Pick<Route, 'rewrite' | 'errorPages' | 'upstream'>;
  readonly attempts: readonly Pick<AttemptFacts, 'endpoint' | 'address' | 'retryReason'>[];
  /** Of the endpoint that has answered. */
  readonly release: EndpointRelease | null;
  /** For how long filters have suspended the request; −1: none has. */
  filterMs: number;
  /** Every filter has let the request go on. */
  onFiltersPassed(): void;
  onFilterAnswer(answer: FilterAnswer): void;
  onFilterSource(source: FilterSource): void;
}

const none: readonly never[] = [];

/** The client would take the answer for an open tunnel, and its body for frames. */
const noTunnelHere = fail('request_refused', 'filter', { rule: 'connect-unanswerable', status: 501, at: '' });

type Resolution = Exclude<FilterDecision, 'suspend'>;

/** The way of one exchange through the filters of its route. It exists only where the route has filters. */
export class FilterRun extends RequestHeaderChanges implements FilterContext {
  readonly clock: Clock;
  readonly bodies: FilteredBodies;
  session: SessionChange | null = null;
  failureHeaders: readonly (readonly [name: string, value: string])[] = none;
  user: User | null = null;
  /** A filter has replaced the body of the endpoint's response. */
  pageReplaced = false;
  readonly #pipeline: FilterPipeline;
  readonly #exchange: FilteredExchange;
  readonly #suspensionMs: number;
  /** Filters that the request has passed. */
  #passed = 0;
  /** The filter that answers in place of the endpoint, and what it is asked then. */
  #replacement: { readonly by: Filter; readonly decide: ResponseReplacement } | null = null;
  #asking = false;
  /** The filter that has suspended the exchange, and since when. */
  #suspendedBy: Filter | null = null;
  #suspendedAt: Instant;
  #timer: Timer | null = null;
  /** A decision that came before `suspend` was returned. */
  #early: Resolution | null = null;
  #states: Map<Filter, unknown> | null = null;
  #closed = false;

  /** A filter may suspend the request for `suspensionMs`. */
  constructor(pipeline: FilterPipeline, exchange: FilteredExchange, clock: Clock, suspensionMs: number) {
    super();
    this.#pipeline = pipeline;
    this.#exchange = exchange;
    this.bodies = new FilteredBodies(exchange);
    this.clock = clock;
    this.#suspensionMs = suspensionMs;
    this.#suspendedAt = clock.now();
  }

  // What filters see of the exchange.

  get id(): string {
    return this.#exchange.id;
  }

  get request(): RequestHead {
    return this.#exchange.request;
  }

  get path(): string {
    return this.#exchange.path;
  }

  get rewrittenPath(): string {
    return plainPathOf(this.#exchange.requireRoute().rewrite.target(this.#exchange.request.target, this.#exchange));
  }

  get client(): ClientFacts {
    return this.#exchange.client;
  }

  get variables(): VariableSource {
    return this.#exchange;
  }

  get errorPages(): Readonly<Record<string, string>> {
    return this.#exchange.requireRoute().errorPages;
  }

  get stopping(): boolean {
    return this.#exchange.serving.stopping;
  }

  get endpoint(): string | null {
    return this.#exchange.attempts.at(-1)?.endpoint ?? null;
  }

  get endpointAddress(): string | null {
    return this.#exchange.attempts.at(-1)?.address ?? null;
  }

  get release(): string | null {
    return this.#exchange.release?.name ?? null;
  }

  get isFromSource(): boolean {
    return this.#exchange.requireRoute().upstream?.isSource === true;
  }

  get isOfPrevious(): boolean {
    return this.#exchange.attempts.some(({ retryReason }) => retryReason === 'previous_release');
  }

  addFailureHeader(name: string, value: string): void {
    assertHeader(name, value);
    this.failureHeaders = [...this.failureHeaders, [name, value]];
  }

  noteSession(change: SessionChange): void {
    this.session = change;
  }

  noteUser(user: User): void {
    this.user = user;
  }

  getState(filter: Filter): unknown {
    return this.#states?.get(filter);
  }

  setState(filter: Filter, state: unknown): void {
    (this.#states ??= new Map()).set(filter, state);
  }

  // The request's head.

  begin(): void {
    this.#advance();
  }

  /** Asks each filter in turn, from the first one that the request has not passed. */
  #advance(): void {
    const { filters } = this.#pipeline;
    for (let filter = filters[this.#passed]; filter !== undefined; filter = filters[this.#passed]) {
      const decision = this.#ask(filter, null);
      if (this.#closed) return;
      if (decision === 'suspend') return this.#suspend();
      if (decision !== 'continue') return this.#answer(decision);
      this.#passed++;
    }
    if (this.#addRequestTransforms()) this.#exchange.onFiltersPassed();
  }

  /** `replacement`: of an endpoint's response; null: the request's head is what the filter decides. */
  #ask(filter: Filter, replacement: ResponseReplacement | null): FilterDecision {
    if (replacement === null && filter.onRequestHead === undefined) return 'continue';
    this.#suspendedBy = filter;
    this.#asking = true;
    try {
      const decision = replacement === null ? (filter.onRequestHead?.(this) ?? 'continue') : replacement();
      if (decision !== 'suspend') this.#suspendedBy = null;
      return decision === 'suspend' && this.#early !== null ? this.#takeEarly(this.#early) : decision;
    } catch (error) {
      this.#suspendedBy = null;
      return filterFault(filter, error);
    } finally {
      this.#asking = false;
      this.#early = null;
    }
  }

  #takeEarly(decision: Resolution): FilterDecision {
    this.#suspendedBy = null;
    return decision;
  }

  #suspend(): void {
    this.#suspendedAt = this.clock.now();
    if (this.#suspendedBy?.limitsSuspension === true) return;
    this.#timer = this.clock.schedule(after(this.#suspendedAt, this.#suspensionMs), suspendedTooLong, this);
  }

  resume(filter: Filter, decision: Resolution): void {
    if (this.#closed || this.#suspendedBy !== filter) return;
    if (this.#asking) {
      this.#early ??= decision;
      return;
    }
    this.#endSuspension();
    if (decision !== 'continue') return this.#answer(decision);
    if (this.#replacement !== null) return this.#exchange.onFilterFailed(filterFault(filter, nothingInstead));
    this.#passed++;
    this.#advance();
  }

  #endSuspension(): void {
    this.#suspendedBy = null;
    this.#timer?.cancel();
    this.#timer = null;
    this.#exchange.filterMs = Math.max(0, this.#exchange.filterMs) + (this.clock.now() - this.#suspendedAt);
  }

  get isSuspended(): boolean {
    return this.#suspendedBy !== null;
  }

  /** For the timer alone. */
  onSuspendedTooLong(): void {
    const filter = this.#suspendedBy;
    if (filter === null) return;
    const limitMs = this.#suspensionMs;
    this.#exchange.onFilterFailed(fail('filter_timeout', 'filter', { name: filter.name, limitMs }));
  }

  #answer(decision: FilterAnswer | FilterSource | Failure): void {
    if ('cause' in decision) this.#exchange.onFilterFailed(decision);
    else if ('stream' in decision) this.#exchange.onFilterSource(decision);
    else if (decision.status < 300 && isExtendedConnect(this.request)) this.#exchange.onFilterFailed(noTunnelHere);
    else this.#exchange.onFilterAnswer(decision);
  }

  // The response's head.

  /** Whether a filter answers in place of the endpoint with this response: `replaceResponse` then asks it. A fault ends the exchange: then true as well. */
  replaces(response: ResponseHead): boolean {
    const { replacing } = this.#pipeline;
    if (replacing === null || this.isFromSource) return false;
    for (const filter of replacing) {
      const isAsked = this.#try(filter, () => {
        const decide = filter.replaceResponse?.(this, response) ?? null;
        if (decide !== null) this.#replacement = { by: filter, decide };
      });
      if (!isAsked || this.#replacement !== null) return true;
    }
    return false;
  }

  replaceResponse(): void {
    const replacement = this.#replacement;
    if (replacement === null || this.#closed) return;
    const decision = this.#ask(replacement.by, replacement.decide);
    if (decision === 'suspend') this.#suspend();
    else if (decision !== 'continue') this.#answer(decision);
  }

  /** The head as the filters leave it, in reverse order; null: a filter has thrown, and the exchange has been told. */
  editResponse(base: OutgoingResponse): OutgoingResponse | null {
    if (this.#passed === 0) return base;
    const head = new EditedResponse(base);
    for (let index = this.#passed - 1; index >= 0; index--) {
      const filter = this.#pipeline.filters[index] as Filter;
      if (!this.#try(filter, () => filter.onResponseHead?.(this, head))) return null;
    }
    return this.#frame(head) ? head : null;
  }

  /** The same for the head of a response that changes the protocol. */
  editSwitch(base: OutgoingResponse): OutgoingResponse | null {
    const head = new EditedResponse(base);
    for (let index = this.#passed - 1; index >= 0; index--) {
      const filter = this.#pipeline.filters[index] as Filter;
      if (filter.onSwitchHead === undefined) continue;
      if (!this.#try(filter, () => filter.onSwitchHead?.(this, head))) return null;
    }
    return head;
  }

  /** RFC 9110 §6.4.1: HEAD, 204 and 304 have no body. The length of every other body is unknown where a transform changes it. */
  #frame(head: EditedResponse): boolean {
    const { changesResponseBody } = this.#pipeline;
    if (this.request.method === 'HEAD' || head.status === 204 || head.status === 304) {
      this.bodies.dropResponse();
      head.framing = noBody;
      if (changesResponseBody && this.#wouldChange(head)) head.contentLength = -1;
      return true;
    }
    const { replacement } = head;
    if (replacement !== null) {
      this.pageReplaced = true;
      this.bodies.addResponseTransform(replacing, (sink) => new BodyReplacement(sink, replacement));
    }
    if (!changesResponseBody || hasNoBody(head.framing)) return true;
    const before = this.bodies.responseTransforms;
    if (!this.#addResponseTransforms(head)) return false;
    // A transform that says that it changes nothing only delays the body, whose length stays.
    if (this.bodies.responseTransforms === before || !this.#wouldChange(head)) return true;
    head.framing = chunkedBody;
    head.contentLength = -1;
    return true;
  }

  /** Whether the body of an answer to GET would be another one. */
  #wouldChange(head: EditedResponse): boolean {
    return this.#pipeline.filters
      .slice(0, this.#passed)
      .some((filter) => filter.responseBody !== undefined && filter.changesResponseBody?.(this, head) !== false);
  }

  #addRequestTransforms(): boolean {
    if (hasNoBody(this.request.framing)) return true;
    for (const filter of this.#pipeline.filters) {
      const make = (sink: BodySink) => filter.requestBody?.(this, sink) ?? null;
      if (filter.requestBody === undefined) continue;
      if (!this.#try(filter, () => this.bodies.addRequestTransform(filter, make))) return false;
    }
    return true;
  }

  #addResponseTransforms(head: EditedResponse): boolean {
    for (let index = this.#passed - 1; index >= 0; index--) {
      const filter = this.#pipeline.filters[index] as Filter;
      const make = (sink: BodySink) => filter.responseBody?.(this, head, sink) ?? null;
      if (filter.responseBody === undefined) continue;
      if (!this.#try(filter, () => this.bodies.addResponseTransform(filter, make))) return false;
    }
    return true;
  }

  #try(filter: Filter, step: () => void): boolean {
    try {
      step();
      return true;
    } catch (error) {
      this.#exchange.onFilterFailed(filterFault(filter, error));
      return false;
    }
  }

  /** The exchange ends, or goes on without its filters. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.bodies.close();
    const filter = this.#suspendedBy;
    if (filter === null) return;
    this.#endSuspension();
    try {
      filter.onCancelled?.(this);
    } catch {
      // The exchange has ended: nothing is left that could fail.
    }
  }
}

/** The normal form of the path, without the query. */
function plainPathOf(target: string): string {
  const plain = plainPath(target);
  const mark = plain.indexOf('?');
  return mark < 0 ? plain : plain.slice(0, mark);
}

const nothingInstead = new Error('a filter that replaces a response has decided to continue');

function suspendedTooLong(run: FilterRun): void {
  run.onSuspendedTooLong();
}
