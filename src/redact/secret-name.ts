/**
 * Whether the name of a setting, an option or a variable marks its value as a secret: `DB_PASSWORD`, `--api-key`,
 * `clientSecret`, `PGPASSWORD`. Words count whole, so that `author` is not `auth` and `passes` is not `pass`.
 */
export function isSecretName(name: string): boolean {
  if (!firstLook.test(name)) return false;
  const words = wordsOf(name);
  if (aboutSecrets.has(words.at(-1) ?? '')) return false;
  return isVariableOfKey(name, words) || words.some((word, index) => isSecretWord(word, words, index));
}

/** The same if a colon and a space follow, as in prose and in YAML: only words that rarely mean anything else. */
export function isSecretNameInProse(name: string): boolean {
  if (!firstLook.test(name)) return false;
  const words = wordsOf(name);
  const last = words.at(-1) ?? '';
  return strongEnding.test(last) || isSecretKey(last, words, words.length - 1);
}

/** Every name that marks a secret contains one of these. */
const firstLook = /pass|pw|secret|token|key|cred|auth|sess|dsn|jwt|bearer|cookie|otp|pin|sig|hmac|sid/i;

/** Words with these endings mark secrets in any name; programs join them with other words (`PGPASSWORD`, `authtoken`). */
const strongEnding =
  /(?:passw(?:or)?d|passphrase|passcode|secret|token|apikey|accesskey|privatekey|secretkey|authkey|credential|cred|sess(?:ion)?id)s?$/;

const wholeWords: ReadonlySet<string> = new Set([
  'pw',
  'pwd',
  'auth',
  'authorization',
  'dsn',
  'jwt',
  'bearer',
  'cookie',
  'otp',
  'pin',
  'hmac',
  'signature',
  'sig',
  'sid',
]);

/** A key with one of these words is a secret; other keys are names of entries. */
const secretKeys: ReadonlySet<string> = new Set(
  'api access private secret signing encryption master app auth session shared account license webhook deploy'.split(
    ' ',
  ),
);

/** What keys of entries, and error codes, are called, also as variables: `PRIMARY_KEY`, `NO_SUCH_KEY`. */
const otherKeys: ReadonlySet<string> = new Set(
  (
    'public primary foreign partition sort cache routing unique duplicate dup index group object idempotency hash row ' +
    'sorting message translation lookup invalid missing unknown such no bad any hot function arrow enter'
  ).split(' '),
);

/** `STRIPE_KEY`: a variable that ends so has mostly the key of a service. */
function isVariableOfKey(name: string, words: readonly string[]): boolean {
  return /_KEY\d*$/.test(name) && name === name.toUpperCase() && !otherKeys.has(words.at(-2) ?? '');
}

/** `TOKEN_URL` and `--password-file` say where a secret is, not what it is. */
const aboutSecrets: ReadonlySet<string> = new Set(
  (
    'file path dir directory folder type kind method mode length len size ttl timeout expires expiry age url uri endpoint ' +
    'host port server realm domain provider scheme user username name count limit max min enabled required policy ' +
    'algorithm alg header field fields source of'
  ).split(' '),
);

function isSecretWord(word: string, words: readonly string[], index: number): boolean {
  if (strongEnding.test(word) || wholeWords.has(word)) return true;
  if (word === 'pass') return true;
  return isSecretKey(word, words, index);
}

function isSecretKey(word: string, words: readonly string[], index: number): boolean {
  const before = words[index - 1] ?? '';
  return word === 'key' ? secretKeys.has(before) : word === 'id' && before === 'session';
}

/** The longest name that is read; of a longer name only its end. */
const nameCharactersMax = 128;

function wordsOf(name: string): readonly string[] {
  return name
    .slice(-nameCharactersMax)
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .split(/[^A-Za-z\d]+/)
    .map((word) => word.toLowerCase().replace(/\d+$/, ''))
    .filter((word) => word !== '');
}
