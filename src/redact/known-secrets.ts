import { type Span, spansBehind } from './span.ts';

/** Tokens with a prefix by which their issuers make them recognizable. */
interface TokenPrefixes {
  /** As parts of a regular expression. */
  readonly prefixes: readonly string[];
  /** A class of characters that follow. */
  readonly characters: string;
  readonly charactersMin: number;
  /** Names and words may begin like this: a token has a digit too, or both a digit and a capital. */
  readonly needs: 'digit' | 'capital' | null;
}

const word = String.raw`\w\-`;
const dotted = String.raw`\w\-.`;

/** By the documents of the issuers, sorted by what follows the prefix; the least number of characters is lower than theirs. */
const tokenPrefixes: readonly TokenPrefixes[] = [
  {
    prefixes: [
      'gh[pousr]_', // GitHub
      'github_pat_',
      'gl(?:pat|dt|ft|rt|rtr|soat|ptt|oas|cbt|imt|agent)-', // GitLab
      'GR1348941',
      'xox[abeoprs]-', // Slack
      'xoxe\\.xox[bp]-',
      'xapp-',
      '[rs]k_(?:live|test|prod)_', // Stripe, Clerk
      'whsec_',
      'sq0(?:atp|csp|idp)-', // Square
    ],
    characters: dotted,
    charactersMin: 6,
    needs: null,
  },
  {
    prefixes: [
      'hv[sbr]\\.', // HashiCorp Vault
      'do[oprt]_v1_', // DigitalOcean
      'shp(?:at|ca|pa|ss)_', // Shopify
      'dckr_[po]at_', // Docker Hub
      'ya29\\.', // Google
      'GOCSPX-',
      'pypi-',
      'AGE-SECRET-KEY-',
      'lin_(?:api|oauth)_', // Linear
      'ntn_', // Notion
      'PMAK-', // Postman
      'gl(?:c|sa)_', // Grafana
      'NR(?:AK|JS|AA|II|RA)-', // New Relic
      'dt0[a-z]\\d{2}\\.', // Dynatrace
      'dp\\.(?:pt|st|ct|sa|scim|audit)\\.', // Doppler
      'f[mo][12]r?_', // Fly
      'sbp_', // Supabase
      'sb_secret_',
      'pscale_(?:tkn|pw|oauth)_', // PlanetScale
      'pnu_', // Prefect
      'rubygems_',
      'sntry[su]_', // Sentry
      'duffel_(?:live|test)_',
      'FLWSECK(?:_TEST)?-', // Flutterwave
      'rdme_', // ReadMe
      'xkeysib-', // Brevo
      'xsmtpsib-',
      'shippo_(?:live|test)_',
      'tfp_', // Typeform
      'pplx-', // Perplexity
      'gsk_', // Groq
      'xai-',
      'tskey-', // Tailscale
      'CCIP(?:AT|RJ)_', // CircleCI
      'bkua_', // Buildkite
      'sha256~', // OpenShift
      'sq[uap]_', // SonarQube
      'sgp_', // Sourcegraph
      'ops_ey', // 1Password
      'A3-[A-Z\\d]{6}-',
      'ATATT3', // Atlassian
      'ATCTT3',
      'HRKU-', // Heroku
      'EZ[AT]K', // EasyPost
      'CLOJARS_',
      'fio-u-', // Frame.io
      'v1\\.0-[a-f\\d]{24}-', // Cloudflare
      '[A-Za-z\\d]{14}\\.atlasv1\\.', // Terraform
    ],
    characters: dotted,
    charactersMin: 12,
    needs: 'digit',
  },
  {
    // OpenAI, Anthropic, Hugging Face, npm, Replicate, Resend, Artifactory, Alibaba, Bedrock, Meta.
    prefixes: ['sk-', 'hf_', 'api_org_', 'npm_', 'r8_', 're_', 'AKCp', 'cmVmd', 'LTAI', 'ABSK', 'EAA[MC]'],
    characters: word,
    charactersMin: 20,
    needs: 'capital',
  },
  // Mailgun, Databricks, Pulumi, Lob, Twilio, Adobe.
  {
    prefixes: ['key-', 'dapi', 'pul-', '(?:live|test)_', 'SK', 'p8e-'],
    characters: String.raw`a-f\d`,
    charactersMin: 32,
    needs: 'digit',
  },
  // crates.io, Infracost.
  { prefixes: ['cio', 'ico-'], characters: String.raw`A-Za-z\d`, charactersMin: 32, needs: 'digit' },
  {
    prefixes: ['A(?:KIA|SIA|BIA|CCA)', 'A3T[A-Z\\d]'], // AWS
    characters: String.raw`A-Z\d`,
    charactersMin: 12,
    needs: null,
  },
  { prefixes: ['AIza'], characters: word, charactersMin: 30, needs: null },
  { prefixes: [String.raw`SG\.[\w-]{16,}\.`], characters: word, charactersMin: 16, needs: null },
  // Airtable; Mailchimp; Entra ID.
  { prefixes: [String.raw`pat[A-Za-z\d]{14}\.`], characters: String.raw`a-f\d`, charactersMin: 40, needs: null },
  { prefixes: [String.raw`[a-f\d]{32}-us`], characters: String.raw`\d`, charactersMin: 1, needs: null },
  { prefixes: [String.raw`[\w~.]{3}\dQ~`], characters: String.raw`\w~.\-`, charactersMin: 31, needs: null },
];

