/** Octets of a line that are kept; the rest of a longer one is passed over. */
export const keptOctetsMax = 65_536;

const lf = 10;

/** Cuts chunks of octets into lines of text. */
export class LineCutter {
  readonly #onLine: (text: string) => void;
  readonly #rest = new Uint8Array(keptOctetsMax);
  #restLength = 0;
  #hasRest = false;

  constructor(onLine: (text: string) => void) {
    this.#onLine = onLine;
  }

  push(chunk: Uint8Array): void {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(lf, start);
      if (end < 0) break;
      if (this.#hasRest) {
        this.#keep(chunk.subarray(start, end));
        this.#endLine();
      } else {
        this.#onLine(decodeLine(chunk.subarray(start, Math.min(end, start + keptOctetsMax))));
      }
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  end(): void {
    if (this.#hasRest) this.#endLine();
  }

  #keep(octets: Uint8Array): void {
    const fitting = octets.subarray(0, keptOctetsMax - this.#restLength);
    this.#rest.set(fitting, this.#restLength);
    this.#restLength += fitting.length;
    this.#hasRest = true;
  }

  #endLine(): void {
    const line = decodeLine(this.#rest.subarray(0, this.#restLength));
    this.#restLength = 0;
    this.#hasRest = false;
    this.#onLine(line);
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });
const latin1 = new TextDecoder('latin1');

/** Without a carriage return at its end and without NULs, which a file that was cut while it was written is full of. */
export function decodeLine(octets: Uint8Array): string {
  let text: string;
  try {
    text = utf8.decode(octets);
  } catch {
    text = latin1.decode(octets);
  }
  if (text.includes('\0')) text = text.replaceAll('\0', '');
  return text.endsWith('\r') ? text.slice(0, -1) : text;
}
