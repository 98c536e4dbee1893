import { FieldLineSink } from './field-line-sink.ts';

/** What was written, as HTTP/1 has it, and the runs of lines that were copied. */
export class RecordedLines extends FieldLineSink {
  text = '';
  readonly runs: string[] = [];

  field(name: string, value: string): void {
    this.text += `${name}: ${value}\r\n`;
  }

  fieldLines(bytes: Uint8Array, start: number, end: number): void {
    const run = Buffer.from(bytes.subarray(start, end)).toString('latin1');
    this.runs.push(run);
    this.text += run;
  }

  /** Names in lowercase, and values without the space around them. */
  get pairs(): [name: string, value: string][] {
    const lines = this.text.split('\r\n').slice(0, -1);
    return lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '')];
    });
  }
}
