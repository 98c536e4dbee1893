/** Programs by what they are for, with what stands in their User-Agent, in lowercase. */
export const agentGroups: Readonly<Record<string, readonly string[]>> = {
  /** That collect pages for language models, by what their operators document. */
  ai_crawlers: [
    'gptbot',
    'oai-searchbot',
    'chatgpt-user',
    'claudebot',
    'claude-user',
    'claude-searchbot',
    'anthropic-ai',
    'ccbot',
    'bytespider',
    'perplexitybot',
    'perplexity-user',
    'amazonbot',
    'meta-externalagent',
    'meta-externalfetcher',
    'cohere-ai',
    'diffbot',
    'mistralai-user',
    'youbot',
    'imagesiftbot',
    'timpibot',
    'omgili',
  ],
  search_engines: [
    'googlebot',
    'bingbot',
    'duckduckbot',
    'yandexbot',
    'baiduspider',
    'applebot',
    'qwantbot',
    'seznambot',
    'sogou web spider',
    'petalbot',
  ],
  /** That look for weaknesses. */
  scanners: [
    'sqlmap',
    'nikto',
    'nmap scripting engine',
    'masscan',
    'zgrab',
    'nuclei',
    'wpscan',
    'gobuster',
    'dirbuster',
    'feroxbuster',
    'fuzz faster u fool',
    'acunetix',
    'openvas',
  ],
  /** Command lines and libraries. */
  http_clients: [
    'curl/',
    'wget/',
    'python-requests/',
    'python-urllib/',
    'python-httpx/',
    'aiohttp/',
    'go-http-client/',
    'java/',
    'apache-httpclient/',
    'okhttp/',
    'libwww-perl/',
    'scrapy/',
    'node-fetch',
    'axios/',
    'undici',
  ],
};

/** For requests without a User-Agent. */
export const missingAgent = 'missing';

export const agentWords: readonly string[] = [...Object.keys(agentGroups), missingAgent];
