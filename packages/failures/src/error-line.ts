/**
 * Whether a line of output says by itself that something failed: by the level of its logger, by how errors begin, or by its words. A line
 * of a lower level does not, whatever its words are.
 */
export function isErrorLine(line: string): boolean {
  const text = line.slice(0, charactersMax);
  const isErrorLevel = levelOf(text);
  if (isErrorLevel !== null) return isErrorLevel;
  const said = text.replaceAll(noErrors, '');
  return errorWords.some((words) => words.test(said));
}

/** Counts of a summary: '0 failed', 'no errors', 'without any error', 'errors: 0', 'failed=0'. */
const noErrors =
  /\b(?:0|no|zero|without(?: any)?) (?:\w+ )?(?:errors?|exceptions?|fail(?:ed|ures?)|aborted|rejected|refused|missing|unknown|invalid)\b|\b(?:errors?|exceptions?|failed|failures?|rejected|invalid)\s*[:=]\s*0\b(?!\.)/gi;

/** Of a long line, such as a document in JSON, the beginning has the level and the words. */
const charactersMax = 1000;

/** Times, thread names and process ids stand before a level, and seldom take more. */
const levelCharactersMax = 80;

const json = /^\{.*?"(?:level|severity|lvl|levelname|log\.level|@l)" ?: ?(?:(\d+)|"(\w+)")/i;

/** 'ERROR' anywhere in front, '[error]', 'level=fatal', '12:04:05 warn: …'. */
const levels: readonly RegExp[] = [
  /\b(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL|SEVERE|PANIC|EMERG|ALERT)\b/,
  /(?:^|\s)[[<(](trace|debug|info|notice|warn|warning|error|err|fatal|crit|critical|severe|panic|emerg|alert)[\]>)]/i,
  /\blevel="?(\w+)/,
  /^[\d:T.,Z/+ -]*(trace|debug|info|notice|warn|warning|error|err|fatal|crit|critical|severe|panic|emerg|alert): /i,
];

/** Whether it is the level of an error; null: the line has none. The numbers are those of pino and bunyan. */
function levelOf(text: string): boolean | null {
  const [, number, word] = json.exec(text) ?? [];
  if (number !== undefined) return Number(number) >= 50;
  const front = text.slice(0, levelCharactersMax);
  const named = word ?? levels.map((level) => level.exec(front)?.[1]).find((name) => name !== undefined);
  return named === undefined ? null : /^(?:err|fatal|crit|severe|panic|emerg|alert)/i.test(named);
}

const errorWords: readonly RegExp[] = [
  /\b\w*(?:Error|Exception)\b(?:[:()\s[]|$)/,
  /\b(?:error|fatal|panic(?:ked)?|abort(?:ed|ing)|crash(?:ed)?|fail(?:ed|ure|s))\b/i,
  /\b(?:can ?not|can't|could ?n[o']t|could not|unable to|refus(?:ed|es|ing)|denied|forbidden|rejected|timed out)\b/i,
  /\b(?:not|never|isn't|aren't) (?:been )?(?:found|set|defined|provided|given|installed|configured|allowed|permitted|supported|available|valid|specified|recogni[sz]ed)\b/i,
  /\b(?:no such|do(?:es)?(?:n't| not) (?:exist|have|match)|unbound|unrecogni[sz]ed|unexpected|unsupported)\b/i,
  /\b(?:illegal|malformed|corrupt(?:ed)?|incompatible|mismatch|must (?:be|have|not|set))\b/i,
  /\b(?:exceed(?:s|ed)|too (?:many|few|large|long|small|old|new|low|high)|please (?:set|provide|specify))\b/i,
  // Adjectives say an error of what they are told of ('is empty', 'bad option', 'PORT: missing'), and none of what is done ('closing empty pools').
  /(?:^|[:;,(] ?)(?:missing|unknown|undefined|invalid|required|wrong|bad|conflict(?:s|ing)?)\b/i,
  /\b(?:is|are|was|were|be|has|have|had|contains?|found|got|received) (?:an? |the )?(?:missing|unknown|undefined|invalid|expired|required|empty|wrong|bad)\b/i,
  /\b(?:missing|undefined|invalid|expired|required|empty|wrong)\W*$/i,
  /\bexpired (?:on|at|since)\b|\bconflicts with\b|\bneeds (?:an?|the|at least|[A-Z][A-Z_]+)\b/,
  /\b(?:already (?:in use|exists|running|bound)|(?:migrations? (?:are|is) pending|pending migrations?))\b/i,
  /\b(?:EACCES|EADDR[A-Z]+|ECONN[A-Z]+|EEXIST|EHOSTUNREACH|EISDIR|EMFILE|ENO[A-Z]{3,}|EPERM|EPIPE|ETIMEDOUT|EAI_\w+|ERR_\w+)\b/,
];
