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
export const tokenPrefixes: readonly TokenPrefixes[] = [
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
