import type { CheckSpec, UpstreamTls } from '../core/configuration.ts';
import type { Connector, UnknownCode } from '../core/connector.ts';
import { Deadline, type Deadlines } from '../core/deadline.ts';
import { addressText, type EndpointAddress, hostPort } from '../core/endpoint.ts';
import { explain } from '../core/explain.ts';
import type { Cause, Failure } from '../core/failure.ts';
import { after, type Clock } from '../core/time.ts';
import type { Transport, TransportListener } from '../core/transport.ts';
import { HeadStorage } from '../wire/head-storage.ts';
import { responseLimits } from '../wire/limits.ts';
import { ResponseHeadParser } from '../wire/response-head.ts';
import type { CheckOutcome } from '../policy/health.ts';
import { isRefusal } from '../core/refusal.ts';
import { connectionFailure, refusedResponse } from './connection-failure.ts';
import { unknownCode } from '../core/unknown-code.ts';
import { Dial, type DialWaiter } from './dial.ts';
import { failureWithoutSecrets } from '../core/redact/failure.ts';
import { TextRedactor } from '../core/redact/text-redactor.ts';

const redactor = new TextRedactor();

export interface CheckPorts {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly connector: Connector;
  /** Told of an answer of the world that no entry of the failure table fits, so that it can be counted. */
  readonly onUnclassified?: (unknown: UnknownCode) => void;
}

export interface CheckTarget {
  readonly address: EndpointAddress;
  /** The name that led to the address, and the same in the other family; absent where the address was written. */
  readonly name?: string;
  readonly secondAddress?: string | null;
  readonly tls: UpstreamTls | null;
  readonly check: Exclude<CheckSpec, { kind: 'none' }>;
}

/** What one look at an endpoint found. */
export interface CheckResult {
  readonly passed: boolean;
  /** One sentence: "answered 200", or what went wrong. */
  readonly reason: string;
  /** Where it failed as a request would fail. */
  readonly cause?: Cause;
}

export function outcomeOf({ passed, cause }: CheckResult): CheckOutcome {
  if (passed) return 'passed';
  return isRefusal(cause) ? 'refused' : 'failed';
}

/**
 * One look at an endpoint: a TCP connection, or a GET whose answer is 2xx, within `timeoutMs` in all. Calls
 * back exactly once. A timeout is never a pass.
 */
export class HealthCheck extends Deadline implements DialWaiter, TransportListener {
  readonly #target: CheckTarget;
  readonly #ports: CheckPorts;
  readonly #onResult: (result: CheckResult) => void;
  readonly #parser = new ResponseHeadParser(responseLimits, new HeadStorage());
  readonly #dial: Dial;
  #transport: Transport | null = null;
  /** Said of a pass that was another address's of the same name. */
  #where = '';
  #over = false;

  constructor(target: CheckTarget, ports: CheckPorts, onResult: (result: CheckResult) => void) {
    super();
    this.#target = target;
    this.#ports = ports;
    this.#onResult = onResult;
    const { timeoutMs } = target.check;
    const limits = { dnsMs: timeoutMs, connectMs: timeoutMs, tlsMs: timeoutMs };
    const { address } = target;
    const shownAddress = addressText(address);
    const onUnclassified = ports.onUnclassified ?? ((_unknown: UnknownCode): void => {});
    this.#dial = new Dial(
      {
        address,
        name: target.name ?? null,
        secondAddress: target.secondAddress ?? null,
        addressText: shownAddress,
        tls: target.tls,
        limits,
      },
      { ...ports, onUnclassified },
      this,
    );
  }

  begin(): void {
    this.at = after(this.#ports.clock.now(), this.#target.check.timeoutMs);
    this.#ports.deadlines.add(this);
    this.#dial.begin();
  }

  cancel(): void {
    this.#end(null);
  }

  onStage(): void {}

  onDialed(transport: Transport, address: string): void {
    const { check } = this.#target;
    if (address !== addressText(this.#target.address)) this.#where = ` at ${address}`;
    if (this.#over) return transport.close('close');
    this.#transport = transport;
    transport.listener = this;
    if (check.kind === 'tcp') return this.#end({ passed: true, reason: `accepts connections${this.#where}` });
    this.#parser.expect('GET');
    const host = check.host ?? hostOf(this.#target);
    const text = `GET ${check.path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: health-check\r\nAccept: */*\r\nConnection: close\r\n\r\n`;
    const bytes = new TextEncoder().encode(text);
    transport.write(bytes, 0, bytes.length, 'owned');
  }

  onDialFailed(failure: Failure): void {
    this.#fail(failure);
  }

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    while (at < end && !this.#over) {
      at += this.#parser.push(bytes, at, end);
      const { state, head } = this.#parser;
      if (state === 'refused') return this.#fail(refusedResponse(this.#parser, addressText(this.#target.address)));
      if (state === 'complete' && head !== null) {
        if (head.status >= 200) return this.#judge(head.status, head.fields.get('location'));
        this.#parser.reset();
        this.#parser.expect('GET');
      }
    }
  }

  #judge(status: number, location: string | null): void {
    if (status < 300) return this.#end({ passed: true, reason: `answered ${status}${this.#where}` });
    const to = location === null ? '' : ` to ${location.slice(0, 100)}`;
    this.#end({ passed: false, reason: status < 400 ? `redirects${to} (${status})` : `answered ${status}` });
  }

  onEnd(): void {
    this.#onConnectionLost(null);
  }

  onClosed(errno: string | null): void {
    this.#onConnectionLost(errno);
  }

  #onConnectionLost(errno: string | null): void {
    const address = addressText(this.#target.address);
    const connection = { address, reused: false, idleMs: 0, requestSent: true, bytesSent: 0 };
    const at = this.#parser.began
      ? ({ at: 'head', bytesReceived: this.#parser.bytesHeld } as const)
      : ({ at: 'before' } as const);
    const failure = connectionFailure({ ...connection, ...at }, errno);
    if (failure !== null) return this.#fail(failure);
    const unknown = { stage: 'response', code: errno ?? '' } as const;
    this.#ports.onUnclassified?.(unknown);
    this.#fail(unknownCode(unknown));
  }

  onWritten(): void {}

  override onExpired(): void {
    const { timeoutMs } = this.#target.check;
    const did = this.#transport === null ? 'did not accept a connection' : 'did not answer';
    this.#end({ passed: false, reason: `${did} within ${timeoutMs} ms` });
  }

  #fail(failure: Failure): void {
    const reason = explain(failureWithoutSecrets(failure, redactor));
    this.#end({ passed: false, reason, cause: failure.cause });
  }

  #end(result: CheckResult | null): void {
    if (this.#over) return;
    this.#over = true;
    this.#ports.deadlines.remove(this);
    this.#parser.reset();
    if (this.#transport === null) this.#dial.cancel();
    else this.#transport.close('close');
    if (result !== null) this.#onResult(result);
  }
}

/** The Host of a check is what a request would have: the name that was written, not where it led. */
function hostOf({ address, name }: CheckTarget): string {
  if (name === undefined || address.kind === 'unix') return addressText(address);
  return hostPort(name, address.port);
}
