import type { SyslogSpec } from '../core/syslog-spec.ts';
import type { Clock } from '../core/time.ts';
import type { EventSink } from '../core/event.ts';
import { countLines } from '../record/copy-lines.ts';
import { type LogFile, openLogFile } from '../record/log-file.ts';
import type { LogOutput } from '../record/log-output.ts';
import type { LogLines } from '../record/log-lines.ts';

/** What waits for a receiver; what comes meanwhile is dropped, and counted. */
const queuedBytesMax = 4 * 1024 * 1024;

/** RFC 5424 §6.1: receivers take 2048 bytes, and should take more; most take 8 KiB. A datagram is not sent in parts. */
const datagramBytesMax = 8192;

/** RFC 5424 §6.2.1. */
const severities = { failed: 4, succeeded: 6 } as const;

interface SyslogParts {
  readonly clock: Clock;
  readonly events: EventSink;
  readonly lines: LogLines;
  readonly hostname: string;
  readonly processId: number;
  readonly onLost: (lines: number) => void;
}

/** Sends the lines of the log to a receiver. A receiver that takes none delays nothing: its lines wait, and beyond a limit they are dropped. */
export class Syslog {
  readonly #spec: SyslogSpec;
  readonly #parts: SyslogParts;
  readonly #file: LogFile;
  #queuedBytes = 0;

  constructor(spec: SyslogSpec, parts: SyslogParts, file: LogFile) {
    this.#spec = spec;
    this.#parts = parts;
    this.#file = file;
  }

  static async open(spec: SyslogSpec, parts: SyslogParts): Promise<Syslog> {
    const { clock, events, onLost } = parts;
    const output = await openOutput(spec, clock);
    const opened = await openLogFile(spec.name, {
      ...{ clock, events, onLost },
      // The connection is made by the first write, and anew after one that failed.
      open: () => Promise.resolve({ ok: true, value: output }),
    });
    if (!opened.ok) throw new Error(opened.failure.reason);
    return new Syslog(spec, parts, opened.value);
  }

  /** `records`: whole lines, as workers write them. They may be overwritten after the call. */
  append(records: Uint8Array): void {
    const bytes = this.#messages(records);
    if (bytes.length === 0) return;
    if (this.#queuedBytes + bytes.length > queuedBytesMax) {
      const lines = countLines(bytes, 0);
      this.#parts.onLost(lines);
      return this.#file.lost(lines);
    }
    this.#queuedBytes += bytes.length;
    this.#file.append(bytes, () => (this.#queuedBytes -= bytes.length));
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #messages(records: Uint8Array): Uint8Array {
    const all = Buffer.from(records.buffer, records.byteOffset, records.length).toString('latin1').split('\n');
    return Buffer.from(all.map((record) => this.#message(record)).join(''), 'latin1');
  }

  /** `<134>1 2026-11-27T08:42:18.123Z edge candor 4711 exchange - {"v":1,…}` (RFC 5424 §6). */
  #message(record: string): string {
    if (record === '') return '';
    const line = Buffer.from(this.#parts.lines(Buffer.from(`${record}\n`, 'latin1'))).toString('latin1');
    if (line === '') return '';
    const { kind, facility, tag } = this.#spec;
    const severity = record.includes('"cause":"') ? severities.failed : severities.succeeded;
    if (kind === 'journal' || kind === 'logger') return `<${severity}>${line}`;
    const at = /"at":"([\dT:.Z-]{20,27})"/.exec(record)?.[1] ?? '-';
    const { hostname, processId } = this.#parts;
    const message = `<${facility * 8 + severity}>1 ${at} ${hostname} ${tag} ${processId} exchange - ${line}`;
    return kind === 'udp' && message.length > datagramBytesMax ? `${message.slice(0, datagramBytesMax)}\n` : message;
  }
}

/** Only what is used is loaded. */
async function openOutput(spec: SyslogSpec, clock: Clock): Promise<LogOutput> {
  if (spec.kind === 'logger') return new (await import('./logger-output.ts')).LoggerOutput(spec, clock);
  return new (await import('./syslog-output.ts')).SyslogOutput(spec, clock);
}
