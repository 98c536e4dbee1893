/** Paths that are known at once; then all are found anew. */
const knownMax = 4096;
/** Folders whose names are told apart. */
const foldersMax = 512;
const segmentsMax = 4;
/** More names in one folder are those of articles, users or files: one pattern. */
const namesMax = 32;
const nameMax = 40;

const [slash, question, zero, nine] = [0x2f, 0x3f, 0x30, 0x39];
const [basis, prime] = [0x811c9dc5, 0x01000193];

/**
 * Paths that one piece of an application answers look alike: '/orders/7' and '/orders/8' are both '/orders/#'. A known one costs a look at each of its
 * characters, as a hash (FNV-1a) in which segments with digits are alike.
 */
export class PathPatterns {
  readonly #known = new Map<number, string>();
  readonly #names = new Map<string, Set<string>>();

  /** `isAnswered`: well. Names are learnt from such requests alone: programs that look for holes ask for thousands that are not there. */
  of(target: string, isAnswered: boolean): string {
    const hash = hashOf(target);
    const known = this.#known.get(hash);
    if (known !== undefined) return known;
    const found = this.#find(target, isAnswered);
    if (!isAnswered) return found;
    if (this.#known.size >= knownMax) this.#known.clear();
    this.#known.set(hash, found);
    return found;
  }

  #find(target: string, isLearnt: boolean): string {
    const [path = ''] = target.split('?', 1);
    let pattern = '';
    for (const segment of path.split('/', 1 + segmentsMax).slice(1)) {
      const name = isVaried(segment) ? '#' : segment;
      const names = this.#names.get(pattern) ?? new Set();
      if (!names.has(name)) {
        if (!isLearnt || names.size >= namesMax || this.#names.size >= foldersMax) return `${pattern}/*`;
        this.#names.set(pattern, names.add(name));
      }
      pattern += `/${name}`;
    }
    return pattern === '' ? '/' : pattern;
  }
}

/** A number, a hash, a date, or words in another alphabet; 'v1' is the version of an API. */
const isVaried = (segment: string): boolean =>
  segment.length > nameMax || (!/^[A-Za-z._~-]*$/.test(segment) && !/^v\d{1,2}$/.test(segment));

function hashOf(target: string): number {
  let [hash, segment, length, first, hasDigit, segments] = [basis, basis, 0, 0, false, 0];
  for (let index = 0; ; index++) {
    const code = index < target.length ? target.charCodeAt(index) : question;
    if (code !== slash && code !== question) {
      segment = Math.imul(segment ^ code, prime);
      if (length++ === 0) first = code;
      if (code >= zero && code <= nine) hasDigit = true;
      continue;
    }
    const isVersion = first === 0x76 && length <= 3;
    hash = Math.imul(hash ^ (hasDigit && !isVersion ? 1 : segment), prime);
    // The first one is what stands before the first slash.
    if (code === question || segments++ === segmentsMax) return hash >>> 0;
    [segment, length, first, hasDigit] = [basis, 0, 0, false];
  }
}