interface Pattern {
  readonly pattern: RegExp;
  /** A closer check of a match, if the pattern matches too much. */
  readonly isSecret?: (secret: string, whole: string) => boolean;
}

const webToken = /eyJ[\w\-.]{8,}/g;

/** Finds only JSON Web Tokens. */
export function tokenSpans(text: string): readonly Span[] {
  return Array.from(text.matchAll(webToken), ({ index, 0: token }) => ({ start: index, end: index + token.length }));
}

const tokenPatterns: readonly Pattern[] = tokenPrefixes.map(({ prefixes, characters, charactersMin, needs }) => ({
  pattern: new RegExp(`(?<![\\w-])(?:${prefixes.join('|')})[${characters}]{${charactersMin},}`, 'g'),
  ...(needs === null ? {} : { isSecret: needs === 'digit' ? hasDigit : hasDigitAndCapital }),
}));

/** Some prefixes have digits and capitals. */
const prefixCharactersMax = 5;

function hasDigit(token: string): boolean {
  return /\d/.test(token.slice(prefixCharactersMax));
}

function hasDigitAndCapital(token: string): boolean {
  return hasDigit(token) && /[A-Z]/.test(token.slice(prefixCharactersMax));
}

/**
 * Secrets that are recognized by their form. Group 1 is removed; without a group, the whole match. Each pattern begins with a
 * fixed word and repeats only one class, so that it is linear in the text.
 */
const patterns: readonly Pattern[] = [
  // Credentials with their scheme, anywhere in the text (RFC 9110 §11.6.2). "Basic usage" is no credential.
  { pattern: /\b(?:bearer|negotiate)\s+(?!(?:bearer|basic)\s)([\w\-.~+/=:]{4,})/gi },
  {
    pattern: /\b(?:basic|digest)\s+(?!(?:bearer|basic)\s)([\w\-.~+/=:]{4,})/gi,
    isSecret: (secret) => !/^[a-z]+[.:]?$/.test(secret),
  },
  // JSON Web Tokens: base64url of objects, which begin with {". Also without their ".": half a token is one too.
  { pattern: webToken },
  ...tokenPatterns,
  // Addresses that are a secret by themselves: who knows one can send there.
  {
    pattern:
      /\bhttps?:(?:\\?\/){2}(?:hooks\.slack\.com|(?:[\w-]{1,40}\.)?discord(?:app)?\.com\\?\/api|[\w-]{1,80}\.webhook\.office\.com|outlook\.office\.com\\?\/webhook|hooks\.zapier\.com|hook\.(?:[\w-]{1,20}\.)?make\.com|maker\.ifttt\.com|hc-ping\.com)\\?\/([^\s"'<>]{8,})/g,
  },
  // Mattermost, Rocket.Chat and others.
  { pattern: /\/(?:hooks|webhooks?)\/([\w-]{20,}(?:\/[\w-]{16,})*)/g, isSecret: (secret) => /\d/.test(secret) },
  // The token of a Telegram bot.
  { pattern: /(?<!\d)\d{6,12}:AA[\w-]{32,}/g },
  // As `candor token` creates them. Names of our metrics have the same prefix, but neither digits nor capitals.
  { pattern: /candor_([\w-]{20,})/gi, isSecret: (secret) => /[\dA-Z]/.test(secret) },
];

const keyBeginning = /-----BEGIN [A-Z\d ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;
export const keyEnding = '-----END ';

/** A line that is only base64, probably of a private key whose beginning is not in the text. Digests are hexadecimal. */
const base64Line = /^[ \t]*([A-Za-z\d+/]{60,}={0,2})[ \t]*$/gm;

export function knownSecretSpans(text: string): readonly Span[] {
  // The shortest secret is `ghp_` with six characters; most values of a configuration are shorter.
  if (text.length < 10) return [];
  const spans: Span[] = [];
  for (const { pattern, isSecret } of patterns) {
    for (const { index, 0: whole, 1: group } of text.matchAll(pattern)) {
      const secret = group ?? whole;
      const end = index + whole.length;
      if (isSecret === undefined || isSecret(secret, whole)) spans.push({ start: end - secret.length, end });
    }
  }
  spans.push(
    ...spansBehind(keyBeginning, text, (_, start, known) => {
      if (start < known) return null;
      const end = text.indexOf(keyEnding, start);
      return { start, end: end === -1 ? text.length : end };
    }),
  );
  for (const { index, 0: whole, 1: line = '' } of text.matchAll(base64Line)) {
    const start = index + whole.indexOf(line);
    if (/[A-Z]/.test(line) && /[a-z]/.test(line)) spans.push({ start, end: start + line.length });
  }
  return spans;
}

/** Whether a private key begins in the text and continues after it; null if none begins or ends. */
export function keyGoesOn(text: string): boolean | null {
  const begin = text.search(keyBeginning);
  const end = text.lastIndexOf(keyEnding);
  if (begin === -1 && end === -1) return null;
  return begin > end;
}
