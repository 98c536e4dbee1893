/** What to say of words of other gateways within the sections that decide who may enter, and how often. */
export type Answers = readonly (readonly [words: string, answer: string])[];

export const whoMayEnter: Readonly<Record<string, Answers>> = {
  'authentication.basic': [
    [
      'users user username password passwords',
      'users stand in a file, "users_file": candor password ada >> users makes a line of it',
    ],
  ],
  'authentication.api_keys': [
    [
      'query queryparameter queryparam param parameter',
      'keys in URLs stand in logs and histories: programs send them in a header, whose name is "header"',
    ],
  ],
  'authentication.jwt': [
    ['secret sharedsecret signingkey hmacsecret secretkey', 'name a file that has the secret, in "secret_file"'],
    [
      'jwksuri jwksurl jwks jwkset keyset url uri keysurl publickeys',
      'an upstream is asked for the keys: keys_from: { upstream: login, path: /.well-known/jwks.json }; or name a file of them in "keys_file"',
    ],
  ],
  'authentication.forward': [
    [
      'url uri address server service endpoint target',
      'name the service under "upstreams"; write its name in "upstream", and the path of the URL in "path"',
    ],
    ['authresponseheaders responseheaders headersupstream copyheader', 'did you mean "copy_headers"?'],
    ['authrequestheaders headers', 'did you mean "request_headers"?'],
    ['trustforwardheader', 'what peers in "trusted_peers" say of the client is believed, and of others nothing'],
  ],
  'authentication.oidc': [
    [
      'redirecturi redirecturl redirect callback callbackurl callbackpath',
      'people come back to "login_path" with /callback behind it: at the provider, write https://HOST/.candor/login/callback',
    ],
    ['cookiesecret sessionsecret cookiekey sessionkey', 'did you mean "key_file"?'],
    ['groups allowedgroups roles allowedroles', 'it is "require: { groups: [staff] }" beside "oidc"'],
    ['users emails allowedemails allowedusers', 'it is "require: { users: [ada@example.org] }" beside "oidc"'],
    ['provider url issuerurl oidcissuerurl discovery discoveryurl', 'did you mean "issuer"?'],
  ],
  access: [
    ['ip ips network networks cidr sourcerange whitelist allowlist ranges', 'did you mean "allow"?'],
    ['blacklist denylist block', 'did you mean "deny"?'],
    ['country geo geoip', 'did you mean "countries"?'],
    ['agents bots programs', 'did you mean "user_agents"?'],
    ['countryfile', 'it stands at the outermost level, for all routes'],
  ],
  rate_limits: [
    ['key keys keyby source sourcecriterion groupby characteristics', 'did you mean "by"?'],
    ['per', 'what is counted apart is "by", and a time is part of the rate, such as "rate: 10/m"'],
    [
      'requests limit max average events count window period interval time',
      'how many in which time is one value, such as "rate: 10/m"',
    ],
    [
      'delay nodelay',
      'a limit delays no request, and refuses what is beyond "burst"; "concurrency" of a route has a queue',
    ],
    ['whitelist allow allowlist except sourcerange', 'did you mean "exempt"?'],
  ],
  'routes.bandwidth': [
    [
      'client address connection ip perclient',
      'each response has its own "response"; how many a client has at once, says "rate_limits: { at_once: 2 }"',
    ],
    ['rate speed limit limitrate max', 'did you mean "response"?'],
  ],
  'routes.maintenance': [
    [
      'schedule cron window windows at from begin begins times',
      'a route that is closed at certain times has "maintenance_windows: { schedule: "0 3 * * SUN", for: 1h }" beside "to"',
    ],
    [
      'until end ends allow except pass host',
      'a maintenance that ends by itself, or lets some clients pass, is begun at run time: candor maintenance on ROUTE --until 23:30 --allow 10.0.0.0/8',
    ],
  ],
  signed_links: [
    ['key keys secret secrets secretfile keyfile', 'name a file with a key in each line, in "keys_file"'],
    ['expires ttl maxage validfor', 'each link says itself until when it is valid, in "expires"'],
    ['ip address bindaddress bindip', 'did you mean "bound_to_address"?'],
  ],
};
