/** A function whose compiled code was discarded. */
interface Deopt {
  readonly atUs: number;
  /** 'src/wire/byte-writer.ts:63:5' */
  readonly place: string;
  readonly reason: string;
}

/** `code-deopt,<µs>,<size>,<address>,<inlining>,<offset>,<kind>,<position of the innermost function>[ inlined at …],<reason>` */
const deoptLine = /^code-deopt,(\d+),.*?<file:[^>]*?\/((?:packages\/\w+\/)?src\/[^>]+)>[^,]*,(.*)$/gm;

/** Those of Candor's functions, in their order. For logs made with `--log-deopt`. */
export function readDeopts(log: string): Deopt[] {
  return [...log.matchAll(deoptLine)].map(([, atUs, place = '', reason = '']) => {
    return { atUs: Number(atUs), place, reason };
  });
}

/** Code from one address to another. */
interface Code {
  readonly size: number;
  readonly file: string;
}

/**
 * Where Candor's code looks up properties that V8 no longer caches, since objects of more than four hidden classes come
 * there: 'src/core/record-defaults.ts .address'. For logs made with `--log-ic --log-code`.
 */
export function readMegamorphic(log: string): string[] {
  const codes = new Map<number, Code>();
  const found = new Set<string>();
  for (const line of log.split('\n')) {
    const parts = line.split(',');
    if (parts[0] === 'code-creation') noteCode(codes, parts);
    else if (parts[0] === 'code-move') moveCode(codes, parts);
    // <kind>IC,<position in the code>,<µs>,<line>,<column>,<state before>,<state after>,<hidden class>,<property>,…
    else if (parts[0]?.endsWith('IC') === true && parts[6] === 'N') {
      const file = fileAt(codes, Number(parts[1]));
      if (file !== '') found.add(`${file} .${parts[8] ?? ''}`);
    }
  }
  return [...found].sort();
}

/** `code-creation,<kind>,<tier>,<µs>,<address>,<size>,<name> <file>:<line>:<column>,…` */
function noteCode(codes: Map<number, Code>, [, , , , address, size, name = '']: readonly string[]): void {
  const file = /(?<=\/)(?:packages\/\w+\/)?src\/[^:]+(?=:)/.exec(name)?.[0] ?? '';
  codes.set(Number(address), { size: Number(size), file });
}

function moveCode(codes: Map<number, Code>, [, from, to]: readonly string[]): void {
  const code = codes.get(Number(from));
  if (code === undefined) return;
  codes.delete(Number(from));
  codes.set(Number(to), code);
}

/** Few lookups are logged, so that each may go through all code. */
function fileAt(codes: ReadonlyMap<number, Code>, place: number): string {
  for (const [address, { size, file }] of codes) if (place >= address && place < address + size) return file;
  return '';
}
