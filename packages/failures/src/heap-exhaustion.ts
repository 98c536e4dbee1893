import { lastWords } from './last-words.ts';

/** A runtime that ended its program because it got no more memory. The kernel killed nothing. */
interface HeapExhaustion {
  /** What follows 'It ended because'. */
  readonly why: string;
  /** What to do, one sentence. */
  readonly nextStep: string;
}

const processLimit = 'Give the process more memory (its control group, `ulimit -v`)';

/** What each runtime prints then. */
const runtimes: readonly (HeapExhaustion & { readonly printed: RegExp })[] = [
  {
    printed: /^FATAL ERROR: .*heap out of memory/,
    why: 'its JavaScript heap was full',
    nextStep:
      'Raise the limit of its heap (`NODE_OPTIONS=--max-old-space-size=MIB`), or find what grows: `--heapsnapshot-near-heap-limit=1` writes a heap snapshot before it ends.',
  },
  {
    printed: /\bjava\.lang\.OutOfMemoryError\b/,
    why: 'the JVM had no memory left',
    nextStep:
      'Raise the limit that the error names (`-Xmx` for the heap), or find what grows: `-XX:+HeapDumpOnOutOfMemoryError` writes a heap dump.',
  },
  {
    printed: /^(?:Uncaught )?MemoryError\b/,
    why: 'Python got no more memory',
    nextStep: `${processLimit}, or find what grows with \`tracemalloc\`.`,
  },
  {
    printed: /^fatal error: (?:runtime: )?(?:out of memory|cannot allocate memory)/,
    why: 'Go got no more memory',
    nextStep: `${processLimit}, or find what grows in a heap profile (\`net/http/pprof\`).`,
  },
  {
    printed: /Allowed memory size of \d+ bytes exhausted/,
    why: 'PHP had reached its `memory_limit`',
    nextStep: 'Raise `memory_limit`, or find what grows in the script that the error names.',
  },
  {
    printed: /\bNoMemoryError\b/,
    why: 'Ruby got no more memory',
    nextStep: `${processLimit}, or find what grows with \`ObjectSpace\`.`,
  },
  {
    printed: /\bSystem\.OutOfMemoryException\b/,
    why: '.NET got no more memory',
    nextStep: `${processLimit}, or find what grows in a dump (\`dotnet-gcdump collect\`).`,
  },
  {
    printed: /^memory allocation of \d+ bytes failed/,
    why: 'it got no more memory',
    nextStep: `${processLimit}, or find what grows.`,
  },
];

/** What the last words of a program say of its memory; null: nothing. */
export function heapExhaustionIn(words: string): HeapExhaustion | null {
  return runtimes.find(({ printed }) => printed.test(words)) ?? null;
}

/** The exits of a crash loop are looked at each second while an incident goes on. */
const known = new WeakMap<readonly string[], HeapExhaustion | null>();

/** The same, of its output. */
export function heapExhaustionOf(output: readonly string[]): HeapExhaustion | null {
  const before = known.get(output);
  if (before !== undefined) return before;
  const words = lastWords(output);
  const found = words === null ? null : (heapExhaustionIn(words.error) ?? heapExhaustionIn(words.cause ?? ''));
  known.set(output, found);
  return found;
}
